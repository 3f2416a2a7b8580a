"""`python -m cine_aesthetic`: serves."""

from cine_aesthetic.app import AestheticApplication
from cine_aesthetic.settings import AestheticSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(AestheticApplication(load(AestheticSettings)))
