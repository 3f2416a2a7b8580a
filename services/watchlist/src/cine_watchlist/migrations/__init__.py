"""Schema of the watchlist store, step by step."""
