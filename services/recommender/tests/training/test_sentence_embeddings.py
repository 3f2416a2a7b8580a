"""Described films are embedded where a sentence encoder is present: once a description, whoever trains and however often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cine_recommender.models import layout
from cine_recommender.models.content import load_content
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training import stamps
from cine_recommender.training.content import train_content
from cine_recommender.training.outcome import TrainingJob
from cine_recommender.training.renewal import renew
from cinemesh.artifacts import Artifact, ArtifactStore
from cinemesh.testing.sentence_encoder import publish_tiny_encoder
from cinemesh.textencoder import SentenceEncoder, sentence_version

from ..conftest import catalogue_rows, write_merged

WORDS = {"robot": [1.0, 0.0, 0.0], "ghost": [0.0, 1.0, 0.0], "heist": [0.0, 0.0, 1.0]}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def train(store: ArtifactStore, tmp_path: Path, films: int = 60, **changed: str) -> Artifact:
    rows = catalogue_rows(films)
    rows[1] |= changed
    return train_content(write_merged(tmp_path / "m.csv", rows), store, force=True)


def anew(artifact: Artifact) -> float:
    return artifact.manifest.metrics["sentences_anew"].value


def test_without_an_encoder_there_is_nothing_of_it(store: ArtifactStore, tmp_path: Path) -> None:
    made = train(store, tmp_path)
    assert made.manifest.parameters[layout.SENTENCE_ENCODER] == ""
    assert layout.SENTENCES not in made.manifest.files
    assert load_content(made).sentences is None


def test_described_films_are_embedded(store: ArtifactStore, tmp_path: Path) -> None:
    encoder = SentenceEncoder.load(publish_tiny_encoder(store, WORDS))
    steps: list[tuple[str, float]] = []
    path = write_merged(tmp_path / "m.csv", catalogue_rows(240))
    made = train_content(path, store, progress=lambda step, share: steps.append((step, share)))
    content = load_content(made)
    sentences = content.sentences
    assert sentences is not None
    assert sentences.encoder == encoder.version == made.manifest.parameters[layout.SENTENCE_ENCODER]
    assert sentences.vectors.dtype == np.float16
    assert len(sentences.vectors) == len(content.likeness.described) == anew(made) < len(content)
    row = content.cinematch.row_of(2571)
    assert row is not None
    text = "A hacker learns that the world he knows is a simulation run by machines. simulation, artificial intelligence, hacker"
    np.testing.assert_allclose(
        sentences.cosines(np.array([row], dtype=np.int32), encoder.encode(["robot"])[0]),
        encoder.encode([text]) @ encoder.encode(["robot"])[0],
        atol=1e-3,
    )
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert len([step for step, _ in steps if step == "sentences"]) > 2, "a long step is told of while it goes on"


def test_training_again_embeds_only_what_is_new(store: ArtifactStore, tmp_path: Path) -> None:
    publish_tiny_encoder(store, WORDS)
    first = train(store, tmp_path)
    again = train(store, tmp_path)
    assert (anew(first) > 10, anew(again)) == (True, 0)
    for file in (layout.SENTENCES, layout.SENTENCE_TEXTS):
        np.testing.assert_array_equal(np.load(first.file(file)), np.load(again.file(file)))
    changed = train(store, tmp_path, overview="A robot and a ghost plan a heist.")
    assert anew(changed) == 1
    more = train(store, tmp_path, films=80)
    assert 0 < anew(more) <= 1 + 20
    assert load_content(more).sentences is not None


def test_another_encoder_embeds_all_anew(store: ArtifactStore, tmp_path: Path) -> None:
    publish_tiny_encoder(store, WORDS)
    first = train(store, tmp_path)
    publish_tiny_encoder(store, WORDS)  # the same files under another name
    assert anew(train(store, tmp_path)) == 0
    publish_tiny_encoder(store, WORDS | {"queen": [1.0, 1.0, 0.0]})
    other = train(store, tmp_path)
    assert anew(other) == anew(first)


def test_vectors_that_are_damaged_are_not_taken_over(store: ArtifactStore, tmp_path: Path) -> None:
    publish_tiny_encoder(store, WORDS)
    first = train(store, tmp_path)
    first.file(layout.SENTENCES).write_bytes(b"")
    assert anew(train(store, tmp_path)) == anew(first)


def test_a_damaged_encoder_leaves_a_model_without_it(
    store: ArtifactStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = publish_tiny_encoder(store, WORDS)
    encoder.file("model.onnx").write_bytes(b"?")
    made = train(store, tmp_path)
    assert made.manifest.parameters[layout.SENTENCE_ENCODER] == ""
    assert "films are not embedded" in caplog.text
    assert load_content(made).sentences is None


def test_a_setting_turns_it_off(store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_tiny_encoder(store, WORDS)
    monkeypatch.setenv("CINE_RECOMMENDER_SENTENCES", "false")
    options = RecommenderSettings().content_options()
    made = train_content(write_merged(tmp_path / "m.csv", catalogue_rows(60)), store, options)
    assert made.manifest.parameters[layout.SENTENCE_ENCODER] == ""


def test_an_encoder_that_appears_is_something_new_to_train_with(job: TrainingJob) -> None:
    store = ArtifactStore(job.artifacts_dir)
    assert renew("content", job).result == "promoted"
    assert renew("content", job).result == "unchanged"
    version = sentence_version(publish_tiny_encoder(store, WORDS).manifest)
    assert stamps.up_to_date("content", job, stamps.made_of("content", job)) is None
    assert renew("content", job).result == "promoted"
    assert store.current("content").manifest.parameters[layout.SENTENCE_ENCODER] == version
    assert renew("content", job).result == "unchanged"
    off = job.model_copy(update={"options": job.options.model_copy(update={"sentences": False})})
    assert renew("content", off).result == "promoted"
    assert store.current("content").manifest.parameters[layout.SENTENCE_ENCODER] == ""
