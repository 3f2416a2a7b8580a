"""Export all-MiniLM-L6-v2 to ONNX once, check it against the original, and publish it as an artifact: `make sentence-encoder`.

Needs the training environment, never a serving one; serving then needs ONNX Runtime alone. Where it was published, the next training of
the content model embeds described films with it, and wishes in words are ranked by it (docs/operations.md). The same weights and packages
give the same file, so films embedded before a second export stay embedded.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "shared/cinemesh/src"))

import onnx  # type: ignore[import-not-found]  # noqa: E402
import scipy.stats  # noqa: E402
import torch  # type: ignore[import-not-found]  # noqa: E402
from minilm import PACKAGE, weights_folder  # noqa: E402
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: E402
from transformers import AutoModel, AutoTokenizer, utils  # type: ignore[import-not-found]  # noqa: E402

from cinemesh.artifacts import Artifact, ArtifactError, ArtifactStore, Metric, sha256_of  # noqa: E402
from cinemesh.textencoder import (  # noqa: E402
    IDS,
    MASK,
    POOLED,
    SENTENCE_KIND,
    SentenceEncoder,
    save_sentence_encoder,
    sentence_version,
)

Vectors = npt.NDArray[np.float32]
NAME, SOURCE, LICENCE = "all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0"
MAX_TOKENS = 128
OPSET = 18
SAME = 0.9999
"""Least cosine of a vector and the original's for the export to be right; in float32 nothing but rounding differs."""
GOOD_ENOUGH = 0.97
"""Least mean cosine for the int8 model to be published; below it the float32 one is."""


