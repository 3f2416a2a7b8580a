"""The file of experiments: what it says, what is wrong with it, and that a bad one changes nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path

import pytest

from cine_recommender.experiments.declared import DeclaredExperiments
from cine_recommender.experiments.reading import DeclarationInvalid, parse
from cinemesh.errors import FailedPrecondition, NotFound

GOOD = """
[[experiments]]
id = "tuned-weights"
description = "Do the learned weights find more that people like?"
state = "running"
started_at = 2026-12-01T08:00:00+02:00
people = [0.0, 0.5]
salt = "winter"

[[experiments.variants]]
name = "stated"
share = 0.5

[[experiments.variants]]
name = "learned"
share = 0.5
profile = "tuned"
diversity = 0.2
"""


def test_a_file_says_what_is_declared() -> None:
    (one,) = parse(GOOD)
    assert (one.experiment_id, one.state, one.people, one.salt) == ("tuned-weights", "running", (0.0, 0.5), "winter")
    assert one.started_at == dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)
    stated, learned = one.variants
    assert (stated.name, stated.share, stated.profile, stated.diversity, stated.paused) == (
        *("stated", 0.5, "default", None),
        False,
    )
    assert (learned.name, learned.share, learned.profile, learned.diversity) == ("learned", 0.5, "tuned", 0.2)


def test_the_example_of_the_documentation_is_one() -> None:
    text = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```toml\n(\[\[experiments]].*?)```", text, re.DOTALL)
    (one,) = parse(example)
    assert [variant.name for variant in one.variants] == ["stated", "learned"]


def test_an_empty_file_declares_nothing() -> None:
    assert parse("# none at present\n") == ()


def test_shares_that_changed_are_written_out_for_every_variant() -> None:
    (one,) = parse(GOOD.replace("share = 0.5\n\n", "share = [0.1, 0.3, 0.5]\n\n"))
    assert [variant.shares for variant in one.variants] == [(0.1, 0.3, 0.5), (0.5, 0.5, 0.5)]


def test_people_of_an_experiment_that_ended_may_be_asked_again() -> None:
    ended = GOOD.replace('"running"', '"ended"')
    both = parse(ended + GOOD.replace("tuned-weights", "again"))
    assert [one.experiment_id for one in both] == ["tuned-weights", "again"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "tuned-weights"', "", "experiments[0].id: is missing"),
        ('"tuned-weights"', '"tuned weights"', "experiments[0].id: must be 1 to 64 letters"),
        ('"tuned-weights"', "7", "experiments[0].id: must be 1 to 64 letters"),
        ('"running"', '"started"', 'experiments[0].state: must be one of running, paused, ended, not "started"'),
        ("2026-12-01T08:00:00+02:00", "2026-12-01T08:00:00", "experiments[0].started_at: must be a moment with its"),
        ("2026-12-01T08:00:00+02:00", '"soon"', 'experiments[0].started_at: must be a moment with its zone, such as'),
        ("[0.0, 0.5]", "[0.5, 0.5]", "experiments[0].people: [0.5, 0.5] holds nobody"),
        ("[0.0, 0.5]", "0.5", "experiments[0].people: must be a range such as [0.0, 0.5]"),
        ("[0.0, 0.5]", "[0.0, 50]", "experiments[0].people[1]: must be a number from 0 to 1, not 50"),
        ('salt = "winter"', "salt = 5", "experiments[0].salt: must be text, not 5"),
        ("description", "about", "experiments[0].about: is not a key of experiments; known here: id, description"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = 0.6', "experiments[0].variants: shares sum to 1.1"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = [0.5, 0.8, 0.1]', "sum to 1.3 (place 2 of the lists)"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = []', "experiments[0].variants[0].share: the list is empty"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = [0.5, -1]', "variants[0].share[1]: must be a number from 0"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = nan', "experiments[0].variants[0].share: must be a number"),
        ('"stated"\nshare = 0.5', '"stated"\nshare = true', "experiments[0].variants[0].share: must be a number"),
        ('"stated"\nshare = 0.5', '"stated"', "experiments[0].variants[0].share: is missing"),
        ('"stated"\n', '"stated"\npaused = true\n', "experiments[0].variants[0].paused: the first variant is"),
        ('"stated"\n', '"stated"\npaused = 1\n', "experiments[0].variants[0].paused: must be true or false, not 1"),
        ('"learned"', '"stated"', 'experiments[0].variants[1].name: "stated" is there already'),
        ('"tuned"\n', '"best"\n', 'experiments[0].variants[1].profile: must be one of default, tuned, not "best"'),
        ("0.2", "2", "experiments[0].variants[1].diversity: must be a number from 0 to 1, not 2"),
        ("[[experiments.variants]]", "[[experiments.variant]]", "experiments[0].variant: is not a key of"),
        ("[[experiments]]", "[experiments]", "experiments: must be tables, each beginning with [[experiments]]"),
        ("[[experiments]]", "[[experiments]", "not TOML"),
        ("[[experiments]]", "[[experiment]]", "not TOML|experiment: is not a key"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(DeclarationInvalid) as failure:
        parse(GOOD.replace(old, new))
    assert any(part in str(failure.value) for part in said.split("|")), str(failure.value)


def test_lists_of_shares_are_equally_long() -> None:
    text = GOOD.replace("share = 0.5\n\n", "share = [0.1, 0.5]\n\n").replace(
        "share = 0.5\n", "share = [0.1, 0.2, 0.3]\n"
    )
    with pytest.raises(DeclarationInvalid, match=re.escape("experiments[0].variants: lists of shares must be equally")):
        parse(text)


def test_an_experiment_has_two_variants() -> None:
    with pytest.raises(DeclarationInvalid, match=re.escape("experiments[0].variants: an experiment has at least two")):
        parse(GOOD[: GOOD.rindex("[[experiments.variants]]")])


def test_experiments_that_have_not_ended_share_neither_name_nor_people() -> None:
    with pytest.raises(DeclarationInvalid, match=re.escape('experiments[1].id: "tuned-weights" is the id of')):
        parse(GOOD + GOOD.replace("[0.0, 0.5]", "[0.5, 1]"))
    overlapping = GOOD.replace("tuned-weights", "other").replace("[0.0, 0.5]", "[0.4, 1]")
    with pytest.raises(DeclarationInvalid, match=re.escape("experiments[1].people: [0.4, 1] overlaps [0, 0.5] of")):
        parse(GOOD + overlapping)


async def test_a_file_is_followed_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    declared = DeclaredExperiments(file)
    assert not await declared.refresh()
    with pytest.raises(FailedPrecondition, match=r"experiments\.toml: No such file"):
        await declared.probe()

    file.write_text(GOOD)
    assert await declared.refresh()
    assert await declared.probe() == "1 running, 1 declared"
    asked = [f"user-{number}" for number in range(50)]
    before = [declared.assigner.of(user_id) for user_id in asked]
    assert any(before)

    file.write_text(GOOD.replace("share = 0.5", "share = 0.9"))
    assert not await declared.refresh()
    assert [declared.assigner.of(user_id) for user_id in asked] == before
    with pytest.raises(FailedPrecondition, match=r"experiments\[0\]\.variants: shares sum to 1\.8; .*; 1 running"):
        await declared.probe()

    file.unlink()
    assert not await declared.refresh()
    assert [declared.assigner.of(user_id) for user_id in asked] == before

    file.write_bytes(b"\xff\xfe")
    assert not await declared.refresh()
    with pytest.raises(FailedPrecondition, match="is not UTF-8"):
        await declared.probe()

    file.write_text(GOOD.replace('"running"', '"ended"'))
    assert await declared.refresh()
    assert await declared.probe() == "0 running, 1 declared"
    assert [declared.assigner.of(user_id) for user_id in asked] == [None] * len(asked)
    assert declared.get("tuned-weights").state == "ended"
    with pytest.raises(NotFound, match="another"):
        declared.get("another")


async def test_the_same_file_after_a_bad_one_is_good_again(tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(GOOD)
    declared = DeclaredExperiments(file)
    await declared.refresh()
    file.write_text("[[")
    await declared.refresh()
    file.write_text(GOOD)
    assert not await declared.refresh()  # nothing else holds than before
    assert await declared.probe() == "1 running, 1 declared"


async def test_without_a_file_there_are_no_experiments() -> None:
    declared = DeclaredExperiments(None)
    assert not await declared.refresh()
    assert await declared.probe() == "0 running, 0 declared"
    assert declared.assigner.of("somebody") is None


async def test_a_change_is_seen_while_it_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(GOOD)
    declared = DeclaredExperiments(file)
    watching = asyncio.create_task(declared.watch(0.01))
    try:
        async with asyncio.timeout(10):
            while not declared.experiments:  # noqa: ASYNC110 - the file tells nobody
                await asyncio.sleep(0.01)
            file.write_text("")
            while declared.experiments:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        watching.cancel()
