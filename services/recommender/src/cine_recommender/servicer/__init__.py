"""Turns calls into questions, and answers into messages."""
