"""From what is known of a person to a ranking of films: one stage after the other, arrays in and arrays out.

A ranking is a function of what it is asked for (`Asked`) and the models, and of nothing else: so it can be kept, and made again.
Films are rows of the content model, whose cards are shown; the hybrid model numbers them in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cine_recommender.domain import ladder
from cine_recommender.domain.calibration import genre_shares, mix_of_liked
from cine_recommender.domain.known import Known
from cine_recommender.domain.narrowing import FEWEST, narrow
from cine_recommender.domain.numbering import Numbering
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question
from cine_recommender.domain.reranking import Reranking, push_down, rerank
from cine_recommender.domain.standins import liked_rows, rank_by_likeness, rank_by_popularity
from cine_recommender.domain.taste import COMPONENTS, Ranked, Signal, TasteModel, Views
from cine_recommender.flows.meaning import Fit, Meaning
from cine_recommender.interactions import Floats, History, Ints, Mask
from cine_recommender.models.content import ContentModel
from cinemesh.textencoder.present import PresentEncoder

DEPTH: Final = 500
"""Films ranked at once; whoever leafs further has all of them ranked."""
HEAD: Final = 100
"""Films among which the order is decided by more than the score."""
ABOUT_SHARE: Final = 0.5
"""Share of a score that is how well the film fits what a wish says it should be about."""
DISMISSED_SECONDS: Final = 30 * 86_400
_WISHED_STARS: Final = 5.0
_CONTENT: Final = COMPONENTS.index("content")


@dataclass(frozen=True, eq=False)
class Asked:
    """All that a ranking hangs on, besides the models.

    Attributes:
        known: what is known of the person.
        question: what is asked for.
        preferences: what the person said of their taste.
        profile: weights to use, one that the model has; empty without a hybrid model.
        diversity: 0 to 1; None for the usual one.
        now: Unix seconds.
    """

    known: Known
    question: Question
    preferences: Preferences
    profile: str
    diversity: float | None
    now: int

    def history(self) -> tuple[Ints, Floats, npt.NDArray[np.int64]]:
        """Returns ids, stars and times of what the person rated, oldest first, with what the wish says is liked."""
        known, likes = self.known, np.array(self.question.like_movie_ids, dtype=np.int32)
        own = np.flatnonzero(~np.isin(known.movie_ids, likes)) if len(likes) else slice(None)
        return (
            np.concatenate([known.movie_ids[own], likes]),
            np.concatenate([known.ratings[own], np.full(len(likes), _WISHED_STARS, dtype=np.float32)]),
            np.concatenate([known.times[own], np.full(len(likes), self.now, dtype=np.int64)]),
        )


@dataclass(frozen=True, eq=False)
class Ranking:
    """Films in the order in which they are shown.

    Attributes:
        rows: int32 (n,), rows of the content model.
        scores: float32 (n,), 0 to 1.
        shares: float32 (n, 6), a row sums to its score.
        by_score: int32 (n,), place of each by score alone, from 1.
        views: float16 (n, signals), what each signal of the hybrid model makes of the film; None where it did not answer.
        signals: of the hybrid model, in the order of the columns of `views`.
        total: how many films can be ranked; more than n while only the best are.
        rung: of the ladder.
        asked: what it answers.
        history: of the person, as the hybrid model numbers films; None where it did not answer.
        about: what part of a score is how well the film fits the wish, 0 to 1; the rest is scaled down by it.
        reason: what was missing; empty when nothing was.
        decided: places whose order more than the score decided.
        without_taste: why the hybrid model was not asked; empty when it was, or when there is none.
        set_aside: in words, which preferences do not count because too few films suit them; empty for none.
        reranked_by: the sentence encoder that put films in order by a wish; empty where none did.
    """

    rows: Ints
    scores: Floats
    shares: Floats
    by_score: Ints
    total: int
    rung: str
    asked: Asked
    history: History | None = None
    views: Views | None = None
    signals: tuple[Signal, ...] = ()
    about: float = 0.0
    reason: str = ""
    decided: int = 0
    without_taste: str = ""
    set_aside: str = ""
    reranked_by: str = ""

    def taken(self, order: npt.NDArray[np.intp]) -> Ranking:
        """Returns it with its films in another order."""
        return replace(
            self,
            rows=self.rows[order],
            scores=self.scores[order],
            shares=self.shares[order],
            by_score=self.by_score[order],
            views=self.views[order] if self.views is not None else None,
        )

    def followed_by(self, rest: Ranking) -> Ranking:
        """Returns it with the films of another one behind its own."""
        return replace(
            self,
            rows=np.concatenate([self.rows, rest.rows]),
            scores=np.concatenate([self.scores, rest.scores]),
            shares=np.concatenate([self.shares, rest.shares]),
            by_score=np.concatenate([self.by_score, rest.by_score]),
            views=None if self.views is None or rest.views is None else np.concatenate([self.views, rest.views]),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        views = self.views.nbytes if self.views is not None else 0
        return self.rows.nbytes + self.scores.nbytes + self.shares.nbytes + self.by_score.nbytes + views


@dataclass(frozen=True, eq=False)
class Models:
    """The models of one answer, and how films of the one are found in the other.

    Attributes:
        content: whose rows films are.
        taste: the hybrid model; None when there is none.
        present: gives the sentence encoder, where there is one; None for never asking it.
        taste_rows: int32 (content rows,), row of each film in the hybrid model, -1 for none.
        content_rows: int32 (taste rows,), the other way round.
        genre_shares: float32 (content rows, genres), p(genre|film).
        meaning: finds films that are about something.
    """

    content: ContentModel
    taste: TasteModel | None
    present: PresentEncoder | None = None
    numbering: Numbering = field(init=False)
    taste_rows: Ints = field(init=False)
    content_rows: Ints = field(init=False)
    genre_shares: Floats = field(init=False)
    meaning: Meaning = field(init=False)

    def __post_init__(self) -> None:
        """Finds the films of each model in the other."""
        numbering = Numbering(self.content.movie_ids)
        theirs = self.taste.film_ids if self.taste is not None else np.empty(0, dtype=np.int32)
        made = {
            "numbering": numbering,
            "taste_rows": Numbering(theirs).rows(self.content.movie_ids),
            "content_rows": numbering.rows(theirs),
            "genre_shares": genre_shares(self.content.filters.in_genre),
            "meaning": Meaning(self.content, self.present),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """The models, as answers name them."""
        return self.taste.name if self.taste is not None else self.content.name


def hidden(known: Known, question: Question) -> Ints:
    """Returns ids of films that must not be shown, int32."""
    if question.include_seen:
        return known.refused
    return np.concatenate([known.movie_ids, known.seen, known.refused])


def rank(
    models: Models,
    asked: Asked,
    how: Reranking,
    depth: int = DEPTH,
    *,
    without_taste: str = "",
    among: Ints | None = None,
    fewest: int = FEWEST,
) -> Ranking:
    """Returns the ranking for a person; what is missing is said in its `reason`, preferences that do not count in its `set_aside`.

    Whether preferences narrow is decided once for all pages: no later one has films that were kept off an earlier one.

    Args:
        models: what there is.
        asked: who asks for what.
        how: what decides the order besides the score; `asked.diversity` goes before.
        depth: films ranked.
        without_taste: why the hybrid model is not to be asked; empty to ask it.
        among: int32 (n,), rows to choose from; None for all films.
        fewest: films that preferences must leave to narrow.
    """
    allowed = _allowed(models, asked)
    if among is not None:
        chosen = np.zeros(len(allowed), dtype=bool)
        chosen[among] = True
        allowed &= chosen
    taste = None if without_taste else models.taste
    history = _history(taste, asked) if taste is not None else None
    liked, weights = liked_by(models, asked)
    personal = taste is not None and history is not None and len(history) > 0
    by_taste = taste is not None and (personal or not len(liked))
    allowed, set_aside = _narrowed(models, asked, allowed, by_taste=by_taste, fewest=fewest)
    fit = _fitting(models, asked.question, allowed)
    reason = without_taste
    if taste is None and not reason:
        reason = "there is no hybrid model yet"
    if taste is not None and history is not None and by_taste:
        if not personal:
            allowed = _preferred(models, asked, allowed)
        ranked, total = _by_taste(models, taste, history, asked, allowed, depth)
        rung = ladder.PERSONAL if personal else ladder.GENRE_POPULARITY
    elif len(liked):
        if taste is not None:
            reason = "the hybrid model knows none of the films you rated"
        ranked = rank_by_likeness(
            liked, weights, models.content.likeness.neighbours, models.content.scores[-1], allowed, depth
        )
        rung, total, history = ladder.ITEM_MODEL, int(allowed.sum()), None
    else:
        ranked = rank_by_popularity(models.content.scores, _preferred_genres(models, asked), allowed, depth)
        rung, total, history = ladder.GENRE_POPULARITY, int(allowed.sum()), None
    made = Ranking(
        ranked.rows, ranked.scores, ranked.shares, np.arange(1, len(ranked.rows) + 1, dtype=np.int32), total, rung,
        asked, history, ranked.views, ranked.signals, reason=reason, decided=how.places, without_taste=without_taste,
        set_aside=set_aside,
    )  # fmt: skip
    if fit is not None:
        made = _about(made, fit)
    return _reordered(models, made, how)


def extended(models: Models, head: Ranking, how: Reranking) -> Ranking:
    """Returns a ranking of all films that begins as one of the best ones does."""
    if len(head.rows) >= head.total:
        return head
    whole = rank(models, head.asked, how, len(models.content), without_taste=head.without_taste)
    rest = whole.taken(np.flatnonzero(~np.isin(whole.rows, head.rows)))
    # none of these scores more than the last of the head: their places by score follow those of the head
    by_score = len(head.rows) + 1 + np.argsort(np.argsort(rest.by_score))
    made = head.followed_by(replace(rest, by_score=by_score.astype(np.int32)))
    return replace(made, total=len(made.rows))


def _allowed(models: Models, asked: Asked) -> Mask:
    filters, excluded = asked.question.filters, asked.preferences.excluded_genres
    known = set(models.content.genres)
    # asked for by name goes before what is never wanted in general
    never = tuple(name for name in excluded if name in known and name not in filters.genres)
    if never:
        filters = replace(filters, excluded_genres=tuple(dict.fromkeys((*filters.excluded_genres, *never))))
    allowed = models.content.filters.passing(filters)
    allowed[models.numbering.known_rows(hidden(asked.known, asked.question))] = False
    if asked.question.like_movie_ids:
        likes = np.array(asked.question.like_movie_ids, dtype=np.int32)
        allowed[models.numbering.known_rows(likes)] = False
    return allowed


def _narrowed(models: Models, asked: Asked, allowed: Mask, *, by_taste: bool, fewest: int) -> tuple[Mask, str]:
    """Of films that are allowed those that suit what the person prefers in general, and in words what of it was set aside."""
    if not asked.preferences.narrows:
        return allowed, ""
    # those count that can be shown: the hybrid model ranks none that it does not know, and a wish wants films that are about it
    open_ = allowed & (models.taste_rows >= 0) if by_taste else allowed
    related = models.meaning.related(asked.question.about) if asked.question.about else None
    if related is not None:
        open_ = open_ & related
    suits, set_aside = narrow(models.content.filters, asked.preferences, asked.question, open_, fewest)
    return allowed & suits, set_aside


def _fitting(models: Models, question: Question, allowed: Mask) -> Fit | None:
    """Narrows to the films that fit a wish best; returns how well each does, None without one."""
    if not question.about:
        return None
    fit = models.meaning.fit(question.about, allowed)
    if fit is None:
        return None
    allowed &= fit.best
    return fit


def _history(taste: TasteModel, asked: Asked) -> History:
    return taste.history(*asked.history())


def liked_by(models: Models, asked: Asked) -> tuple[Ints, Floats]:
    """Returns rows of the films that speak for others by likeness, and how much each counts; see `standins.liked_rows`."""
    ids, stars, _ = asked.history()
    rows = models.numbering.rows(ids)
    return liked_rows(rows[rows >= 0], stars[rows >= 0])


def _preferred_genres(models: Models, asked: Asked) -> list[int]:
    genres = models.content.genres
    return [genres.index(name) for name in asked.preferences.preferred_genres if name in genres]


def _preferred(models: Models, asked: Asked, allowed: Mask) -> Mask:
    """Of films that are allowed those of the preferred genres, as long as they fill an answer."""
    genres = _preferred_genres(models, asked)
    if not genres or asked.question.filters.genres:
        return allowed
    preferred = allowed & models.content.filters.in_genre[genres].any(axis=0)
    return preferred if np.count_nonzero(preferred) >= FEWEST else allowed


def _by_taste(
    models: Models, taste: TasteModel, history: History, asked: Asked, allowed: Mask, depth: int
) -> tuple[Ranked, int]:
    theirs = (models.content_rows >= 0) & allowed[models.content_rows]
    ranked = taste.rank(
        history, now=asked.now, profile=asked.profile, situation=asked.question.situation, allowed=theirs, depth=depth
    )
    total = int(np.count_nonzero(theirs))
    rows = models.content_rows[ranked.rows]
    return replace(ranked, rows=rows), total if len(rows) == depth else len(rows)


def _about(ranking: Ranking, fit: Fit) -> Ranking:
    part, fits = np.float32(ABOUT_SHARE), fit.films
    reason = "; ".join(filter(None, (ranking.reason, fit.reason)))
    scores = (1 - part) * ranking.scores + part * fits[ranking.rows]
    shares = (1 - part) * ranking.shares
    shares[:, _CONTENT] += part * fits[ranking.rows]
    order = np.argsort(-scores, kind="stable")
    ordered = replace(ranking, scores=scores, shares=shares, about=float(part)).taken(order)
    return replace(ordered, by_score=ranking.by_score, reason=reason, reranked_by=fit.reranked_by)


def _reordered(models: Models, ranking: Ranking, how: Reranking) -> Ranking:
    asked, content = ranking.asked, models.content
    diversity = how.diversity if asked.diversity is None else asked.diversity
    lateness = _lateness(models, ranking)
    order = push_down(lateness) if lateness.any() else np.arange(len(ranking.rows))
    head = ranking.rows[order[:HEAD]]
    if len(head):
        reordered = rerank(
            # a film that was pushed down counts as what stands at its new place
            np.sort(ranking.scores[order[:HEAD]])[::-1],
            replace(how, diversity=diversity),
            likeness=content.likeness.alike(head) if diversity > 0 else None,
            shares=models.genre_shares[head],
            wanted=_wanted_mix(models, ranking),
            groups=content.groups[:, head],
        )
        order = np.concatenate([order[:HEAD][reordered], order[HEAD:]])
    return ranking.taken(order)


def _lateness(models: Models, ranking: Ranking) -> Floats:
    """How fresh it is that the person put a film aside, float32 (n,), 1 at the moment itself, 0 after 30 days."""
    known, late = ranking.asked.known, np.zeros(len(ranking.rows), dtype=np.float32)
    if len(known.dismissed):
        ids = models.content.movie_ids[ranking.rows]
        places = np.minimum(np.searchsorted(known.dismissed, ids), len(known.dismissed) - 1)
        age = ranking.asked.now - known.dismissed_at[places]
        fresh = np.clip(1 - age / DISMISSED_SECONDS, 0, 1)
        late = np.where(known.dismissed[places] == ids, fresh, 0).astype(np.float32)
    return late


def _wanted_mix(models: Models, ranking: Ranking) -> Floats:
    """The genre mix to keep to: that of the films liked, or of the genres preferred; none where genres were asked for."""
    genres = len(models.content.genres)
    asked = ranking.asked
    if asked.question.filters.genres:
        return np.zeros(genres, dtype=np.float32)
    rows = models.numbering.rows(asked.known.movie_ids)
    mix = mix_of_liked(models.genre_shares[rows[rows >= 0]], asked.known.ratings[rows >= 0])
    if mix.any():
        return mix
    preferred = _preferred_genres(models, asked)
    mix[preferred] = 1 / len(preferred) if preferred else 0
    return mix
