"""Wishes in words, reasons in words, and what reviewers say in a few sentences: by grammar and templates, or by a language model."""
