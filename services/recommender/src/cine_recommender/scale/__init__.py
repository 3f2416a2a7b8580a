"""Logs far larger than those at hand: one of MovieLens 32M's shape to try training on, and the same steps on Spark."""
