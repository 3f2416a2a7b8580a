"""Training of the content model: the merged catalogue in, a published artifact out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cine_recommender.models import layout
from cine_recommender.training.cards import write_cards
from cine_recommender.training.catalogue import rows_of, write_catalogue
from cine_recommender.training.features import Features, build_features, described_texts
from cine_recommender.training.films import Films, read_films
from cine_recommender.training.options import ContentOptions
from cine_recommender.training.quality import measure
from cine_recommender.training.rankings import build_rankings, genre_sets
from cine_recommender.training.scores import genre_scores, membership, prior
from cine_recommender.training.sentences import embed, present_version
from cine_recommender.training.series import groups
from cinemesh.artifacts import Artifact, ArtifactError, ArtifactStore, Metric
from cinemesh.textencoder import StaticTextEncoder, shipped

Progress = Callable[[str, float], None]
"""Called with the name of a step and the share of the whole that is done, 0 to 1, when the step begins; during a long one now and then."""

_log = logging.getLogger(__name__)
_STEPS = {
    "read": 0.02,
    "vectors": 0.05,
    "scores": 0.30,
    "rankings": 0.35,
    "cards": 0.43,
    "quality": 0.47,
    "sentences": 0.50,
    "publish": 0.98,
}
_KEPT_VERSIONS = 3


@dataclass
class _Clock:
    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        if self.progress is not None:
            self.progress(name, _STEPS[name])
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def within(self, name: str, after: str) -> Callable[[float], None]:
        """Returns what tells how far a step is, 0 to 1; every percent of the whole once."""
        begin, end, last = _STEPS[name], _STEPS[after], _STEPS[name]

        def tell(share: float) -> None:
            nonlocal last
            now = begin + share * (end - begin)
            if self.progress is not None and now >= last + 0.01:
                last = now
                self.progress(name, now)

        return tell


def train_content(
    source: Path | Films,
    store: ArtifactStore,
    options: ContentOptions | None = None,
    *,
    encoder: StaticTextEncoder | None = None,
    progress: Progress | None = None,
    force: bool = False,
    activate: bool = True,
) -> Artifact:
    """Train the content model and publish it as the current artifact of kind "content".

    Nothing is done when the current artifact was made from the same data, options, encoders and format already. Where a sentence encoder
    is present in the store, described films are embedded with it too, unless the options say otherwise.

    Args:
        source: The merged catalogue, as a file or read already.
        store: Where to publish.
        options: How to make it.
        encoder: Text encoder; the shipped one by default.
        progress: Told about each step as it begins.
        force: Train even when the current artifact is up to date.
        activate: Serve it at once; otherwise it is published and left to the caller.

    Returns:
        The published artifact, or the current one when it is up to date.

    Raises:
        FilmsUnusable: The catalogue is missing, half-written, altered, or lacks a column.
    """
    options, encoder, clock = options or ContentOptions(), encoder or shipped(), _Clock(progress)
    with clock.step("read"):
        films = source if isinstance(source, Films) else read_films(source)
    parameters = {
        "options": options.model_dump(),
        "encoder": encoder.version,
        "layout": layout.VERSION,
        layout.SENTENCE_ENCODER: present_version(store) if options.sentences else "",
    }
    if not force and (current := store.made_of(layout.KIND, films.fingerprint, parameters)) is not None:
        return current
    with store.stage(layout.KIND) as staged:
        metrics = _write(films, staged.path, options, encoder, clock)
        if parameters[layout.SENTENCE_ENCODER]:
            with clock.step("sentences"):
                parameters[layout.SENTENCE_ENCODER] = _embed(films, staged.path, store, clock, metrics)
        with clock.step("publish"):
            artifact = staged.publish(
                fingerprint=films.fingerprint, parameters=parameters, metrics=metrics, activate=activate
            )
            store.prune(layout.KIND, keep=_KEPT_VERSIONS)
    if progress is not None:
        progress("done", 1.0)
    _log.info("trained %s: %s", artifact.version, {name: round(took, 2) for name, took in clock.seconds.items()})
    return artifact


def _write(
    films: Films, folder: Path, options: ContentOptions, encoder: StaticTextEncoder, clock: _Clock
) -> dict[str, Metric]:
    with clock.step("vectors"):
        features = build_features(films, options, encoder)
        _write_features(features, folder)
    with clock.step("scores"):
        best_known = prior(films)
        member = membership(films, features.genres)
        scores = genre_scores(features, member, best_known, options)
        services, rows_by_service = rows_of(films.table["streaming_services"])
        rows_by_genre = [np.flatnonzero(one).astype(np.int32) for one in member]
        np.save(folder / layout.SCORES, scores)
        np.save(folder / layout.MOVIE_IDS, films.table["movie_id"].to_numpy())
        np.save(folder / layout.YEARS, films.table["year"].to_numpy())
        np.save(folder / layout.GROUPS, groups(films))
        np.save(folder / layout.SERVICE_ROWS, np.concatenate([*rows_by_service, np.empty(0, np.int32)]))
        np.save(folder / layout.GENRE_ROWS, np.concatenate([*rows_by_genre, np.empty(0, np.int32)]))
    with clock.step("rankings"):
        sets = genre_sets(member.sum(axis=1))
        np.save(folder / layout.RANKINGS, build_rankings(scores, rows_by_service, sets, options.ranked_depth))
    with clock.step("cards"):
        np.save(folder / layout.CARD_OFFSETS, write_cards(films, folder / layout.CARDS))
        told = write_catalogue(films, folder)
    with clock.step("quality"):
        metrics = measure(features, member)
    described = {
        "genres": features.genres,
        "genre_sizes": [len(rows) for rows in rows_by_genre],
        "services": services,
        "service_sizes": [len(rows) for rows in rows_by_service],
        "genre_sets": sets,
        **told,
    }
    (folder / layout.NAMES).write_text(json.dumps(described), encoding="utf-8")
    elapsed = sum(clock.seconds.values())
    metrics["films"] = Metric(value=len(films), protocol="films the model knows")
    metrics["seconds"] = Metric(
        value=round(elapsed, 2), unit="s", protocol="reading to measuring, on the machine that trained"
    )
    return metrics


def _embed(films: Films, folder: Path, store: ArtifactStore, clock: _Clock, metrics: dict[str, Metric]) -> str:
    """Write the sentence embeddings. Returns the version of their encoder; empty, with a line in the log, where it does not work."""
    _, texts = described_texts(films.table)
    began = time.perf_counter()
    try:
        version, embedded = embed(texts, store, clock.within("sentences", "publish"))
    except ArtifactError as error:
        _log.warning("films are not embedded: %s", error)
        return ""
    embedded.save(folder)
    metrics["sentences_anew"] = Metric(
        value=embedded.anew, protocol="descriptions that no version at hand had embedded"
    )
    metrics["sentences_seconds"] = Metric(
        value=round(time.perf_counter() - began, 2), unit="s", protocol="embedding them, on the machine that trained"
    )
    return version


def _write_features(features: Features, folder: Path) -> None:
    """Write the terms twice, by film and by term: likeness needs one film's terms, then each term's films."""
    by_film, by_term = features.terms, features.terms.T.tocsr()
    for prefix, matrix in ((layout.BY_FILM, by_film), (layout.BY_TERM, by_term)):
        np.save(folder / f"{prefix}{layout.STARTS}", matrix.indptr.astype(np.int64))
        np.save(folder / f"{prefix}{layout.COLUMNS}", matrix.indices.astype(np.int32))
        np.save(folder / f"{prefix}{layout.VALUES}", matrix.data.astype(np.float32))
    np.save(folder / layout.DESCRIBED, features.described)
    np.save(folder / layout.MEANING, features.meaning)
