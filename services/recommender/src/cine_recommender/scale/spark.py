"""The steps of the hybrid's training on Apache Spark, for logs that outgrow one machine; wants the `spark` extra and Java 17.

Spark reads, numbers and sorts the log and cuts it into parts of whole people. Each part is an `Interactions` like any other, what is
learned from it is summed over parts, and the sums become a signal by the very functions that one machine uses: so both ways give the
same, counts exactly and the rest but for the order of additions. Matrices of all films against all films exist in blocks of rows alone,
each put together and cut on one worker; what is left of them is collected. Only EASE's Gram matrix, of the `most_films` most rated, is
whole on the driver.

Workers need this package and NumPy, SciPy, scikit-learn (`--py-files`, or an environment that they share); the driver starts them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.evaluation.splits import latest
from cine_recommender.interactions import Interactions, Ints

Held = TypeVar("Held")
Ids = npt.NDArray[Any]
_PARTS_A_CORE = 3


class SparkMissing(Exception):
    """The `spark` extra is not installed; the message says how to."""


def installed() -> bool:
    """Returns whether the `spark` extra is there."""
    return find_spec("pyspark") is not None


def session(master: str = "local[*]", **settings: str) -> Any:
    """Returns a Spark session, the one there is or a new one.

    Args:
        master: of the cluster; by default all cores of this machine.
        settings: of Spark, with `_` for `.`, such as `spark_driver_memory="12g"`.

    Raises:
        SparkMissing: The extra is not installed.
    """
    if not installed():
        raise SparkMissing("Spark is not installed: pip install pyspark==4.0.1, beside Java 17 (docs/scale.md)")
    from pyspark.sql import SparkSession

    # workers run what the driver runs
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("cine-recommender")
    for name, value in {"spark_ui_showConsoleProgress": "false", **settings}.items():
        builder = builder.config(name.replace("_", "."), value)
    return builder.getOrCreate()


@dataclass(frozen=True)
class Parts:
    """A log in parts of whole people, ascending, each `Interactions` with people and films numbered as in the whole.

    Attributes:
        rdd: of `Interactions`, one a partition.
        person_ids: int64 (people,), ascending.
        film_ids: int32 (films,).
    """

    rdd: Any
    person_ids: Ids
    film_ids: Ids

    def of(self, change: Callable[[Interactions], Interactions]) -> Parts:
        """Returns the parts changed; a change must leave numbers as they are."""
        return replace(self, rdd=self.rdd.map(change))

    def cut(self) -> tuple[Parts, Parts]:
        """Returns protocol U's cut: what is fitted on, and everybody's last fifth."""
        return self.of(_before), self.of(_after)

    def summed(self, of: Callable[[Interactions], Held], add: Callable[[Held, Held], Held]) -> Held:
        """Returns the sum over parts of something that parts have."""
        found: Held = self.rdd.map(of).treeReduce(add)
        return found

    def blocks(
        self,
        of: Callable[[Interactions], Iterator[tuple[int, sp.csr_matrix]]],
        finish: Callable[[int, sp.csr_matrix], sp.csr_matrix],
    ) -> sp.csr_matrix:
        """Returns a matrix of all films against all films, made of blocks of its rows.

        Args:
            of: gives the first row of each block and what a part adds to it.
            finish: makes of a whole block, by its first row, what is kept of it; on a worker.
        """
        summed = self.rdd.flatMap(of).reduceByKey(_added)
        found = dict(summed.map(lambda one: (one[0], finish(one[0], one[1]))).collect())
        return sp.vstack([found[first] for first in sorted(found)], format="csr").astype(np.float32)

    def history_lengths(self) -> npt.NDArray[np.int64]:
        """Returns ratings of each person, int64 (people,)."""
        return self.summed(lambda part: np.diff(part.starts), np.add)

    def collected(self) -> Interactions:
        """Returns the whole log on the driver."""
        found = self.rdd.collect()
        return Interactions(
            people=np.concatenate([one.people for one in found]),
            films=np.concatenate([one.films for one in found]),
            ratings=np.concatenate([one.ratings for one in found]),
            times=np.concatenate([one.times for one in found]),
            person_ids=self.person_ids,
            film_ids=self.film_ids,
        )


def read(spark: Any, path: str | Path, film_ids: Ints | None = None, parts: int | None = None) -> Parts:
    """Reads a `ratings.csv` in MovieLens format into parts that Spark keeps; equal moments are in the order of the file.

    Args:
        spark: of `session`.
        path: of the file, or of what else Spark can read.
        film_ids: int32 (films,), films to number by, all that were rated among them; by default those rated, ascending.
        parts: how many; by default a few a core.

    Raises:
        ValueError: Films were rated that are not in `film_ids`.
    """
    from pyspark.sql import functions as f

    schema = "userId LONG, movieId INT, rating FLOAT, timestamp LONG"
    rows = spark.read.csv(str(path), header=True, schema=schema, mode="FAILFAST")
    rows = rows.withColumn("row", f.monotonically_increasing_id())
    people = _ids(rows, "userId", np.int64)
    rated = _ids(rows, "movieId", np.int32)
    films = rated if film_ids is None else np.asarray(film_ids, dtype=np.int32)
    unknown = np.setdiff1d(rated, films)
    if len(unknown):
        raise ValueError(f"{path}: {len(unknown):,} films are not among film_ids, the first of them {unknown[0]}")
    many = parts or _PARTS_A_CORE * spark.sparkContext.defaultParallelism
    ordered = rows.repartitionByRange(many, "userId").sortWithinPartitions("userId", "timestamp", "row")
    shared = spark.sparkContext.broadcast((people, films))
    rdd = ordered.drop("row").rdd.mapPartitions(lambda found: [_part(found, *shared.value)])
    return Parts(rdd.persist(), people, films)


def _ids(rows: Any, column: str, kind: type) -> Ids:
    return np.array(sorted(row[0] for row in rows.select(column).distinct().collect()), dtype=kind)


def _part(rows: Iterable[Any], person_ids: Ids, film_ids: Ids) -> Interactions:
    """Returns a part of ordered rows: userId, movieId, rating, timestamp."""
    kind = np.dtype([("person", np.int64), ("film", np.int32), ("stars", np.float32), ("time", np.int64)])
    table = np.fromiter((tuple(row) for row in rows), dtype=kind)
    order = np.argsort(film_ids, kind="stable")
    return Interactions(
        people=np.searchsorted(person_ids, table["person"]).astype(np.int32),
        films=order[np.searchsorted(film_ids[order], table["film"])].astype(np.int32),
        ratings=table["stars"].copy(),
        times=table["time"].copy(),
        person_ids=person_ids,
        film_ids=film_ids,
    )


def _before(part: Interactions) -> Interactions:
    return part.take(~latest(part))


def _after(part: Interactions) -> Interactions:
    return part.take(latest(part))


def _added(one: sp.csr_matrix, other: sp.csr_matrix) -> sp.csr_matrix:
    return one + other
