"""Watchlist: watchlists, custom lists, canon lists, film nights."""
