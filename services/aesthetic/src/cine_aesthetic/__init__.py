"""Aesthetic: search by look: words, colours, a picture."""
