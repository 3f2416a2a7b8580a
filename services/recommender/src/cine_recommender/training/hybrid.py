"""Training of the hybrid: ratings and the merged catalogue in, a published artifact out, unless it is worse than the one that serves."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cine_recommender.evaluation.metrics import DISCOUNTS, SHOWN, dcg_of_first
from cine_recommender.evaluation.reading import Log, read_log
from cine_recommender.fusion import kept
from cine_recommender.fusion.features import FEATURES
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.training import Rehearsal, logits_of, rehearsed, whole
from cine_recommender.interactions import Floats, Interactions, Mask
from cine_recommender.models.taste import FILM_IDS, KIND, SPREAD
from cine_recommender.signals import gaussian
from cine_recommender.training.facts import facts_of, numbered
from cine_recommender.training.films import Films, read_films
from cine_recommender.training.options import ContentOptions
from cinemesh.artifacts import Artifact, ArtifactError, ArtifactStore, Metric
from cinemesh.textencoder import StaticTextEncoder, shipped

Progress = Callable[[str, float], None]
"""Called with the name of a step and the share of the whole that is done, 0 to 1, when the step begins."""

NDCG, NDCG_HALF, SINGLE = "ndcg@10", "ndcg@10 half-width", "ndcg@10 of EASE alone"
NDCG_LATER = "ndcg@10 of the curves for later"
_PROTOCOL = "protocol U's cut; curves learned from other people than those it is measured on"
_PARTS = 5
_STEPS = 20
_KEPT_VERSIONS = 3
_FOUR_OF_FIVE = 0.8
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        artifact: the one that serves now, or is to: the new one where it passed the gate; None where there was none and the new one failed.
        promoted: whether it is a new one.
        reason: why not; empty when it is.
        made: the new one, whether it passed or not; None where nothing was trained.
    """

    artifact: Artifact | None
    promoted: bool
    reason: str = ""
    made: Artifact | None = None


def train_hybrid(
    source: Path | Films,
    ratings: Path | Log,
    store: ArtifactStore,
    options: HybridOptions | None = None,
    *,
    content: ContentOptions | None = None,
    encoder: StaticTextEncoder | None = None,
    progress: Progress | None = None,
    force: bool = False,
    activate: bool = True,
    seed: int = 0,
) -> Trained:
    """Trains the hybrid and publishes it, if it passes the gate.

    The gate: its NDCG@10 on people it did not learn its curves from must not be below that of EASE alone, and not below that of the model
    that serves by more than the half-width of its 95 % interval, where that one learned from the same folder: figures of other people say
    nothing. What fails stays in the store for a look, unserved.

    Args:
        source: the merged catalogue, as a file or read already.
        ratings: a folder in MovieLens format, or what was read of one.
        store: where to publish.
        options: how to learn it.
        content: how texts become vectors.
        encoder: text encoder; the shipped one by default.
        progress: told about each step as it begins.
        force: train although the current one was made from the same data and options.
        activate: serve what passes at once; otherwise it is published and left to the caller.
        seed: of everything drawn by lot.

    Raises:
        FilmsUnusable: the catalogue cannot be read.
        RatingsUnusable: the ratings cannot be read.
        TooFewRatings: there is too little to learn from.
    """
    chosen, encoder = options or HybridOptions(), encoder or shipped()
    films = source if isinstance(source, Films) else read_films(source)
    log = ratings if isinstance(ratings, Log) else read_log(ratings)
    fingerprint = hashlib.sha256(f"{films.fingerprint} {log.fingerprint}".encode()).hexdigest()
    parameters = {
        "options": chosen.model_dump(),
        "layout": kept.VERSION,
        "encoder": encoder.version,
        "seed": seed,
        "ratings": log.name,
    }
    if not force and (same := store.made_of(KIND, fingerprint, parameters)) is not None:
        return Trained(same, promoted=False, reason="it is up to date")
    current = _current(store)
    done = iter(range(_STEPS))

    def step(name: str) -> None:
        _log.info("training the hybrid: %s", name)
        if progress is not None:
            progress(name, min(1.0, next(done, _STEPS) / _STEPS))

    step("facts")
    facts = facts_of(films, log, content or ContentOptions(), encoder)
    interactions = renumbered(log.interactions, numbered(films, log))
    rehearsal = rehearsed(interactions, facts, chosen, seed, step)
    step("quality")
    metrics = measured(rehearsal)
    hybrid = whole(rehearsal, step)
    step("ratings")
    predictor = gaussian.fit(interactions, facts, {}, seed)
    with store.stage(KIND) as staged:
        kept.save(hybrid, staged.path)
        predictor.save(staged.path)
        np.save(staged.path / FILM_IDS, interactions.film_ids)
        np.save(staged.path / SPREAD, np.array([_spread(predictor, interactions)], dtype=np.float32))
        reason = _refused(metrics, current, log.name)
        artifact = staged.publish(
            fingerprint=fingerprint, parameters=parameters, metrics=metrics, activate=activate and not reason
        )
        store.prune(KIND, keep=_KEPT_VERSIONS)
    if progress is not None:
        progress("done", 1.0)
    if reason:
        return Trained(current, promoted=False, reason=reason, made=artifact)
    return Trained(artifact, promoted=True, made=artifact)


