"""Signals put together: what each knows of a film and a person becomes one score with exact parts."""
