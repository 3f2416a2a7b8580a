"""Everything in words, wired: wishes read, reasons worded, reviews summed up, with a language model where one is configured."""

from __future__ import annotations

from cine.common.v1 import film_card_pb2
from cine_recommender.flows.review_summary import ReviewSummaries
from cine_recommender.language.ollama import Ollama
from cine_recommender.language.reading import WishReader
from cine_recommender.language.wording import Wording
from cine_recommender.models.served import ServedContent
from cine_recommender.reviews import RemoteReviews
from cine_recommender.servicer.review_summary import ReviewSummaryCalls
from cine_recommender.settings import RecommenderSettings
from cinemesh.clock import Clock, utc_now
from cinemesh.errors import Unavailable
from cinemesh.projections import Films
from cinemesh.server import Probe


class Speaking:
    """What reads and writes words.

    Attributes:
        reader: reads wishes.
        wording: words reasons.
        summaries: sums reviews up.

    Args:
        settings: of the service.
        content: the content model being served, for what films it knows.
        films: the copy of the catalogue, for those it does not know yet.
        clock: tells the time.
    """

    def __init__(
        self, settings: RecommenderSettings, content: ServedContent, films: Films, clock: Clock = utc_now
    ) -> None:
        self._content, self._films = content, films
        self._model = Ollama(settings.ollama_url, settings.ollama_model) if settings.ollama_url else None
        patient = settings.ollama_background_seconds
        self.reader = WishReader(self._model, seconds=settings.ollama_timeout_seconds)
        self.wording = Wording(self._model, seconds=patient)
        self.summaries = ReviewSummaries(
            RemoteReviews(settings),
            self._require,
            self._title,
            self._model,
            seconds=settings.ollama_timeout_seconds,
            background_seconds=patient,
            clock=clock,
        )

    def parts(self) -> tuple[object, ...]:
        """Returns what answers the call about reviews, for `RecommenderServicer`."""
        return (ReviewSummaryCalls(self.summaries),)

    def probes(self) -> dict[str, Probe]:
        """Says whether the language model is of help; nothing where none is configured."""
        return {"ollama": Probe(self._probe, required=False)} if self._model is not None else {}

    async def stop(self) -> None:
        """Gives up what the language model is being asked."""
        await self.wording.close()
        await self.summaries.close()
        if self._model is not None:
            await self._model.close()

    async def _require(self, movie_id: int) -> None:
        loaded = self._content.loaded
        if loaded is None or loaded.model.cinematch.row_of(movie_id) is None:
            await self._films.require([movie_id])

    def _title(self, movie_id: int) -> str:
        loaded = self._content.loaded
        row = loaded.model.cinematch.row_of(movie_id) if loaded is not None else None
        if loaded is None or row is None:
            return ""
        return film_card_pb2.FilmCard.FromString(loaded.model.cards.card(row)).title

    async def _probe(self) -> str:
        model = self._model
        if model is None or not model.willing:
            raise Unavailable("no help lately, or busy: templates and the grammar answer")
        return model.name
