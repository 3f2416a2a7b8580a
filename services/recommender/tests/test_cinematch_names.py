"""Genres and services are understood as people write them; what is not known is answered with what is."""

from __future__ import annotations

import pytest

from cine_recommender.domain.cinematch import Match, Taste
from cine_recommender.domain.filters import Filters
from cine_recommender.models.content import ContentModel
from cinemesh.errors import InvalidArgument, Reason


def match(model: ContentModel, **taste: object) -> Match:
    return model.cinematch.match(Taste(**taste), model.likeness.neighbours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Sci-Fi", "Sci-Fi"),
        ("sci-fi", "Sci-Fi"),
        ("SCI FI", "Sci-Fi"),
        ("scifi", "Sci-Fi"),
        ("science fiction", "Sci-Fi"),
        ("Science-Fiction", "Sci-Fi"),
        ("action", "Action"),
        ("  Action ", "Action"),
        ("áction", "Action"),
        ("film noir", "Film-Noir"),
        ("noir", "Film-Noir"),
        ("kids", "Children"),
        ("animated", "Animation"),
        ("romantic", "Romance"),
        ("comedies", "Comedy"),
    ],
)
def test_a_genre_by_any_name_gives_the_same_films(model: ContentModel, written: str, canonical: str) -> None:
    assert match(model, genres=[written]).ranked.rows.tolist() == match(model, genres=[canonical]).ranked.rows.tolist()


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("netflix", "Netflix"),
        ("Amazon Prime", "Prime Video"),
        ("prime", "Prime Video"),
        ("disney plus", "Disney+"),
        ("HULU", "Hulu"),
    ],
)
def test_a_service_by_any_name_gives_only_its_films(model: ContentModel, written: str, canonical: str) -> None:
    found = match(model, services=[written], limit=50).ranked.rows
    assert len(found) == 50
    assert model.filters.on_service[model.services.index(canonical)][found].all()


def test_different_genres_give_different_films(model: ContentModel) -> None:
    answers = {tuple(match(model, genres=[genre]).ranked.rows.tolist()) for genre in model.genres}
    assert len(answers) == len(model.genres), "else the table above would prove nothing"


def test_films_of_the_genres_asked_for_come_first(model: ContentModel) -> None:
    rows = match(model, genres=["action", "sci-fi"], limit=3).ranked.rows
    both = model.filters.passing(Filters(genres=("Action", "Sci-Fi")))
    assert both[rows].all()
    assert 2571 in model.movie_ids[rows], "a film by everyone's measure"


@pytest.mark.parametrize(
    ("field", "taste", "reason", "hint"),
    [
        ("preferred_genres[1]", {"genres": ["action", "sci-fy"]}, Reason.UNKNOWN_GENRE, "Sci-Fi"),
        ("preferred_genres[0]", {"genres": ["xyzzy"]}, Reason.UNKNOWN_GENRE, "Accepted: Action, Adventure"),
        ("services[0]", {"services": ["Netfilx"]}, Reason.UNKNOWN_STREAMING_SERVICE, "Netflix"),
        (
            "services[2]",
            {"services": ["hulu", "netflix", "Blockbuster"]},
            Reason.UNKNOWN_STREAMING_SERVICE,
            "Accepted: Disney+, Hulu",
        ),
        ("limit", {"limit": -1}, Reason.INVALID_FIELD, "between 1 and 100"),
        ("limit", {"limit": 101}, Reason.INVALID_FIELD, "between 1 and 100"),
        ("year_max", {"year_min": 2000, "year_max": 1999}, Reason.INVALID_FIELD, "before year_min"),
    ],
)
def test_bad_input_is_named(
    model: ContentModel, field: str, taste: dict[str, object], reason: Reason, hint: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        match(model, **taste)
    assert caught.value.reason is reason
    assert [violated for violated, _ in caught.value.violations] == [field]
    assert hint in caught.value.message


def test_liked_films_draw_their_like_and_are_not_shown_again(model: ContentModel) -> None:
    liked = match(model, liked_movie_ids=[2571, 2571, 77], limit=2)
    assert model.movie_ids[liked.ranked.rows].tolist() == [6365, 6934]
    assert liked.unknown_liked == (77,)


def test_excluded_films_stay_out(model: ContentModel) -> None:
    first = model.movie_ids[match(model, genres=["action"]).ranked.rows].tolist()
    then = model.movie_ids[match(model, genres=["action"], exclude_movie_ids=[*first, 123_456]).ranked.rows].tolist()
    assert len(then) == 20
    assert not set(first) & set(then)


def test_years_are_kept_to_and_a_film_without_one_only_passes_without_them(model: ContentModel) -> None:
    rows = match(model, year_min=1990, year_max=1999, limit=100).ranked.rows
    years = model.filters.years[rows]
    assert years.min() >= 1990
    assert years.max() <= 1999
    nobody_knows_when = model.cinematch.row_of(900)
    assert nobody_knows_when is not None
    everything = [
        match(model, genres=["drama"], services=["hulu"], limit=100, **years).ranked.rows
        for years in ({}, {"year_max": 2050})
    ]
    assert [nobody_knows_when in rows for rows in everything] == [True, False]
