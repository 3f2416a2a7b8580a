"""A sentence encoder of a store: right whatever it is batched with, optional, and said to be damaged where it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import structlog

from cinemesh.artifacts import Artifact, ArtifactCorrupt, ArtifactStore
from cinemesh.errors import Unavailable
from cinemesh.testing.sentence_encoder import publish_tiny_encoder
from cinemesh.textencoder import SENTENCE_KIND, SentenceEncoder, sentence_version
from cinemesh.textencoder.present import EncoderUnusable, PresentEncoder

WORDS = {"robot": [1, 0, 0], "machine": [0.9, 0.1, 0], "love": [0, 1, 0], "war": [0, 0, 1]}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def damage(artifact: Artifact, file: str = "model.onnx") -> None:
    path = artifact.file(file)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_texts_are_unit_vectors_in_order_whatever_stands_beside_them(store: ArtifactStore) -> None:
    encoder = SentenceEncoder.load(publish_tiny_encoder(store, WORDS))
    texts = ["A robot", "", "love and war and love and war and love", "robot love", "nothing known", "A robot"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, encoder.dimensions)
    np.testing.assert_allclose(vectors, np.vstack([encoder.encode([text]) for text in texts]), atol=1e-6)
    np.testing.assert_allclose(vectors[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(vectors[3], [0.7071, 0.7071, 0], atol=1e-4)
    np.testing.assert_allclose(vectors[2], np.array([0, 3, 2]) / np.sqrt(13), atol=1e-5)
    assert np.linalg.norm(vectors, axis=1).round(5).tolist() == [1, 0, 1, 1, 0, 1]
    assert encoder.encode([]).shape == (0, 3)


def test_long_texts_are_cut(store: ArtifactStore) -> None:
    encoder = SentenceEncoder.load(publish_tiny_encoder(store, WORDS, max_tokens=3))
    np.testing.assert_allclose(encoder.encode(["robot robot robot love love"])[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(encoder.encode(["war " * 100_000])[0], [0, 0, 1], atol=1e-6)


def test_threads_get_what_one_thread_gets(store: ArtifactStore) -> None:
    encoder = SentenceEncoder.load(publish_tiny_encoder(store, WORDS))
    texts = [" ".join([*WORDS][: number % 4 + 1] * (number % 5 + 1)) for number in range(200)]
    alone = encoder.encode(texts)
    with ThreadPoolExecutor(8) as threads:
        for got in threads.map(lambda _: encoder.encode(texts), range(24)):
            np.testing.assert_array_equal(got, alone)


def test_progress_is_told(store: ArtifactStore) -> None:
    told: list[int] = []
    SentenceEncoder.load(publish_tiny_encoder(store, WORDS)).encode(["love"] * 70, told.append)
    assert told == [32, 64, 70]


def test_the_same_files_are_the_same_version(store: ArtifactStore) -> None:
    first, again = publish_tiny_encoder(store, WORDS), publish_tiny_encoder(store, WORDS)
    assert first.version != again.version
    assert sentence_version(first.manifest) == sentence_version(again.manifest)
    assert sentence_version(first.manifest) == SentenceEncoder.load(first).version
    assert sentence_version(first.manifest).startswith("tiny@")
    other = publish_tiny_encoder(store, WORDS | {"love": [0, 0, 1]})
    assert sentence_version(other.manifest) != sentence_version(first.manifest)


def test_none_is_no_fault(store: ArtifactStore) -> None:
    present = PresentEncoder(store)
    assert present.of_version("tiny@0") is None
    assert present.probe() == "none: the static encoder answers alone"


def test_it_is_loaded_once_and_again_when_another_is_published(store: ArtifactStore) -> None:
    present, first = PresentEncoder(store), publish_tiny_encoder(store, WORDS)
    version = sentence_version(first.manifest)
    encoder = present.of_version(version)
    assert encoder is not None
    assert present.of_version(version) is encoder
    assert present.probe() == version
    other = sentence_version(publish_tiny_encoder(store, WORDS | {"love": [0, 0, 1]}).manifest)
    with pytest.raises(EncoderUnusable, match="another sentence encoder"):
        present.of_version(version)
    changed = present.of_version(other)
    assert changed is not None
    assert changed.version == other == present.probe()


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_damaged_one_is_refused_and_logged_once(store: ArtifactStore, file: str) -> None:
    made, present = publish_tiny_encoder(store, WORDS), PresentEncoder(store)
    damage(made, file)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(EncoderUnusable, match="damaged"):
                present.of_version(sentence_version(made.manifest))
    assert [line["log_level"] for line in lines] == ["warning"]
    assert file in lines[0]["reason"]
    with pytest.raises(Unavailable, match=file):
        present.probe()


def test_one_that_cannot_be_run_is_damaged(store: ArtifactStore) -> None:
    with store.stage(SENTENCE_KIND) as staged:
        (staged.path / "model.onnx").write_bytes(b"no graph")
        (staged.path / "tokenizer.json").write_text("{}")
        (staged.path / "config.json").write_text('{"dimensions": 3, "max_tokens": 8}')
        made = staged.publish(fingerprint="none", parameters={"name": "nonsense"})
    with pytest.raises(ArtifactCorrupt, match="cannot be run"):
        SentenceEncoder.load(made)
    present = PresentEncoder(store)
    with pytest.raises(EncoderUnusable):
        present.of_version(sentence_version(made.manifest))
    with pytest.raises(Unavailable, match="cannot be run"):
        present.probe()
    (store.root / SENTENCE_KIND / "current").write_text("../../etc\n")
    with pytest.raises(EncoderUnusable):
        present.of_version(sentence_version(made.manifest))


def test_one_without_a_name_is_refused(store: ArtifactStore) -> None:
    with store.stage(SENTENCE_KIND) as staged:
        (staged.path / "model.onnx").write_bytes(b"")
        made = staged.publish(fingerprint="none")
    with pytest.raises(ArtifactCorrupt, match=r"parameters\.name"):
        sentence_version(made.manifest)
    with pytest.raises(Unavailable):
        PresentEncoder(store).probe()
