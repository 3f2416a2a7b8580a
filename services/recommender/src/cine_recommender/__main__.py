"""`python -m cine_recommender`: serves the recommender."""

from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(RecommenderApplication(load(RecommenderSettings)))
