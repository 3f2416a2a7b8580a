"""The shipped text encoder: right, the same from every thread, quick to refuse what was altered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from cinemesh.textencoder import SHIPPED, EncoderCorrupt, StaticTextEncoder, shipped


def test_vectors_are_unit_float32_in_order() -> None:
    texts = ["a robot learns to love", "", "Le Fabuleux Destin d'Amélie Poulain", "a robot learns to love", "🤖", "   "]
    vectors = shipped().encode(texts)
    assert vectors.shape == (6, 256)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[[0, 2, 3]] == pytest.approx(1, abs=1e-5)
    assert lengths[[1, 5]].tolist() == [0, 0]
    assert (vectors[0] == vectors[3]).all()
    assert shipped().encode([]).shape == (0, 256)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("space travel", "astronauts fly to a distant planet", "a baker opens a shop in Paris"),
        ("thieves plan a bank robbery", "a gang of criminals prepares a heist", "a dog finds its way home"),
        ("haunted house", "a family is terrorised by ghosts in an old mansion", "two lawyers fall in love in New York"),
        ("boxer", "a prizefighter gets a shot at the heavyweight title", "a queen rules an empire"),
        ("wizard school", "a boy learns magic from witches", "a detective hunts a serial killer"),
    ],
)
def test_what_means_the_same_is_nearer(query: str, near: str, far: str) -> None:
    asked, close, distant = shipped().encode([query, near, far])
    assert asked @ close > asked @ distant + 0.1


def test_a_text_is_the_weighted_mean_of_its_tokens() -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    vectors, scales = np.load(SHIPPED / "vectors.npy"), np.load(SHIPPED / "scales.npy")
    text = "The hackers hack the hackable machine"
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    assert len(tokens) > len(text.split()) - 1
    mean = (vectors[tokens] * scales[tokens, None].astype(np.float64)).sum(axis=0)
    np.testing.assert_allclose(shipped().encode([text])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_batches_do_not_matter() -> None:
    texts = [f"film number {number} about {topic}" for number in range(1500) for topic in ("war", "love", "trains")]
    together = shipped().encode(texts)
    np.testing.assert_allclose(
        together[::911], np.vstack([shipped().encode([text]) for text in texts[::911]]), atol=1e-6
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_is_taken(texts: list[str]) -> None:
    vectors = shipped().encode(texts)
    assert vectors.shape == (len(texts), 256)
    assert np.isfinite(vectors).all()


def test_a_very_long_text_is_cut_not_refused() -> None:
    assert np.linalg.norm(shipped().encode(["word " * 1_000_000])) == pytest.approx(1, abs=1e-5)


def test_threads_get_what_one_thread_gets() -> None:
    texts = [
        f"{topic} in {place}" for topic in ("war", "peace", "love", "crime") for place in ("Rome", "space", "a bank")
    ]
    alone = {text: shipped().encode([text])[0] for text in texts}
    with ThreadPoolExecutor(8) as pool:
        for text, vector in zip(
            texts * 20, pool.map(lambda text: shipped().encode([text])[0], texts * 20), strict=True
        ):
            np.testing.assert_array_equal(vector, alone[text])


def test_name_and_version_tell_models_apart() -> None:
    assert shipped().name == "static-minilm-256"
    sha256 = json.loads((SHIPPED / "manifest.json").read_text())["files"]["vectors.npy"]["sha256"]
    assert shipped().version == f"static-minilm-256@{sha256[:12]}"
    assert shipped() is shipped()


@pytest.mark.parametrize("file", ["vectors.npy", "scales.npy", "tokenizer.json", "config.json"])
def test_an_altered_file_is_refused_by_name(tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / SHIPPED.name)
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(EncoderCorrupt, match=file):
        StaticTextEncoder.load(folder)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / SHIPPED.name)
    (folder / "scales.npy").unlink()
    with pytest.raises(EncoderCorrupt, match=r"scales\.npy"):
        StaticTextEncoder.load(folder)


def test_the_card_says_what_the_manifest_says() -> None:
    card, manifest = (SHIPPED / "README.md").read_text(), json.loads((SHIPPED / "manifest.json").read_text())
    assert "Apache-2.0" in card
    assert manifest["parameters"]["licence"] == "Apache-2.0"
    for name in ("mrr10_teacher", "mrr10_shipped", "spearman_shipped"):
        assert f"{manifest['metrics'][name]['value']:.3f}".removeprefix("0") in card, name


def test_no_deep_learning_framework_is_imported() -> None:
    program = (
        "import sys\nfrom cinemesh.textencoder import shipped\nshipped().encode(['a'])\n"
        "print(sorted({'torch', 'transformers', 'model2vec', 'onnxruntime'} & {n.split('.')[0] for n in sys.modules}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.strip() == "[]", done.stderr
