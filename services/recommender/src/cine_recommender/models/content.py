"""The content model as it is served: memory-mapped arrays and the objects that answer from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.cinematch import CineMatch
from cine_recommender.domain.filters import FilmFilter
from cine_recommender.domain.ranking import Ranker, RankingTables
from cine_recommender.domain.variety import Variety
from cine_recommender.models import layout
from cine_recommender.models.cards import CardFile
from cine_recommender.models.likeness import Likeness, TermMatrix
from cine_recommender.models.people import PeopleRows
from cine_recommender.models.sentences import Sentences
from cinemesh import vocabulary
from cinemesh.artifacts import Artifact, ArtifactCorrupt, ArtifactStore
from cinemesh.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class ContentModel:
    """One version of the content model. Immutable: it is replaced as a whole.

    Attributes:
        name: What answers call it, "content/<version>".
        version: Version of its artifact.
        genres: Canonical genre names.
        services: Canonical streaming services.
        movie_ids: int32 (films).
        cinematch: Answers tastes.
        genre_names: Genres as people write them.
        service_names: Streaming services as people write them.
        language_names: Languages by their ISO 639-1 codes.
        filters: Which films are of which genre, on which service, of which year.
        likeness: Finds similar films.
        cards: Serialized cards.
        titles: Titles of the films, as people write them.
        scores: float32 (genres + 1, films), 0 to 1: how good an example of each genre, and the last how good and well known.
        groups: int32 (2, films): director and series, -1 for none.
        rating_counts: int32 (films), ratings behind each mean.
        sentences: Sentence embeddings of the films; None where no sentence encoder was present in training.
    """

    name: str
    version: str
    genres: tuple[str, ...]
    services: tuple[str, ...]
    movie_ids: npt.NDArray[np.int32]
    cinematch: CineMatch
    genre_names: Vocabulary
    service_names: Vocabulary
    language_names: Vocabulary
    filters: FilmFilter
    likeness: Likeness
    cards: CardFile
    titles: Sequence[str]
    scores: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int32]
    rating_counts: npt.NDArray[np.int32]
    sentences: Sentences | None = None

    def __len__(self) -> int:
        """Number of films it knows."""
        return len(self.movie_ids)


def load_content(artifact: Artifact, variety: Variety | None = None) -> ContentModel:
    """Open a verified artifact; matrices stay on disk and are mapped.

    Raises:
        ArtifactCorrupt: It was made for another layout, or a file does not hold what the layout says.
    """
    manifest = artifact.manifest
    if manifest.parameters.get("layout") != layout.VERSION:
        found = manifest.parameters.get("layout")
        reason = f"layout {found}, this program reads {layout.VERSION}: train again"
        raise ArtifactCorrupt(manifest.kind, manifest.version, "manifest.json", reason)
    try:
        return _load(artifact, variety or Variety())
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise ArtifactCorrupt(manifest.kind, manifest.version, "model", f"unreadable: {error}") from error


def load_newest(store: ArtifactStore, variety: Variety | None = None) -> tuple[ContentModel, list[str]]:
    """Load the best version that can be served.

    Returns:
        The model, and why better versions were refused (empty in the usual case).

    Raises:
        ArtifactMissing: There is none.
    """
    artifact, refused = store.newest_valid(layout.KIND)
    return load_content(artifact, variety), [str(error) for error in refused]


def _load(artifact: Artifact, variety: Variety) -> ContentModel:
    names = json.loads(artifact.file(layout.NAMES).read_text(encoding="utf-8"))
    genres, services = tuple(names["genres"]), tuple(names["services"])
    movie_ids, scores = _mapped(artifact, layout.MOVIE_IDS), _mapped(artifact, layout.SCORES)
    # Copied, not mapped: small, and touched by every request.
    films = len(movie_ids)
    genre_names, service_names = vocabulary.genres(genres), vocabulary.streaming_services(services)
    on_service = _marked(_mapped(artifact, layout.SERVICE_ROWS), names["service_sizes"], films)
    in_genre = _marked(_mapped(artifact, layout.GENRE_ROWS), names["genre_sizes"], films)
    years, groups = np.array(_mapped(artifact, layout.YEARS)), np.array(_mapped(artifact, layout.GROUPS))
    tables = RankingTables(
        scores=scores,
        years=years,
        on_service=np.vstack([on_service, np.ones((1, films), dtype=bool)]),
        rankings=_mapped(artifact, layout.RANKINGS),
        sets={tuple(group): number for number, group in enumerate(names["genre_sets"])},
        groups=groups,
    )
    cinematch = CineMatch(
        ranker=Ranker(tables, variety),
        genres=genre_names,
        services=service_names,
        genre_names=genres,
        service_names=services,
        movie_ids=np.array(movie_ids),
    )
    likeness = Likeness(
        by_film=_terms(artifact, layout.BY_FILM),
        by_term=_terms(artifact, layout.BY_TERM),
        described=_mapped(artifact, layout.DESCRIBED),
        meaning=_mapped(artifact, layout.MEANING),
        prior=scores[-1],
    )
    filters = FilmFilter(
        genres=genres,
        services=services,
        in_genre=in_genre,
        on_service=on_service,
        years=years,
        runtimes=np.array(_mapped(artifact, layout.RUNTIMES)),
        mean_ratings=np.array(_mapped(artifact, layout.MEAN_RATINGS)),
        languages=_named(_mapped(artifact, layout.LANGUAGE_ROWS), names["languages"], names["language_sizes"]),
        people=PeopleRows(
            partial(_strings, artifact, layout.PEOPLE),
            _mapped(artifact, layout.PEOPLE_STARTS),
            _mapped(artifact, layout.PEOPLE_ROWS),
        ),
    )
    cards = CardFile(artifact.file(layout.CARDS), _mapped(artifact, layout.CARD_OFFSETS))
    return ContentModel(
        name=f"{artifact.manifest.kind}/{artifact.version}",
        version=artifact.version,
        genres=genres,
        services=services,
        movie_ids=movie_ids,
        cinematch=cinematch,
        genre_names=genre_names,
        service_names=service_names,
        language_names=Vocabulary("language", names["languages"], {}),
        filters=filters,
        likeness=likeness,
        cards=cards,
        titles=_strings(artifact, layout.TITLES),
        scores=scores,
        groups=groups,
        rating_counts=_mapped(artifact, layout.RATING_COUNTS),
        sentences=_sentences(artifact, likeness.described),
    )


def _sentences(artifact: Artifact, described: npt.NDArray[np.int32]) -> Sentences | None:
    encoder = artifact.manifest.parameters.get(layout.SENTENCE_ENCODER)
    if not encoder:
        return None
    vectors = _mapped(artifact, layout.SENTENCES)
    if len(vectors) != len(described):
        raise ValueError(f"{len(vectors)} sentence embeddings of {len(described)} films")
    return Sentences(encoder, described, vectors)


def _mapped(artifact: Artifact, name: str) -> npt.NDArray[Any]:
    # A plain array over the map: numpy's memmap class makes every small operation several times dearer.
    return np.asarray(np.load(artifact.file(name), mmap_mode="r"))


def _strings(artifact: Artifact, name: str) -> list[str]:
    read: list[str] = json.loads(artifact.file(name).read_text(encoding="utf-8"))
    return read


def _terms(artifact: Artifact, prefix: str) -> TermMatrix:
    return TermMatrix(*(_mapped(artifact, prefix + part) for part in (layout.STARTS, layout.COLUMNS, layout.VALUES)))


def _marked(rows: npt.NDArray[np.int32], sizes: Sequence[int], films: int) -> npt.NDArray[np.bool_]:
    """Lists of rows, one after the other, as a table of marks (lists, films)."""
    table = np.zeros((len(sizes), films), dtype=bool)
    for place, end in enumerate(np.cumsum(sizes)):
        table[place, rows[end - sizes[place] : end]] = True
    return table


def _named(rows: npt.NDArray[np.int32], names: Sequence[str], sizes: Sequence[int]) -> dict[str, npt.NDArray[np.int32]]:
    """Lists of rows, one after the other, by name."""
    ends = np.cumsum(sizes)
    return {name: rows[end - size : end] for name, size, end in zip(names, sizes, ends, strict=True)}
