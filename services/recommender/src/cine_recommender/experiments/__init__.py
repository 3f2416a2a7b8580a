"""Experiments on recommendations: what is declared, who gets what, and what came of it."""