class MeanPooled(torch.nn.Module):  # type: ignore[misc]
    """The transformer with the mean over the tokens of each text behind it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        """Return the means, (texts, 384)."""
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)


def exported(model: Any, target: Path) -> None:
    """Write the pooled model as ONNX, any number of texts and tokens."""
    ids = torch.ones((2, 7), dtype=torch.int64)
    texts, tokens = torch.export.Dim("texts", min=1, max=4096), torch.export.Dim("tokens", min=2, max=MAX_TOKENS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            MeanPooled(model).eval(),
            (ids, torch.ones_like(ids)),
            str(target),
            input_names=[IDS, MASK],
            output_names=[POOLED],
            dynamic_shapes={name: {0: texts, 1: tokens} for name in (IDS, MASK)},
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    _without_traces(target)


def _without_traces(path: Path) -> None:
    """Leave out where each node was made, which differs from machine to machine: the same weights are to give the same file."""
    made = onnx.load(path)
    for one in (made, made.graph, *made.functions, *made.graph.node, *made.graph.value_info, *made.graph.initializer):
        one.ClearField("metadata_props")
        one.ClearField("doc_string")
    onnx.save(made, path)


def original(model: Any, folder: Path) -> Callable[[list[str]], Vectors]:
    """Return the original: its own tokenizer and weights, mean pooling, unit length, at most 128 tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(texts: list[str]) -> Vectors:
        out = []
        with torch.inference_mode():
            for text in texts:  # one by one: nothing is padded, so nothing of padding can hide a fault
                batch = tokenizer([text], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
                out.append(MeanPooled(model)(batch["input_ids"], batch["attention_mask"]).numpy())
        found = np.concatenate(out)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    return encode


def samples() -> list[str]:
    """Descriptions and keywords of the starter catalogue's films: long texts and short ones."""
    films = [film for path in sorted((REPOSITORY / "starter/films").glob("*.yaml")) for film in _films(path)]
    return [film["overview"] for film in films] + [", ".join(film["keywords"][:3]) for film in films]


def _films(path: Path) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return read


def cosines(ours: Vectors, theirs: Vectors) -> Vectors:
    """Cosine of each vector and the original's, both of length 1."""
    same: Vectors = np.einsum("ij,ij->i", ours, theirs)
    return same


def order_agreement(ours: Vectors, theirs: Vectors) -> float:
    """Spearman correlation of the cosines of all pairs of texts: whether films come in the same order."""
    pairs = np.triu_indices(len(ours), 1)
    return float(scipy.stats.spearmanr((ours @ ours.T)[pairs], (theirs @ theirs.T)[pairs]).statistic)


def publish(store: ArtifactStore, graph: Path, tokenizer: str, name: str, metrics: dict[str, Metric]) -> Artifact:
    """Publish and serve a model; the one that serves is left alone when it is the same."""
    weights = weights_folder() / "model.safetensors"
    current = at_hand(store)
    with store.stage(SENTENCE_KIND) as staged:
        save_sentence_encoder(
            staged.path, onnx=graph.read_bytes(), tokenizer_json=tokenizer, max_tokens=MAX_TOKENS, dimensions=384
        )
        if current is not None and {name: sha256_of(staged.path / name) for name in current.manifest.files} == {
            name: entry.sha256 for name, entry in current.manifest.files.items()
        }:
            return current
        return staged.publish(
            fingerprint=f"sha256:{sha256_of(weights)}",
            parameters={
                "name": name,
                "source": SOURCE,
                "package": f"{PACKAGE} {importlib.metadata.version(PACKAGE)}",
                "licence": LICENCE,
                "max_tokens": MAX_TOKENS,
                "pooling": "mean over the attention mask",
                "quantisation": "int8 weights, dynamic" if name != NAME else "none",
                "exported_with": {one: importlib.metadata.version(one) for one in ("torch", "onnx", "onnxruntime")},
            },
            metrics=metrics,
        )


def at_hand(store: ArtifactStore) -> Artifact | None:
    """Return the encoder that serves; None where there is none, or none that is whole."""
    try:
        return store.current(SENTENCE_KIND)
    except ArtifactError:
        return None


def loaded(folder: Path, graph: Path, tokenizer: str, name: str) -> SentenceEncoder:
    """Load a model the way it is served, from a store of its own."""
    return SentenceEncoder.load(publish(ArtifactStore(folder), graph, tokenizer, name, {}))


def measured(encoder: SentenceEncoder, texts: list[str], theirs: Vectors) -> dict[str, Metric]:
    """Compare a model with the original, and time it."""
    began = time.perf_counter()
    ours = encoder.encode(texts)
    speed = len(texts) / (time.perf_counter() - began)
    began = time.perf_counter()
    for text in texts[:50]:
        encoder.encode([text])
    alone = (time.perf_counter() - began) / 50 * 1000
    same = cosines(ours, theirs)
    protocol = f"{len(texts)} texts of the starter catalogue, against the original in float32"
    return {
        "cosine_mean": Metric(value=round(float(same.mean()), 5), protocol=protocol),
        "cosine_least": Metric(value=round(float(same.min()), 5), protocol=protocol),
        "spearman": Metric(
            value=round(order_agreement(ours, theirs), 5), protocol=f"cosines of all pairs of {protocol}"
        ),
        "speed": Metric(value=round(speed), unit="texts/s", protocol="the same texts, one thread, batches of 32"),
        "alone": Metric(value=round(alone, 2), unit="ms", protocol="one description, one thread"),
    }


def main() -> None:
    """Export, check, quantise, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Path(os.environ.get("CINE_VAR_DIR") or REPOSITORY / "var")
    parser.add_argument(
        "--var-dir", type=Path, default=usual, help="state of the mesh (default: CINE_VAR_DIR, else var)"
    )
    parser.add_argument("--float32", action="store_true", help="publish without quantisation: four times the size")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # packages that are not needed, and advice for other models
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    utils.logging.set_verbosity_error()
    utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    folder = weights_folder()
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
    texts = samples()
    theirs = original(model, folder)(texts)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        whole, small = work / "float32.onnx", work / "int8.onnx"
        exported(model, whole)
        encoder = loaded(work / "float32", whole, tokenizer, NAME)
        metrics = {NAME: measured(encoder, texts, theirs)}
        if metrics[NAME]["cosine_least"].value < SAME:
            sys.exit(f"the exported model is not the original: least cosine {metrics[NAME]['cosine_least'].value}")
        chosen, name = whole, NAME
        if not options.float32:
            # 7 bits of 8: without VNNI instructions sums of full int8 products overflow, and silently
            quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
            quantised = f"{NAME}-int8"
            metrics[quantised] = measured(loaded(work / "int8", small, tokenizer, quantised), texts, theirs)
            if metrics[quantised]["cosine_mean"].value >= GOOD_ENOUGH:
                chosen, name = small, quantised
        for one, found in metrics.items():
            print(f"{one}, {(small if one != NAME else whole).stat().st_size / 1e6:.1f} MB")
            for key, metric in found.items():
                print(f"  {key:14} {metric.value:>10} {metric.unit:8} {metric.protocol}")
        store = ArtifactStore(options.var_dir / "artifacts")
        made = publish(store, chosen, tokenizer, name, metrics[name])
        store.prune(SENTENCE_KIND)
    print(f"{SENTENCE_KIND}/{made.version}: {sentence_version(made.manifest)}; `cine train` embeds films with it")


if __name__ == "__main__":
    main()
