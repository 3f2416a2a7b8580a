"""`python -m cine_identity`: serves."""

from cine_identity.app import IdentityApplication
from cine_identity.settings import IdentitySettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(IdentityApplication(load(IdentitySettings)))
