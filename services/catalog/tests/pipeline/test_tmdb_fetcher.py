from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from cine_catalog.pipeline import PipelineOptions, read_merged, run_pipeline
from cine_catalog.tmdb import FetchReport, StoreBusy, TmdbSettings, TokenMissing, TokenRefused, fetch, fetch_films
from cine_catalog.tmdb.store import AnswerStore, BrokenLine, read_answers

TOKEN = "canary-token-5f1d"


def polite(tmdb: Any, **changes: Any) -> TmdbSettings:
    """Quick settings for a local server."""
    values = {"requests_per_second": 50.0, "timeout_seconds": 1.0, "backoff_seconds": 0.01, "attempts": 3, **changes}
    return TmdbSettings(token=SecretStr(TOKEN), base_url=tmdb.url, **values)


def stored(folder: Path) -> dict[int, list[str]]:
    """Statuses in the store by id, in the order they were written."""
    found: dict[int, list[str]] = {}
    for answer in read_answers(folder / "movies.jsonl"):
        assert not isinstance(answer, BrokenLine)
        found.setdefault(answer.tmdb_id, []).append(answer.status)
    return found


async def test_films_are_fetched_once_and_kept(tmdb: Any, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    report = await fetch_films([603, 604, 603], tmp_path, polite(tmdb), lambda *told: seen.append(told))
    assert (report.wanted, report.fetched, report.already) == (2, 2, 0)
    assert seen[0] == ("fetch tmdb", 0, 2)
    assert seen[-1] == ("fetch tmdb", 2, 2)
    again = await fetch_films([603, 604, 605], tmp_path, polite(tmdb))
    assert (again.fetched, again.already) == (1, 2)
    assert tmdb.counts == {603: 1, 604: 1, 605: 1}
    assert tmdb.authorisations == {f"Bearer {TOKEN}"}
    assert tmdb.queries == {"credits,keywords,watch/providers,release_dates"}
    line = json.loads((tmp_path / "movies.jsonl").read_text().splitlines()[0])
    assert line["film"]["directors"] == ["The Director"]
    assert line["film"]["cast"] == ["First", "Second"]
    assert line["film"]["composers"] == ["The Composer"]
    assert line["film"]["cinematographers"] == ["The Eye"]
    assert line["film"]["languages"] == ["fr", "en"]


async def test_a_404_is_remembered_and_never_asked_again(tmdb: Any, tmp_path: Path) -> None:
    tmdb.script = {7: ["404"]}
    first = await fetch_films([7], tmp_path, polite(tmdb))
    assert (first.not_found, first.fetched) == (1, 0)
    await fetch_films([7], tmp_path, polite(tmdb))
    assert tmdb.counts[7] == 1


async def test_429_makes_everybody_wait_as_long_as_it_says(tmdb: Any, tmp_path: Path) -> None:
    tmdb.script = {1: ["429", "429", "429", "429", "ok"]}
    report = await fetch_films(range(1, 6), tmp_path, polite(tmdb, concurrency=1))
    assert report.fetched == 5
    assert report.throttled == 4, "throttling does not use up the film's three attempts"
    asked = [moment for tmdb_id, moment in zip(tmdb.asked, tmdb.moments, strict=True) if tmdb_id == 1]
    assert all(later - earlier >= 0.28 for earlier, later in pairwise(asked))


async def test_429_pauses_the_other_workers_too(tmdb: Any, tmp_path: Path) -> None:
    tmdb.script = {1: ["429"]}
    await fetch_films(range(1, 30), tmp_path, polite(tmdb, concurrency=4))
    # From the answer (a moment after request 1) nobody may send for 0.3 s: one gap in the log is that long.
    gaps = [later - earlier for earlier, later in pairwise(tmdb.moments)]
    assert max(gaps) >= 0.25


async def test_a_date_as_retry_after_is_understood(tmdb: Any, tmp_path: Path) -> None:
    tmdb.script = {1: ["429-date", "ok"]}
    assert (await fetch_films([1], tmp_path, polite(tmdb))).fetched == 1


@pytest.mark.parametrize("fault", ["500", "cut", "not-json", "not-a-film", "other-id", "slow"])
async def test_a_broken_answer_is_asked_for_again(tmdb: Any, tmp_path: Path, fault: str) -> None:
    tmdb.script = {1: [fault, "ok"]}
    report = await fetch_films([1, 2], tmp_path, polite(tmdb, timeout_seconds=0.5))
    assert report.fetched == 2
    assert report.retries == 1
    assert tmdb.counts == {1: 2, 2: 1}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("500", "HTTP 503"),
        ("cut", "the connection failed (RemoteProtocolError)"),
        ("not-json", "not a TMDb film (body: json_invalid)"),
        ("not-a-film", "not a TMDb film (title: missing)"),
        ("other-id", "asked for 1, got 2"),
    ],
)
async def test_a_film_that_stays_broken_is_listed_and_tried_by_the_next_run(
    tmdb: Any, tmp_path: Path, fault: str, reason: str
) -> None:
    tmdb.script = {1: [fault] * 3}
    report = await fetch_films([1, 2], tmp_path, polite(tmdb))
    assert [(film.tmdb_id, film.reason) for film in report.unfetched] == [(1, reason)]
    assert report.fetched == 1
    assert reason in report.to_words()
    later = await fetch_films([1, 2], tmp_path, polite(tmdb))
    assert (later.fetched, later.already, later.unfetched) == (1, 1, [])
    assert stored(tmp_path) == {1: ["invalid", "ok"], 2: ["ok"]}


