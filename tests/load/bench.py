"""`make bench`: CineMatch and search through Envoy against an RPC that returns the same 20 cards without computing.

One run measures both, in turn and several times over, on two meshes side by side: the real one, and one whose services are
`null_service`. What is printed first is the ratio of throughputs, which holds on a noisy machine; absolute figures come after.
Requests are all different. Also printed: resident memory of every process and the time from start to healthy.

Needs `wrk` (Debian package). Uses `CINE_DATA_DIR` when it is set, the starter catalogue otherwise, and says which.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.recommender.v1 import cinematch_pb2, cinematch_pb2_grpc
from cinemesh import topology

ROOT = Path(__file__).resolve().parents[2]
REAL_BASE, REAL_PORT = 52050, 18200
NULL_BASE, NULL_PORT = 53050, 18300
_RESULT = re.compile(r"RESULT requests=(\d+) duration_us=(\d+) errors=(\d+) p50_us=(\d+) p99_us=(\d+)")


@dataclass(frozen=True)
class Load:
    """What one burst of load gave: requests a second, latencies in milliseconds, failed requests."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int


def burst(port: int, requests: Path, connections: int, seconds: float) -> Load:
    """Sends the requests in turn over keep-alive connections for some seconds."""
    environment = {**os.environ, "REPLAY_FILE": str(requests), "REPLAY_START": str(random.randrange(100_000))}
    script = Path(__file__).with_name("replay.lua")
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "5s",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = _RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said:\n{done.stdout}\n{done.stderr}")
    count, duration, errors, p50, p99 = map(int, found.groups())
    return Load(count / (duration / 1e6), p50 / 1000, p99 / 1000, errors)


def taste_requests(genres: list[str], services: list[str], count: int) -> list[str]:
    """Returns POST lines with different tastes: one to four genres, sometimes a service, another name each."""
    chooser = random.Random(7)
    lines = []
    for number in range(count):
        taste: dict[str, Any] = {
            "user_id": f"bench-{number}",
            "preferred_genres": chooser.sample(genres, chooser.randint(1, 4)),
        }
        if services and chooser.random() < 0.3:
            taste["services"] = [chooser.choice(services)]
        lines.append(f"POST /api/recommendations {json.dumps(taste, separators=(',', ':'))}")
    return lines


def search_requests(titles: list[str], genres: list[str], count: int) -> list[str]:
    """Returns GET lines with different searches: titles, parts of titles, title and year range, genre browsing, one misspelling in ten."""
    chooser = random.Random(11)
    lines = []
    for number in range(count):
        title = chooser.choice(titles)
        kind = number % 10
        query = title
        if kind in (3, 4):
            query = " ".join(title.split()[:2])
        elif kind == 5 and len(title) > 6:
            cut = chooser.randrange(2, len(title) - 1)
            query = title[:cut] + title[cut + 1 :]
        parameters: list[tuple[str, str]] = [("query", query)]
        if kind in (6, 7):
            parameters = [("genre", chooser.choice(genres)), ("year_min", str(chooser.randint(1980, 2015)))]
        if kind == 8:
            parameters.append(("year_min", str(chooser.randint(1980, 2000))))
        lines.append(f"GET /api/v1/movies/search?{urllib.parse.urlencode(parameters)}")
    return lines


