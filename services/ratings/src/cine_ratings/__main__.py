"""`python -m cine_ratings`: serves."""

from cine_ratings.app import RatingsApplication
from cine_ratings.settings import RatingsSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(RatingsApplication(load(RatingsSettings)))