async def test_a_redirect_is_not_followed_with_the_token(tmdb: Any, tmp_path: Path) -> None:
    tmdb.script = {1: ["redirect"]}
    report = await fetch_films([1], tmp_path, polite(tmdb))
    assert [film.reason for film in report.unfetched] == ["HTTP 302"]


async def test_a_refused_token_stops_the_run_and_shows_nowhere(
    tmdb: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await fetch_films([1], tmp_path, polite(tmdb))
    tmdb.refuse_token = True
    settings = polite(tmdb, concurrency=4)
    with pytest.raises(TokenRefused, match="check TMDB_BEARER_TOKEN") as caught:
        await fetch_films(range(1, 500), tmp_path, settings)
    assert len(tmdb.asked) <= 10, "one refusal ends it"
    assert stored(tmp_path) == {1: ["ok"]}
    told = [
        caplog.text,
        str(caught.value),
        repr(settings),
        settings.model_dump_json(),
        (tmp_path / "movies.jsonl").read_text(),
    ]
    assert all(TOKEN not in text for text in told)


async def test_an_unreachable_server_is_reported_film_by_film(tmp_path: Path) -> None:
    settings = TmdbSettings(token=SecretStr(TOKEN), base_url="http://127.0.0.1:1", attempts=2, backoff_seconds=0.01)
    report = await fetch_films([1], tmp_path, settings)
    assert [film.reason for film in report.unfetched] == ["the connection failed (ConnectError)"]


async def test_the_rate_is_kept(tmdb: Any, tmp_path: Path) -> None:
    await fetch_films(range(40), tmp_path, polite(tmdb, requests_per_second=40, concurrency=16))
    # 40 requests at 40 a second span at least 39/40 s between the first and the last; clocks of two threads differ a little.
    assert tmdb.moments[-1] - tmdb.moments[0] >= 0.9


def test_a_killed_run_resumes_without_asking_again(tmdb: Any, tmp_path: Path) -> None:
    wanted = 200
    tmdb.delay = 0.01
    program = (
        "import sys; from pathlib import Path; from pydantic import SecretStr; from cine_catalog.tmdb import TmdbSettings, fetch\n"
        f"fetch(range({wanted}), Path(sys.argv[1]), "
        f"TmdbSettings(token=SecretStr('{TOKEN}'), base_url=sys.argv[2], requests_per_second=50))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", program, str(tmp_path), tmdb.url]
    path = tmp_path / "movies.jsonl"
    killed_after = 0
    for kill in range(2):
        process = subprocess.Popen(arguments, env=environment)
        deadline = time.monotonic() + 60
        before = killed_after
        while time.monotonic() < deadline:
            killed_after = path.read_bytes().count(b"\n") if path.exists() else 0
            if killed_after > before:
                break
            assert process.poll() is None, "the fetcher ended by itself"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=10) == -signal.SIGKILL
        if kill == 0:
            # A kill can also tear the last line.
            with path.open("ab") as file:
                file.write(b'{"tmdb_id": 199, "status": "o')
    kept = set(stored(tmp_path))
    assert 0 < len(kept) < wanted
    asked_before = len(tmdb.asked)
    tmdb.delay = 0.0
    report = fetch(range(wanted), tmp_path, polite(tmdb))
    assert isinstance(report, FetchReport)
    assert report.already == len(kept)
    assert not kept & set(tmdb.asked[asked_before:]), "what was kept is not asked for again"
    assert stored(tmp_path) == {tmdb_id: ["ok"] for tmdb_id in range(wanted)}


