"""`make bench-scale`: the hybrid trained on a generated log of MovieLens 32M's shape; seconds and peak memory of each step.

A log is generated into a temporary folder and the hybrid trained on all of it, step by step as `cine train` does. Then it is trained once
more on everybody's earlier four fifths, and protocol U judges it on 2,000 people beside EASE and popularity. Ends with 1 when it takes
longer than 30 minutes or any step more than 16 GiB; shares of the size have the same share of the time, and the same memory.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from cine_recommender.evaluation.cost import Spent, measured
from cine_recommender.evaluation.facts import Looks
from cine_recommender.evaluation.metrics import MEASURES, Judge
from cine_recommender.evaluation.splits import last_held
from cine_recommender.fusion import kept
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.training import learned, rehearsed, whole
from cine_recommender.interactions import Interactions
from cine_recommender.scale import columns
from cine_recommender.scale.films import facts_of_world
from cine_recommender.scale.generated import generate
from cine_recommender.scale.shape import shape_of
from cine_recommender.signals import ease, gaussian, popularity
from cine_recommender.signals.filmtofilm import SparseWeights
from cine_recommender.signals.signal import FilmFacts, Scorer
from cine_recommender.training.hybrid import measured as worth

MINUTES, GIBIBYTES, PEOPLE = 30, 16, 2_000
_SMALLEST: Final = 0.1
"""Share below which the time a training takes says nothing of the goal: what does not grow with the log counts too much."""


@dataclass
class Clock:
    """Measures steps one after the other and prints each when it ends.

    Attributes:
        steps: name, seconds and peak memory, and seconds of processor time, of each that ended.
    """

    steps: list[tuple[str, Spent, float]] = field(default_factory=list)
    _open: Any = None

    def begin(self, name: str) -> None:
        """Ends the step before and begins one."""
        self.end()
        mark = measured()
        self._open = (name, mark, mark.__enter__(), time.process_time())

    def end(self) -> None:
        """Ends the last step."""
        if self._open is None:
            return
        name, mark, spent, before = self._open
        mark.__exit__(None, None, None)
        self._open = None
        processor = time.process_time() - before
        self.steps.append((name, spent, processor))
        print(
            f"  {name:<34} {spent.seconds:>8.1f} s {processor:>8.1f} s of processor {spent.peak_mib:>9,.0f} MiB",
            flush=True,
        )


def trained(log: Interactions, facts: FilmFacts, options: HybridOptions, seed: int, folder: Path, clock: Clock) -> None:
    """Learns and writes what `cine train` does."""
    rehearsal = rehearsed(log, facts, options, seed, clock.begin)
    clock.begin("quality")
    figures = worth(rehearsal)
    hybrid = whole(rehearsal, clock.begin)
    del rehearsal
    clock.begin("ratings")
    predictor = gaussian.fit(log, facts, {}, seed)
    clock.begin("written")
    kept.save(hybrid, folder)
    predictor.save(folder)
    clock.end()
    size = sum(one.stat().st_size for one in folder.iterdir()) / 2**20
    print(f"  artifact {size:,.0f} MiB; " + ", ".join(f"{name} {one.value:.4g}" for name, one in figures.items()))


def judged(log: Interactions, facts: FilmFacts, options: HybridOptions, seed: int, people: int, clock: Clock) -> None:
    """Runs protocol U for a sample of people.

    Film numbers and the order of rows are drawn by lot where the log is generated, so it is not arranged once more.
    """
    clock.begin("U: cut")
    fold = last_held(log)
    drawn = np.random.default_rng(seed).permutation(len(fold.people))[:people]
    drawn.sort()
    fold = replace(fold, people=fold.people[drawn], now=fold.now[drawn])
    clock.begin("U: training on four fifths")
    hybrid = learned(fold.fit, facts, options, seed)
    shares = facts.genres / np.maximum(facts.genres.sum(axis=1, keepdims=True), 1)
    judge = Judge(fold, Looks(shares.astype(np.float32), facts.terms))
    found = {}
    for name, model in _models(hybrid, fold.fit).items():
        clock.begin(f"U: {name}, {len(fold.people):,} people")
        found[name] = judge.judge(model.scores)
    clock.end()
    print(f"\nProtocol U, {len(fold.people):,} people drawn, ceiling {judge.ceiling.mean():.4f}")
    for name, one in found.items():
        means = dict(zip(MEASURES, np.nanmean(one.figures, axis=0), strict=True))
        each = 1000 * one.seconds / max(1, len(fold.people))
        print(
            f"  {name:<12} NDCG@10 {means['ndcg']:.4f}  Recall@20 {means['recall']:.4f}  "
            f"coverage {one.coverage:.4f}  {each:.1f} ms a person"
        )


def _models(hybrid: Hybrid, fit: Interactions) -> dict[str, Scorer]:
    weights = SparseWeights(hybrid.features.stacked.weights("ease"))
    return {
        "hybrid": hybrid,
        "EASE": ease.Ease(weights, ease.EaseOptions(rows="3.5", grade=1.0)),
        "popularity": popularity.fit(fit, None, {}, 0),
    }


def run(share: float, seed: int, people: int, told: Callable[[str], None] = print) -> bool:
    """Generates, trains, judges and prints; returns whether the goals were reached."""
    shape = shape_of(share)
    told(f"{shape.people:,} people, {shape.ratings:,} ratings, {shape.films:,} films; {os.cpu_count()} cores")
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        clock.begin("generated")
        world = generate(folder / "log", shape, seed)
        clock.begin("facts")
        facts = facts_of_world(world, seed)
        clock.begin("read")
        log = columns.read(folder / "log")
        clock.end()
        first = len(clock.steps)
        began = time.perf_counter()
        trained(log, facts, HybridOptions(), seed, folder / "model", clock)
        seconds = time.perf_counter() - began
        peak = max(spent.peak_mib for _, spent, _ in clock.steps[first:]) / 1024
        told(f"training: {seconds / 60:.1f} min, peak {peak:.1f} GiB")
        if people:
            judged(log, facts, HybridOptions(), seed, people, clock)
    most = max(spent.peak_mib for _, spent, _ in clock.steps) / 1024
    told(f"process: peak {most:.1f} GiB")
    steps = {one: [round(spent.seconds, 2), round(used, 2), round(spent.peak_mib)] for one, spent, used in clock.steps}
    told(json.dumps(steps))
    limit = MINUTES * 60 * (share if share >= _SMALLEST else 1)
    return seconds <= limit and peak <= GIBIBYTES


def main() -> None:
    """Entry of `make bench-scale`."""
    parser = argparse.ArgumentParser(description="train on a generated log of MovieLens 32M's shape")
    parser.add_argument("--share", type=float, default=1.0, help="of the whole size, above 0 up to 1 (default)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=PEOPLE, help="whom protocol U judges by; 0 to train only")
    asked = parser.parse_args()
    try:
        shape_of(asked.share)
    except ValueError as error:
        parser.error(str(error))
    # ended from outside, it takes its temporary folder along: at full size more than a gigabyte
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(0 if run(asked.share, asked.seed, asked.people) else 1)


if __name__ == "__main__":
    main()