def renumbered(interactions: Interactions, film_ids: npt.NDArray[np.int32]) -> Interactions:
    """Returns interactions with films numbered in the order of other ids, all of theirs among them."""
    order = np.argsort(film_ids, kind="stable")
    rows = order[np.searchsorted(film_ids[order], interactions.film_ids)].astype(np.int32)
    return replace(interactions, films=rows[interactions.films], film_ids=film_ids)


def measured(rehearsal: Rehearsal) -> dict[str, Metric]:
    """Returns what the hybrid is worth to people whose last films its curves have not seen."""
    part = np.random.default_rng(rehearsal.seed).permutation(int(rehearsal.people.max()) + 1)[rehearsal.people] % _PARTS
    asked = part == 0
    if not asked.any() or not rehearsal.wanted[~asked].any() or not rehearsal.wanted[asked].any():
        return {}
    single = next(at for at, one in enumerate(FEATURES) if one.name == "ease:liked")
    theirs = _ndcg(rehearsal, asked, rehearsal.table[asked][:, single])
    ours, later = (
        _ndcg(rehearsal, asked, logits_of(one.curves(~asked), one.table[asked], one.activity[asked]))
        for one in (rehearsal, rehearsal.later())
    )
    half = 1.96 * float(ours.std()) / np.sqrt(len(ours))
    return {
        NDCG: Metric(value=float(ours.mean()), protocol=_PROTOCOL),
        NDCG_HALF: Metric(value=half, protocol="of its 95 % interval over people"),
        SINGLE: Metric(value=float(theirs.mean()), protocol=_PROTOCOL),
        NDCG_LATER: Metric(value=float(later.mean()), protocol=f"{_PROTOCOL}; nothing told of what follows what"),
        "people": Metric(value=len(ours), protocol="people it is measured on"),
    }


def _ndcg(rehearsal: Rehearsal, asked: Mask, scores: Floats) -> npt.NDArray[np.float64]:
    people, wanted = rehearsal.people[asked], rehearsal.wanted[asked]
    order = np.lexsort((-scores, people))
    people, wanted = people[order], wanted[order]
    whose, starts = np.unique(people, return_index=True)
    found = np.empty(len(whose))
    for at, (one, start) in enumerate(zip(whose, starts, strict=True)):
        end = starts[at + 1] if at + 1 < len(starts) else len(people)
        first = wanted[start : min(end, start + SHOWN)]
        found[at] = DISCOUNTS[: len(first)] @ first / dcg_of_first(int(rehearsal.relevant[one]))
    return found


def _spread(predictor: gaussian.GaussianRatings, interactions: Interactions) -> float:
    """Returns stars to either side of a prediction within which four of five ratings lie, by ratings left out of some histories."""
    people = np.flatnonzero(np.diff(interactions.starts) >= 5)
    drawn = np.random.default_rng(0).permutation(people)[:300]
    errors = []
    for one in drawn.tolist():
        history = interactions.history(one)
        last = int(history.films[-1])
        told = predictor.rated(history.without(last), np.array([last], dtype=np.int32))
        errors.append(abs(float(told[0]) - float(history.ratings[-1])))
    return float(np.quantile(errors, _FOUR_OF_FIVE)) if errors else 1.5


def _refused(metrics: dict[str, Metric], current: Artifact | None, ratings: str) -> str:
    """Returns why a model must not serve; empty when it may."""
    if NDCG not in metrics:
        return ""  # too few people to measure it by: there is nothing better either
    ours, single = metrics[NDCG].value, metrics[SINGLE].value
    for value, which in ((ours, ""), (metrics[NDCG_LATER].value, " of the curves for later")):
        if value < single - metrics[NDCG_HALF].value:
            return f"its NDCG@10{which} is {value:.4f}, below that of EASE alone, {single:.4f}"
    known = current.manifest if current is not None else None
    before = known.metrics.get(NDCG) if known is not None and known.parameters.get("ratings") == ratings else None
    if before is not None and ours < before.value - metrics[NDCG_HALF].value:
        return f"its NDCG@10 is {ours:.4f}, below that of the model that serves, {before.value:.4f}"
    return ""


def _current(store: ArtifactStore) -> Artifact | None:
    try:
        return store.current(KIND)
    except ArtifactError:
        return None
