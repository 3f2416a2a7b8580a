"""What is told of the films of a page: their cards, and the true reasons for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from cine.common.v1 import film_card_pb2
from cine_recommender.domain import ladder
from cine_recommender.domain.known import DISLIKED_STARS, LIKED_STARS
from cine_recommender.domain.standins import likeness_reasons
from cine_recommender.domain.taste import COMPONENTS, Views
from cine_recommender.flows.pipeline import Models, Ranking, liked_by
from cine_recommender.interactions import Floats, Ints
from cine_recommender.language.explain import ExplanationFacts, OwnFilm
from cine_recommender.models.content import ContentModel

_REMEMBERED = 4096
_FILM_BYTES = 800
"""What the reasons of a film take; what is said of the films they name is shared."""
_MOST_BECAUSE = 3
_CONTEXT = COMPONENTS.index("context")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says that explanations may mention."""

    title: str
    year: int
    directors: tuple[str, ...]
    cast: tuple[str, ...]
    keywords: tuple[str, ...]
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speaking:
    """A film of the person's own that speaks for another: `share` is what the score would lose without it, `overall` their rating."""

    movie_id: int
    facts: Facts
    share: float
    overall: float | None


@dataclass(frozen=True, eq=False)
class Page:
    """Films of one page; the first axis of everything is these films, n of them.

    Attributes:
        movie_ids: ids in the catalogue.
        cards: serialized `FilmCard`s.
        ranks: int32 (n,), place over all pages, from 1.
        by_score: int32 (n,), place by score alone, from 1.
        scores: float32 (n,).
        shares: float32 (n, 6).
        because: films of the person's own, most first.
        facts: what may be said of each.
        views: float16 (n, signals), of `Ranking.views`; None where there are none.
    """

    movie_ids: Sequence[int]
    cards: Sequence[bytes]
    ranks: Ints
    by_score: Ints
    scores: Floats
    shares: Floats
    because: Sequence[Sequence[Speaking]]
    facts: Sequence[ExplanationFacts]
    views: Views | None = None

    @property
    def nbytes(self) -> int:
        """Bytes it takes, roughly: its cards, and the reasons as objects."""
        return sum(map(len, self.cards)) + _FILM_BYTES * len(self.movie_ids)

    def without_cards(self) -> Page:
        """Returns it without its cards: what was made of them has them."""
        return replace(self, cards=())


@dataclass(frozen=True, eq=False)
class CardFacts:
    """Reads cards of one model, remembering those read lately. Threads may share it."""

    content: ContentModel
    of: Callable[[int], Facts] = field(init=False)

    def __post_init__(self) -> None:
        """Begins with nothing remembered."""
        object.__setattr__(self, "of", lru_cache(_REMEMBERED)(self._read))

    def _read(self, row: int) -> Facts:
        card = film_card_pb2.FilmCard.FromString(self.content.cards.card(row))
        named = (tuple(names) for names in (card.directors, card.cast, card.keywords, card.genres))
        return Facts(card.title, card.year, *named)


def tell(models: Models, facts: CardFacts, ranking: Ranking, places: Sequence[int]) -> Page:
    """Returns what is told of some films of a ranking.

    Args:
        models: those that ranked.
        facts: reads the cards of these models.
        ranking: the ranking.
        places: places in it, from 0.
    """
    chosen = np.array(places, dtype=np.int64)
    rows = ranking.rows[chosen]
    because = _because(models, facts, ranking, rows)
    shares = ranking.shares[chosen]
    return Page(
        movie_ids=models.content.movie_ids[rows].tolist(),
        cards=[models.content.cards.card(row) for row in rows.tolist()],
        ranks=(chosen + 1).astype(np.int32),
        by_score=ranking.by_score[chosen],
        scores=ranking.scores[chosen],
        shares=shares,
        because=because,
        facts=[
            _facts(facts.of(row), ranking, own, share)
            for row, own, share in zip(rows.tolist(), because, shares, strict=True)
        ],
        views=ranking.views[chosen] if ranking.views is not None else None,
    )


