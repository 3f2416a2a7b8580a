"""Trained models as they are served: memory-mapped, immutable, swapped whole."""
