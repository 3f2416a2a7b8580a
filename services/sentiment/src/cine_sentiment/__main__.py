"""`python -m cine_sentiment`: serves."""

from cine_sentiment.app import SentimentApplication
from cine_sentiment.settings import SentimentSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(SentimentApplication(load(SentimentSettings)))