def test_a_batch_counts_as_kept_only_after_it_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cine_catalog.tmdb.records import StoredAnswer

    synced: list[int] = []
    store = AnswerStore(tmp_path)
    monkeypatch.setattr("cine_catalog.tmdb.store.os.fsync", lambda _: synced.append(store.path.stat().st_size))
    with store:
        assert store.done == set()
        store.append(
            [StoredAnswer(tmdb_id=1, status="not_found"), StoredAnswer(tmdb_id=2, status="invalid", reason="x")]
        )
        assert synced == [store.path.stat().st_size]
        assert store.done == store.not_found == {1}
    with pytest.raises(RuntimeError, match="not open"):
        store.append([])


def test_two_fetchers_do_not_share_a_store(tmp_path: Path) -> None:
    with AnswerStore(tmp_path), pytest.raises(StoreBusy, match="another fetcher"):
        AnswerStore(tmp_path).__enter__()


def test_settings_come_from_the_environment_and_are_checked() -> None:
    with pytest.raises(TokenMissing, match="TMDB_BEARER_TOKEN is not set"):
        TmdbSettings.from_environment({})
    settings = TmdbSettings.from_environment(
        {"TMDB_BEARER_TOKEN": TOKEN, "CINE_CATALOG_TMDB_URL": "http://127.0.0.1:9/"}
    )
    assert settings.base_url == "http://127.0.0.1:9"
    assert settings.requests_per_second == 40
    with pytest.raises(ValidationError, match="http"):
        TmdbSettings(token=SecretStr(TOKEN), base_url="ftp://x")


async def test_fetched_films_join_as_source_tmdb(tmdb: Any, small_movielens: Any, tmp_path: Path) -> None:
    await fetch_films([603, 902], tmp_path / "store", polite(tmdb))
    with (tmp_path / "store" / "movies.jsonl").open("a") as file:
        file.write('{"broken": true}\n{"tmdb_id": 9, "torn')
    output = tmp_path / "merged.csv"
    options = PipelineOptions(
        data_dir=small_movielens.root, tmdb_dir=tmp_path / "store", output=output, require_tmdb=True
    )
    report = run_pipeline(options)
    films = {row["movie_id"]: row for row in read_merged(output).films.iter_rows(named=True)}
    # Film 2's link leads to a film of another title and year: not believed.
    assert set(films) == {1}
    matrix = films[1]
    assert matrix["overview"] == "A film that exists in tests only."
    assert matrix["poster_url"] == "https://image.tmdb.org/t/p/w500/p.jpg"
    assert matrix["keywords"] == ["dream", "simulation"]
    assert matrix["writers"] == ["The Writer"]
    assert matrix["streaming_services"] == ["Disney+"]
    assert matrix["streaming_source"] == "tmdb"
    assert matrix["external_rating"] == 4.1
    assert matrix["genres"] == ["Action", "Sci-Fi", "Thriller"]
    assert [source.matched for source in report.sources if source.name == "tmdb"] == [1]
    assert [(bad.row, bad.reason) for bad in report.bad_rows] == [(3, "not a stored TMDb answer")]