@contextmanager
def real_mesh(
    folder: Path, *, stopped: Callable[[dict[str, str]], None] | None = None, **more: str
) -> Iterator[dict[str, Any]]:
    """Starts the whole mesh in a folder of its own and yields what `cine up --json` said.

    Args:
        folder: where everything of it is kept; a folder used before has its models already.
        stopped: called with its environment while it is stopped, once everything is made.
        more: further settings of its environment.
    """
    environment = {
        **os.environ,
        "CINE_PORT_BASE": str(REAL_BASE),
        "CINE_GATEWAY_PORT": str(REAL_PORT),
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_MERGED_CSV": str(folder / "movies_merged.csv"),
        "CINE_LOG_LEVEL": "warning",
        "CINE_GATEWAY_RATE_LIMIT": "0",
        **more,
    }
    cine = [str(ROOT / ".venv" / "bin" / "python"), "-m", "cine_cli"]
    run = subprocess.run(
        [*cine, "up", "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        subprocess.run([*cine, "stop"], cwd=ROOT, env=environment, check=False, capture_output=True)
        raise RuntimeError(f"the mesh did not start:\n{run.stdout}\n{run.stderr}")
    try:
        subprocess.run([*cine, "stop"], cwd=ROOT, env=environment, check=True, capture_output=True)
        if stopped is not None:
            stopped(environment)
        began = time.monotonic()
        subprocess.run([*cine, "up", "--json"], cwd=ROOT, env=environment, check=True, capture_output=True)
        again = time.monotonic() - began
        status = subprocess.run(
            [*cine, "status", "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        yield {**json.loads(status.stdout), "second_start_seconds": again}
    finally:
        subprocess.run([*cine, "stop"], cwd=ROOT, env=environment, check=False, capture_output=True)


@contextmanager
def null_mesh(
    folder: Path, search_answer: bytes, match_answer: bytes, *, tokens: bool = False, **more: str
) -> Iterator[None]:
    """Starts the two stand-ins and an Envoy in front of them.

    Args:
        folder: where everything of them is kept.
        search_answer: what the stand-in for the catalogue answers.
        match_answer: what the stand-in for the recommender answers.
        tokens: whether Envoy verifies tokens, whose keys the portal hands it.
        more: further settings of their environment.
    """
    environment = {
        **os.environ,
        "CINE_PORT_BASE": str(NULL_BASE),
        "CINE_GATEWAY_PORT": str(NULL_PORT),
        "CINE_VAR_DIR": str(folder / "null"),
        "CINE_LOG_LEVEL": "warning",
        "CINE_GATEWAY_RATE_LIMIT": "0",
        "OMP_NUM_THREADS": "1",
        **more,
    }
    python = str(ROOT / ".venv" / "bin" / "python")
    commands = []
    for name, answer in (("catalog", search_answer), ("recommender", match_answer)):
        path = folder / f"{name}.answer"
        path.write_bytes(answer)
        commands.append([python, "-m", "tests.load.null_service", name, str(path)])
    commands += [[python, "-m", "cine_gateway", part] for part in (["portal"] if tokens else []) + ["envoy"]]
    with (folder / "null.log").open("w") as log:
        children = [subprocess.Popen(c, cwd=ROOT, env=environment, stdout=log, stderr=log) for c in commands]
        try:
            _wait_for(f"http://127.0.0.1:{NULL_PORT}/api/v1/movies/search?query=a")
            yield
        finally:
            for child in reversed(children):
                child.terminate()
            for child in children:
                child.wait(timeout=20)


def _wait_for(url: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def measure(requests: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Alternates real and null bursts; returns medians and the ratio of each pair."""
    burst(REAL_PORT, requests, 16, 2)
    burst(NULL_PORT, requests, 16, 2)
    pairs = [(burst(REAL_PORT, requests, 16, seconds), burst(NULL_PORT, requests, 16, seconds)) for _ in range(rounds)]
    alone = [
        (burst(REAL_PORT, requests, 1, seconds / 2), burst(NULL_PORT, requests, 1, seconds / 2)) for _ in range(rounds)
    ]

    def middle(values: Iterator[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        "ratio_of_throughput": [round(real.rate / null.rate, 3) for real, null in pairs],
        "median_ratio": middle(real.rate / null.rate for real, null in pairs),
        "real_rps_16": middle(real.rate for real, _ in pairs),
        "null_rps_16": middle(null.rate for _, null in pairs),
        "p99_ms_16": middle(real.p99_ms for real, _ in pairs),
        "null_p99_ms_16": middle(null.p99_ms for _, null in pairs),
        "p50_ms_1": middle(real.p50_ms for real, _ in alone),
        "null_p50_ms_1": middle(null.p50_ms for _, null in alone),
        "errors": sum(load.errors for load in itertools.chain(*pairs, *alone)),
    }


def answers() -> tuple[bytes, bytes, list[str], list[str], list[str], int]:
    """Returns real answers of 20 cards for the stand-ins, titles, genres, services and the number of films."""
    with grpc.insecure_channel(f"127.0.0.1:{topology.grpc_port('catalog', REAL_BASE)}") as channel:
        catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        page = catalog.SearchMovies(catalog_pb2.SearchMoviesRequest(page_size=20))
        genres = [g.value for g in catalog.ListGenres(catalog_pb2.ListGenresRequest()).genres if g.count > 50]
        services = [s.value for s in catalog.ListStreamingServices(catalog_pb2.ListStreamingServicesRequest()).services]
        titles: list[str] = []
        request = catalog_pb2.SearchMoviesRequest(page_size=100)
        while len(titles) < 6000:
            answer = catalog.SearchMovies(request)
            titles += [movie.title for movie in answer.movies]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
    with grpc.insecure_channel(f"127.0.0.1:{topology.grpc_port('recommender', REAL_BASE)}") as channel:
        match = cinematch_pb2_grpc.CineMatchServiceStub(channel).MatchMovies(
            cinematch_pb2.MatchMoviesRequest(user_id="bench", preferred_genres=["Action", "Drama"])
        )
    return page.SerializeToString(), match.SerializeToString(), titles, genres or ["Drama"], services, page.total_size


def main() -> int:
    """Runs the bench; prints words, or one JSON object with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("error: wrk is not installed (Debian: apt-get install wrk)", file=sys.stderr)
        return 2
    source = (
        "CINE_DATA_DIR" if os.environ.get("CINE_DATA_DIR") else "starter catalogue (set CINE_DATA_DIR for real size)"
    )
    with tempfile.TemporaryDirectory(prefix="cine-bench-") as name:
        folder = Path(name)
        print(f"starting two meshes; data: {source}", file=sys.stderr)
        with real_mesh(folder) as status:
            search_answer, match_answer, titles, genres, services, films = answers()
            files = {
                "cinematch": taste_requests(genres, services, 20_000),
                "search": search_requests(titles, genres, 20_000),
            }
            report: dict[str, Any] = {"films": films, "source": source}
            with null_mesh(folder, search_answer, match_answer):
                for kind, lines in files.items():
                    path = folder / f"{kind}.requests"
                    path.write_text("\n".join(lines) + "\n")
                    print(f"measuring {kind}", file=sys.stderr)
                    report[kind] = measure(path, arguments.rounds, arguments.seconds)
            report["second_start_seconds"] = round(status["second_start_seconds"], 2)
            report["rss_mib"] = {process["name"]: process["rss_mib"] for process in status["processes"]}
    if arguments.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 0


def _print(report: dict[str, Any]) -> None:
    print(f"{report['films']:,} films, {report['source']}; 16 connections unless said otherwise")
    for kind in ("cinematch", "search"):
        figures = report[kind]
        ratios = figures["ratio_of_throughput"]
        spread = f"{min(ratios):.0%} to {max(ratios):.0%}"
        print(f"{kind}: {figures['median_ratio']:.0%} of the throughput of an RPC that computes nothing ({spread})")
        print(
            f"  {figures['real_rps_16']:,.0f} against {figures['null_rps_16']:,.0f} requests/s; p99 {figures['p99_ms_16']:.1f} ms "
            f"(nothing: {figures['null_p99_ms_16']:.1f}); p50 at one connection {figures['p50_ms_1']:.2f} ms "
            f"(nothing: {figures['null_p50_ms_1']:.2f}); {figures['errors']} errors"
        )
    print(f"second start: {report['second_start_seconds']:.1f} s to healthy")
    print("resident memory: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in report["rss_mib"].items()))


if __name__ == "__main__":
    sys.exit(main())