def _because(models: Models, facts: CardFacts, ranking: Ranking, rows: Ints) -> list[list[Speaking]]:
    asked = ranking.asked
    if ranking.rung in (ladder.PERSONAL, ladder.CACHED_PERSONAL) and models.taste and ranking.history is not None:
        said = models.taste.reasons(
            ranking.history,
            models.taste_rows[rows],
            now=asked.now,
            profile=asked.profile,
            situation=asked.question.situation,
            most=_MOST_BECAUSE,
        )
        rest = 1 - ranking.about
        found = [[(int(models.content_rows[one.film]), one.amount * rest) for one in each] for each in said]
    elif ranking.rung == ladder.ITEM_MODEL:
        liked, weights = liked_by(models, asked)
        neighbours = models.content.likeness.neighbours
        rest = 1 - ranking.about
        found = [
            [(row, amount * rest) for row, amount in each]
            for each in likeness_reasons(liked, weights, neighbours, rows, _MOST_BECAUSE)
        ]
    else:
        return [[] for _ in rows]
    stars_of = _stars(ranking)
    return [
        [
            _speaking(models, facts, row, amount, stars_of)
            for row, amount in each[:_MOST_BECAUSE]
            if row >= 0 and amount > 0
        ]
        for each in found
    ]


def _speaking(models: Models, facts: CardFacts, row: int, amount: float, stars_of: dict[int, float]) -> Speaking:
    movie_id = int(models.content.movie_ids[row])
    return Speaking(movie_id, facts.of(row), amount, stars_of.get(movie_id))


def _stars(ranking: Ranking) -> dict[int, float]:
    """What the person rated films. A like or dislike without a rating stands in the history with stars of its own: that is no rating."""
    known = ranking.asked.known
    told = np.isin(known.movie_ids, known.liked) & (known.ratings == LIKED_STARS)
    told |= np.isin(known.movie_ids, known.disliked) & (known.ratings == DISLIKED_STARS)
    return dict(zip(known.movie_ids[~told].tolist(), known.ratings[~told].tolist(), strict=True))


def _facts(film: Facts, ranking: Ranking, because: Sequence[Speaking], share: Floats) -> ExplanationFacts:
    question, preferences = ranking.asked.question, ranking.asked.preferences
    people = {*question.filters.people, *(name for own in because for name in (*own.facts.directors, *own.facts.cast))}
    keywords = {name for own in because for name in own.facts.keywords}
    genres = {
        *question.filters.genres,
        *preferences.preferred_genres,
        *(name for own in because for name in own.facts.genres),
    }
    suits = share[_CONTEXT] > 0
    return ExplanationFacts(
        title=film.title,
        because=tuple(OwnFilm(own.facts.title, own.share, own.overall) for own in because),
        components=tuple(zip(COMPONENTS, share.tolist(), strict=True)),
        directors=tuple(name for name in film.directors if name in people),
        cast=tuple(name for name in film.cast if name in people),
        keywords=tuple(name for name in film.keywords if name in keywords),
        genres=tuple(name for name in film.genres if name in genres),
        mood=question.situation.mood if suits else "",
        time_of_day=question.situation.time_of_day if suits else "",
        rung=ranking.rung,
    )


def plain_page(cards: Sequence[film_card_pb2.FilmCard], start: int, rung: str) -> Page:
    """Returns a page of films of which nothing is known but their cards: no score, no reason of the person's own.

    Args:
        cards: the films.
        start: place of the first one over all pages, from 0.
        rung: of the ladder.
    """
    films = len(cards)
    ranks = np.arange(start + 1, start + films + 1, dtype=np.int32)
    return Page(
        movie_ids=[card.movie_id for card in cards],
        cards=[card.SerializeToString() for card in cards],
        ranks=ranks,
        by_score=ranks,
        scores=np.zeros(films, dtype=np.float32),
        shares=np.zeros((films, len(COMPONENTS)), dtype=np.float32),
        because=[[] for _ in cards],
        facts=[ExplanationFacts(title=card.title, rung=rung) for card in cards],
    )
