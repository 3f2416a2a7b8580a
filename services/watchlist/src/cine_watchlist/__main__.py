"""`python -m cine_watchlist`: serves."""

from cine_watchlist.app import WatchlistApplication
from cine_watchlist.settings import WatchlistSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(WatchlistApplication(load(WatchlistSettings)))
