"""The starter catalogue: real films in our own words, and a synthetic audience for them."""

from cine_starter.audience import Audience, synthesise
from cine_starter.films import FILMS, Look, PaletteColour, Problem, StarterFilm, StarterInvalid, fingerprint, load_films
from cine_starter.folder import DEFAULT_SEED, write_movielens

__all__ = [
    "DEFAULT_SEED",
    "FILMS",
    "Audience",
    "Look",
    "PaletteColour",
    "Problem",
    "StarterFilm",
    "StarterInvalid",
    "fingerprint",
    "load_films",
    "synthesise",
    "write_movielens",
]
