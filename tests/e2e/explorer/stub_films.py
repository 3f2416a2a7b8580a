"""The films of the stub mesh: the starter catalogue's, with ratings invented from their ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
HOSTILE_TITLE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
SERVICES = ("Netflix", "Prime Video", "Disney+", "Max", "MUBI")

Film = dict[str, Any]


def load_films() -> list[Film]:
    """Returns the starter films with the fields of `GetMovieResponse`, and one film with a hostile title."""
    films: list[Film] = []
    for path in sorted((ROOT / "starter" / "films").glob("*.yaml")):
        for raw in yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            number = int(raw.pop("id"))
            original = raw.pop("original_title", "")
            alternatives = ([original] if original else []) + raw.pop("alternative_titles", [])
            films.append(
                raw
                | {
                    "movie_id": number,
                    "alternative_titles": alternatives,
                    "poster_url": "",
                    "streaming_services": [s for i, s in enumerate(SERVICES) if (number * 7 + i * 3) % 5 < 2],
                    "streaming_source": "mock",
                    "tmdb_id": 0,
                    "average_rating": 2.6 + (number * 37 % 200) / 100,
                    "rating_count": 40 + number * 7919 % 4000,
                    "metadata_sources": ["starter"],
                    "etag": str(number),
                }
            )
    hostile = dict(films[0]) | {
        "movie_id": 999999,
        "title": HOSTILE_TITLE,
        "overview": HOSTILE_TITLE,
        "rating_count": 0,
    }
    hostile |= {"average_rating": 0, "directors": [HOSTILE_TITLE], "keywords": [HOSTILE_TITLE], "year": 0}
    hostile["poster_url"] = "javascript:document.title='owned'"
    return [*films, hostile]


def fold(text: str) -> str:
    """Returns letters and digits only, lower case."""
    return "".join(ch for ch in text.casefold() if ch.isalnum())


def card(film: Film) -> Film:
    """Returns the fields of a film card."""
    left_out = {
        "look",
        "etag",
        "writers",
        "composers",
        "cinematographers",
        "alternative_titles",
        "countries",
        "languages",
    }
    return {key: value for key, value in film.items() if key not in left_out}
