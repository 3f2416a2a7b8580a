"""The part of a TMDb answer we keep, checked on arrival."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_CAST = 20
_WRITING = {"Writer", "Screenplay", "Author", "Story", "Novel"}


class _Named(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str


class _Member(_Named):
    job: str = ""
    order: int = 10_000


class _Credits(BaseModel):
    model_config = ConfigDict(extra="ignore")
    cast: list[_Member] = []
    crew: list[_Member] = []


class _Keywords(BaseModel):
    model_config = ConfigDict(extra="ignore")
    keywords: list[_Named] = []


class _Country(BaseModel):
    model_config = ConfigDict(extra="ignore")
    iso_3166_1: str


class _Language(BaseModel):
    model_config = ConfigDict(extra="ignore")
    iso_639_1: str


class _Provider(BaseModel):
    model_config = ConfigDict(extra="ignore")
    provider_name: str


class _Offers(BaseModel):
    model_config = ConfigDict(extra="ignore")
    flatrate: list[_Provider] = []


class _Regions(BaseModel):
    model_config = ConfigDict(extra="ignore")
    results: dict[str, _Offers] = {}


class TmdbAnswer(BaseModel):
    """``/3/movie/{id}?append_to_response=credits,keywords,watch/providers,release_dates`` as TMDb sends it."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    id: int
    title: str
    original_title: str | None = None
    original_language: str | None = None
    imdb_id: str | None = None
    overview: str | None = None
    release_date: str | None = None
    runtime: int | None = None
    poster_path: str | None = None
    vote_average: float = 0.0
    vote_count: int = 0
    genres: list[_Named] = []
    production_countries: list[_Country] = []
    spoken_languages: list[_Language] = []
    credits: _Credits = _Credits()
    keywords: _Keywords = _Keywords()
    providers: _Regions = Field(default=_Regions(), alias="watch/providers")


class TmdbFilm(BaseModel):
    """A film as the store keeps it: about 2 KB instead of TMDb's 20–60 KB."""

    model_config = ConfigDict(extra="ignore")

    title: str
    original_title: str | None = None
    imdb_id: str | None = None
    year: int | None = Field(default=None, description="Year of the primary release.")
    overview: str | None = None
    runtime_minutes: int | None = None
    poster_path: str | None = None
    vote_average: float = Field(default=0.0, description="0–10 as TMDb counts.")
    vote_count: int = 0
    genres: list[str] = []
    directors: list[str] = []
    cast: list[str] = []
    writers: list[str] = []
    composers: list[str] = []
    cinematographers: list[str] = []
    keywords: list[str] = []
    countries: list[str] = []
    languages: list[str] = []
    services: list[str] = Field(default=[], description="Subscription services in the configured region.")

    @classmethod
    def from_answer(cls, answer: TmdbAnswer, region: str) -> TmdbFilm:
        """Keep what a film card needs; ``region`` (ISO 3166-1) chooses whose streaming offers."""
        crew = answer.credits.crew
        spoken = (language.iso_639_1 for language in answer.spoken_languages)
        offers = answer.providers.results.get(region, _Offers()).flatrate
        return cls(
            title=answer.title,
            original_title=answer.original_title,
            imdb_id=answer.imdb_id or None,
            year=_year(answer.release_date),
            overview=answer.overview or None,
            runtime_minutes=answer.runtime or None,
            poster_path=answer.poster_path,
            vote_average=answer.vote_average,
            vote_count=answer.vote_count,
            genres=_unique(genre.name for genre in answer.genres),
            directors=_unique(member.name for member in crew if member.job == "Director"),
            cast=_unique(m.name for m in sorted(answer.credits.cast, key=lambda m: m.order))[:MAX_CAST],
            writers=_unique(member.name for member in crew if member.job in _WRITING),
            composers=_unique(member.name for member in crew if member.job == "Original Music Composer"),
            cinematographers=_unique(member.name for member in crew if member.job == "Director of Photography"),
            keywords=_unique(keyword.name for keyword in answer.keywords.keywords),
            countries=_unique(country.iso_3166_1 for country in answer.production_countries),
            languages=_unique([answer.original_language or "", *spoken]),
            services=_unique(offer.provider_name for offer in offers),
        )


class StoredAnswer(BaseModel):
    """One line of the store. ``invalid`` answers are asked for again by the next run, the others never."""

    model_config = ConfigDict(extra="ignore")

    tmdb_id: int
    status: Literal["ok", "not_found", "invalid"]
    film: TmdbFilm | None = None
    reason: str = ""


def _year(released: str | None) -> int | None:
    try:
        return date.fromisoformat(released or "").year
    except ValueError:
        return None


def _unique(names: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
