"""One immutable generation of the catalogue: films, lists, search, vocabularies, cards; replaced whole, never edited."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cine_catalog.cards import Cards
from cine_catalog.domain.audience import Day, Figures, joined
from cine_catalog.domain.film import Film
from cine_catalog.domain.rankings import Rankings, figures_of, genre_members, rank
from cine_catalog.search.engine import SearchEngine
from cine_catalog.search.index import SCHEMA_VERSION, IndexUnusable, build_index, open_index
from cine_catalog.search.meaning import Meaning, film_text
from cinemesh import telemetry, vocabulary
from cinemesh.artifacts import ArtifactCorrupt, ArtifactMissing, ArtifactStore
from cinemesh.textencoder import EncoderCorrupt, StaticTextEncoder, shipped

#: Kind of the search index in the artifact store.
INDEX_KIND = "catalog-index"
_INDEX, _VECTORS = "tantivy", "vectors.npy"
_ENCODE_BATCH = 4096


@dataclass(frozen=True)
class Generation:
    """Everything a request needs, consistent in itself.

    Attributes:
        data_version: version of the data it was made from; empty for an empty catalogue.
        films: (n) films in the order of ids; a film's place is its ordinal everywhere else.
        ordinal_of: `movie_id` → ordinal.
        rankings: popular, trending, top-rated.
        engine: search.
        genres: names of the genres the films have, and how people write them.
        services: the same for streaming services.
        genre_counts: (genre, films) pairs, most films first.
        service_counts: (service, films) pairs, most films first.
        streaming_source: where the services come from; "mock" when any of them is invented.
        cards: serialized film cards.
        data: the figures of the data alone, before people here are counted in.
        members: genre → (n,) bool.
        figures: those that the films show.
    """

    data_version: str
    films: Sequence[Film]
    ordinal_of: dict[int, int]
    rankings: Rankings
    engine: SearchEngine
    genres: vocabulary.Vocabulary
    services: vocabulary.Vocabulary
    genre_counts: list[tuple[str, int]]
    service_counts: list[tuple[str, int]]
    streaming_source: str
    cards: Cards
    data: Figures
    members: dict[str, np.ndarray]
    figures: Figures

    def with_audience(self, live: Mapping[int, Sequence[Day]], data_age_days: float, today: int) -> Generation:
        """Returns the same films with what people here did counted in: means, counts and lists; search is left as it is.

        Args:
            live: `movie_id` → its days; films that the catalogue does not have are passed over.
            data_age_days: days since the data was taken over.
            today: days since 1970-01-01, UTC.
        """
        days = {self.ordinal_of[movie_id]: told for movie_id, told in live.items() if movie_id in self.ordinal_of}
        figures = joined(self.data, data_age_days, days, today)
        shown = self.figures
        changed = {
            ordinal: dataclasses.replace(
                self.films[ordinal],
                average_rating=float(figures.rating[ordinal]),
                rating_count=int(figures.count[ordinal]),
                imported_etag=self.films[ordinal].imported_etag or self.films[ordinal].etag(),
            )
            for ordinal in np.flatnonzero((figures.count != shown.count) | (figures.rating != shown.rating)).tolist()
        }
        films = list(self.films)
        for ordinal, film in changed.items():
            films[ordinal] = film
        return dataclasses.replace(
            self,
            films=films,
            rankings=rank(figures, self.members),
            cards=self.cards.with_changed(changed),
            figures=figures,
        )


def assemble(films: Sequence[Film], data_version: str, artifacts: ArtifactStore) -> Generation:
    """Builds a generation; takes seconds at 60,000 films, so it runs off the event loop.

    The search index and the embeddings are kept as an artifact and reused as long as the films are the same.
    """
    data, members = figures_of(films), genre_members(films)
    rankings = rank(data, members)
    folder = _index_folder(films, data_version, rankings, artifacts)
    popularity = np.array([film.popularity for film in films], dtype=np.float32)
    engine = SearchEngine(open_index(folder / _INDEX, len(films)), films, popularity, _meaning(folder, len(films)))
    genre_counts = _counts(film.genres for film in films)
    service_counts = _counts(film.streaming_services for film in films)
    sources = sorted({film.streaming_source for film in films if film.streaming_source})
    return Generation(
        data_version=data_version,
        films=films,
        ordinal_of={film.movie_id: ordinal for ordinal, film in enumerate(films)},
        rankings=rankings,
        engine=engine,
        genres=vocabulary.genres(name for name, _count in genre_counts),
        services=vocabulary.streaming_services(name for name, _count in service_counts),
        genre_counts=genre_counts,
        service_counts=service_counts,
        streaming_source="mock" if "mock" in sources else ", ".join(sources),
        cards=Cards(films),
        data=data,
        members=members,
        figures=data,
    )


def _counts(lists: Iterable[Sequence[str]]) -> list[tuple[str, int]]:
    found = Counter(itertools.chain.from_iterable(lists))
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _encoder() -> StaticTextEncoder | None:
    try:
        return shipped()
    except EncoderCorrupt as error:
        telemetry.logger("catalog").error(
            "text encoder unusable; descriptions are ranked by words alone", reason=str(error)
        )
        return None


def _index_folder(films: Sequence[Film], data_version: str, rankings: Rankings, artifacts: ArtifactStore) -> Path:
    """Returns the folder of an index of exactly these films, building it when there is none."""
    encoder = _encoder()
    fingerprint = f"{data_version or 'empty'} {len(films)} {SCHEMA_VERSION} {encoder.version if encoder else '-'}"
    log = telemetry.logger("catalog")
    try:
        current = artifacts.current(INDEX_KIND)
        if current.manifest.fingerprint == fingerprint:
            open_index(current.path / _INDEX, len(films))
            return current.path
    except ArtifactMissing:
        pass
    except (ArtifactCorrupt, IndexUnusable) as error:
        log.warning("search index refused, building it again", reason=str(error))
    with artifacts.stage(INDEX_KIND) as stage:
        build_index(stage.path / _INDEX, films, rankings.damped_rating)
        if encoder is not None:
            np.save(stage.path / _VECTORS, _vectors(films, encoder))
        built = stage.publish(fingerprint=fingerprint)
    artifacts.prune(INDEX_KIND)
    log.info("search index built", films=len(films))
    return built.path


def _vectors(films: Sequence[Film], encoder: StaticTextEncoder) -> np.ndarray:
    out = np.zeros((len(films), encoder.dimensions), dtype=np.float32)
    for start in range(0, len(films), _ENCODE_BATCH):
        batch = films[start : start + _ENCODE_BATCH]
        out[start : start + len(batch)] = encoder.encode([film_text(film) for film in batch])
    return out


def _meaning(folder: Path, count: int) -> Meaning | None:
    encoder = _encoder()
    path = folder / _VECTORS
    if encoder is None or not path.exists():
        return None
    vectors = np.load(path, mmap_mode="r")
    return Meaning(encoder, vectors) if vectors.shape == (count, encoder.dimensions) else None
