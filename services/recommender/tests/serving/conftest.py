from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from cine.recommender.v1 import recommender_pb2
from cine_recommender.domain.question import Question
from cine_recommender.domain.variety import Variety
from cine_recommender.flows.answering import Answer, Options
from cine_recommender.flows.asking import Asking
from cine_recommender.flows.recommend import Recommend
from cine_recommender.language.wording import Wording
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.models.served import ServedContent
from cine_recommender.servicer.elements import encoded
from cine_recommender.training.content import train_content
from cinemesh.artifacts import Artifact, ArtifactStore
from cinemesh.errors import Unavailable

from ..conftest import COLUMNS, catalogue_rows, write_merged
from .doubles import NOW, People, TinyTaste


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[ArtifactStore, Artifact]:
    """A model of the small catalogue, with languages and running times."""
    folder = tmp_path_factory.mktemp("serving")
    rows = catalogue_rows(300)
    for number, row in enumerate(rows):
        row["languages"] = ("en", "fr|en", "", "ko")[number % 4]
        row.setdefault("runtime_minutes", (0, 80, 95, 150)[number % 4] or "")
    store = ArtifactStore(folder / "artifacts")
    path = write_merged(folder / "movies_merged.csv", rows, columns=[*COLUMNS, "languages"])
    return store, train_content(path, store)


@pytest.fixture(scope="session")
def content(described: tuple[ArtifactStore, Artifact]) -> ContentModel:
    return load_content(described[1])


@pytest.fixture
def taste(content: ContentModel) -> TinyTaste:
    return TinyTaste(content.movie_ids)


class NoCatalogue:
    """A catalogue that does not answer."""

    async def cards(self, movie_ids: Any) -> dict[int, Any]:
        raise Unavailable("the catalogue does not answer")


@dataclass
class Served:
    """The flow with everything around it in reach."""

    recommend: Recommend
    people: People
    taste: SimpleNamespace
    content: ContentModel
    clock: SimpleNamespace
    remade: Callable[..., Recommend]
    asking: Callable[[], Asking]
    executor: ThreadPoolExecutor
    holder: ServedContent

    async def ask(
        self, user_id: str = "ann", *, size: int = 20, page: Any = None, **question: Any
    ) -> tuple[Answer, Any]:
        """Asks as the servicer does; returns the answer and its films as a client reads them."""
        asked = Question(**question)
        answer = await self.recommend.answer(user_id, asked, repr(asked), size, page)
        return answer, recommender_pb2.ListRecommendationsResponse.FromString(answer.body).recommendations

    async def every_page(self, user_id: str = "ann", *, size: int = 20, **question: Any) -> list[Any]:
        """Returns all films of all pages."""
        answer, films = await self.ask(user_id, size=size, **question)
        films = list(films)
        while answer.next is not None:
            answer, more = await self.ask(user_id, size=size, page=answer.next, **question)
            films += more
        return films


@pytest.fixture
async def served(described: tuple[ArtifactStore, Artifact], taste: TinyTaste) -> AsyncIterator[Served]:
    holder = ServedContent(described[0], Variety())
    await holder.refresh()
    people, model = People(), SimpleNamespace(taste=taste, taste_reason="")
    clock = SimpleNamespace(now=NOW)
    with ThreadPoolExecutor(2) as executor:

        def asking_of() -> Asking:
            return Asking(
                content=holder,
                taste=model,
                memory=SimpleNamespace(of=people.memory_of),
                preferences=SimpleNamespace(of=people.preferences_of),
                assigner=SimpleNamespace(of=people.assigned.get),
                executor=executor,
            )

        def make(**options: Any) -> Recommend:
            return Recommend(
                asking=asking_of(),
                wording=Wording(),
                impressions=SimpleNamespace(record=people.taken_down.append),
                cards=NoCatalogue(),
                executor=executor,
                encode=encoded,
                options=Options(**options),
                clock=lambda: dt.datetime.fromtimestamp(clock.now, dt.UTC),
            )

        yield Served(make(), people, model, holder.serving.model, clock, make, asking_of, executor, holder)
