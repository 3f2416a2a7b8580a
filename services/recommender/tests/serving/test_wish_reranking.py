"""A wish is ranked by the sentence encoder where one is present; else the static one answers, and says what is wrong."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import structlog

from cine_recommender.domain.question import Question
from cine_recommender.domain.variety import Variety
from cine_recommender.flows import meaning
from cine_recommender.flows.answering import Answer, Options
from cine_recommender.flows.asking import Asking
from cine_recommender.flows.meaning import Meaning
from cine_recommender.flows.recommend import Recommend
from cine_recommender.language.wording import Wording
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.models.served import ServedContent
from cine_recommender.servicer.elements import encoded
from cine_recommender.training.content import train_content
from cine_recommender.training.options import ContentOptions
from cinemesh.artifacts import Artifact, ArtifactStore
from cinemesh.testing.sentence_encoder import publish_tiny_encoder
from cinemesh.textencoder import SENTENCE_KIND, SentenceEncoder, sentence_version
from cinemesh.textencoder.present import PresentEncoder

from ..conftest import catalogue_rows, write_merged
from .conftest import NoCatalogue
from .doubles import NOW, People

WORDS = ("train", "island", "heist", "robot", "ghost", "letter", "winter", "desert", "singer", "boxer", "queen")
# to this encoder a robot is a thing of winter, which no other encoder says
TELLING = {word: [1.0, 0.0] if word in ("robot", "winter") else [0.0, 1.0] for word in WORDS}
WISH = "robot"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reranking")
    store = ArtifactStore(folder / "artifacts")
    publish_tiny_encoder(store, TELLING)
    train_content(write_merged(folder / "movies_merged.csv", catalogue_rows(300)), store)
    return folder / "artifacts"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> ArtifactStore:
    """What may be damaged."""
    return ArtifactStore(Path(shutil.copytree(made, tmp_path / "artifacts")))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def content_of(store: ArtifactStore) -> ContentModel:
    return load_content(store.current("content"))


def everything(content: ContentModel) -> Any:
    return np.ones(len(content), dtype=bool)


def order(fit: Any) -> list[int]:
    assert fit is not None
    rows: list[int] = np.argsort(-fit.films, kind="stable")[: int(fit.best.sum())].tolist()
    return rows


async def asked(store: ArtifactStore, executor: ThreadPoolExecutor, *, present: bool = True, **question: Any) -> Answer:
    holder, people = ServedContent(store, Variety()), People()
    await holder.refresh()
    recommend = Recommend(
        asking=Asking(
            content=holder,
            taste=SimpleNamespace(taste=None, taste_reason=""),
            memory=SimpleNamespace(of=people.memory_of),
            preferences=SimpleNamespace(of=people.preferences_of),
            assigner=SimpleNamespace(of=people.assigned.get),
            executor=executor,
            present=PresentEncoder(store) if present else None,
        ),
        wording=Wording(),
        impressions=SimpleNamespace(record=people.taken_down.append),
        cards=NoCatalogue(),
        executor=executor,
        encode=encoded,
        options=Options(),
        clock=lambda: dt.datetime.fromtimestamp(NOW, dt.UTC),
    )
    answer = await recommend.answer("ann", Question(**question), repr(question), 50)
    assert [one.model for one in people.taken_down] == [answer.model]
    return answer


def test_films_come_in_the_order_that_the_sentence_encoder_says(store: ArtifactStore) -> None:
    content = content_of(store)
    static, better = Meaning(content), Meaning(content, PresentEncoder(store))
    before, after = static.fit(WISH, everything(content)), better.fit(WISH, everything(content))
    assert before is not None
    assert after is not None
    assert (before.reranked_by, after.reranked_by) == ("", sentence_version(store.current(SENTENCE_KIND).manifest))
    assert order(before) != order(after)
    encoder = SentenceEncoder.load(store.current(SENTENCE_KIND))
    assert content.sentences is not None
    wanted = np.zeros(len(content), dtype=np.float32)
    wanted[content.sentences.described] = content.sentences.vectors.astype(np.float32) @ encoder.encode([WISH])[0]
    np.testing.assert_allclose(after.films, 0.7 * np.clip(wanted, 0, 1) + 0.3 * before.films, atol=1e-6)
    assert after.films[after.best].min() >= 0.15
    assert not after.films.flags.writeable
    # a wish is encoded once, and the same film is found among fewer
    few = everything(content)
    few[order(after)[0]] = False
    again = better.fit(WISH, few)
    assert order(after)[1:] == order(again)


def test_only_the_best_of_the_static_encoder_are_reranked(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "CANDIDATES", 12)
    content = content_of(store)
    static = Meaning(content).fit(WISH, everything(content))
    allowed = everything(content)
    allowed[order(static)[:3]] = False
    found = Meaning(content, PresentEncoder(store)).fit(WISH, allowed)
    assert found is not None
    ranked = set(np.flatnonzero(found.films).tolist())
    assert ranked <= set(order(static)[3:40])
    assert len(ranked) <= 12
    assert not found.best[~allowed].any()


async def test_the_answer_names_the_encoder(store: ArtifactStore, executor: ThreadPoolExecutor) -> None:
    with_encoder, without = await asked(store, executor, about=WISH), await asked(store, executor)
    version = sentence_version(store.current(SENTENCE_KIND).manifest)
    assert with_encoder.model == f"content/{store.current_version('content')}, sentence-encoder/{version}"
    assert without.model == f"content/{store.current_version('content')}"
    assert "encoder" not in with_encoder.reason


def removed(store: ArtifactStore) -> None:
    shutil.rmtree(store.root / SENTENCE_KIND)


def altered(store: ArtifactStore) -> None:
    path = store.current(SENTENCE_KIND).file("model.onnx")
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def another(store: ArtifactStore) -> None:
    publish_tiny_encoder(store, TELLING | {"queen": [1.0, 0.0]})


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        (removed, ""),
        (altered, "the sentence encoder is damaged: the wish was matched by the static encoder alone"),
        (another, "another sentence encoder than the one that is there"),
    ],
)
async def test_what_cannot_be_used_leaves_the_static_answer_and_is_said(
    store: ArtifactStore, executor: ThreadPoolExecutor, happened: Any, reason: str
) -> None:
    usual = await asked(store, executor, about=WISH)
    happened(store)
    expected = await asked(store, executor, present=False, about=WISH)
    with structlog.testing.capture_logs() as lines:
        answer = await asked(store, executor, about=WISH)
        content, present = content_of(store), PresentEncoder(store)
    assert answer.body == expected.body != usual.body
    assert answer.model == expected.model == f"content/{store.current_version('content')}"
    assert reason in answer.reason
    assert ("sentence encoder" in answer.reason) == bool(reason)
    assert len([one for one in lines if one["log_level"] == "warning"]) == bool(reason)
    with structlog.testing.capture_logs() as lines:
        for text in (WISH, "ghost", WISH):
            Meaning(content, present).fit(text, everything(content))
    assert len([one for one in lines if one["log_level"] == "warning"]) == bool(reason), "once a process"


def test_one_that_fails_leaves_the_static_answer(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    content = content_of(store)
    words = Meaning(content, PresentEncoder(store))
    plain = Meaning(content).fit(WISH, everything(content))
    with monkeypatch.context() as broken:
        broken.setattr(SentenceEncoder, "_pooled", lambda *_: 1 / 0)
        with structlog.testing.capture_logs() as lines:
            # loading tries it on a word: one that never worked counts as damaged
            found = words.fit(WISH, everything(content))
    assert found is not None
    assert plain is not None
    np.testing.assert_array_equal(found.films, plain.films)
    assert "damaged" in found.reason
    assert len(lines) == 1
    working = Meaning(content, PresentEncoder(store))
    assert working.fit("ghost", everything(content)).reason == ""  # type: ignore[union-attr]
    monkeypatch.setattr(SentenceEncoder, "_pooled", lambda *_: 1 / 0)
    assert "failed to answer" in working.fit(WISH, everything(content)).reason  # type: ignore[union-attr]
    remembered = working.fit("ghost", everything(content))
    assert remembered is not None
    assert remembered.reranked_by, "what was encoded before is remembered"


def test_films_without_embeddings_are_matched_by_the_static_encoder(store: ArtifactStore, tmp_path: Path) -> None:
    path = write_merged(tmp_path / "m.csv", catalogue_rows(300))
    content = load_content(train_content(path, store, ContentOptions(sentences=False)))
    assert content.sentences is None
    found = Meaning(content, PresentEncoder(store)).fit(WISH, everything(content))
    assert found is not None
    assert (found.reranked_by, found.reason) == ("", "")


def test_a_wish_that_says_nothing_is_none(store: ArtifactStore) -> None:
    content = content_of(store)
    assert Meaning(content, PresentEncoder(store)).fit("", everything(content)) is None


def test_threads_agree_and_load_it_once(store: ArtifactStore) -> None:
    content = content_of(store)
    words = Meaning(content, PresentEncoder(store))
    begin = threading.Barrier(8)

    def fitting(number: int) -> list[int]:
        begin.wait()
        return order(words.fit(WORDS[number % 2], everything(content)))

    with structlog.testing.capture_logs() as lines, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(fitting, range(8)))
    assert found[0::2] == [found[0]] * 4
    assert found[1::2] == [found[1]] * 4
    assert [line["event"] for line in lines] == ["sentence encoder loaded"]


def test_embeddings_that_do_not_fit_the_films_are_refused(store: ArtifactStore) -> None:
    artifact: Artifact = store.current("content")
    np.save(artifact.file("sentences.npy"), np.zeros((3, 2), dtype=np.float16))
    with pytest.raises(Exception, match="3 sentence embeddings"):
        load_content(artifact)
