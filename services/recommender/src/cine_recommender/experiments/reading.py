"""Reads the TOML file that declares experiments."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast, get_args

from cine_recommender.experiments.declaration import Experiment, Profile, State, Variant

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ROUNDING: Final = 1e-6  # so that three shares of 0.333334 pass
_EXPERIMENT_KEYS = ("id", "description", "state", "started_at", "people", "salt", "variants")
_VARIANT_KEYS = ("name", "share", "profile", "diversity", "paused")


class DeclarationInvalid(ValueError):
    """The file cannot be used; the message names the key at fault, such as `experiments[0].variants[1].share`."""


def parse(text: str) -> tuple[Experiment, ...]:
    """Reads declared experiments.

    Args:
        text: TOML with a table `[[experiments]]` each; docs/operations.md describes the keys.

    Returns:
        The experiments in their order.

    Raises:
        DeclarationInvalid: a key is missing, unknown or wrong, two experiments have one name, or two that have not ended
            would share people.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationInvalid(f"not TOML: {error}") from None
    _no_others(document, ("experiments",), "")
    tables = _tables(document, "experiments", "")
    experiments = tuple(_experiment(table, f"experiments[{place}]") for place, table in enumerate(tables))
    _unlike(experiments)
    return experiments


def _unlike(experiments: Sequence[Experiment]) -> None:
    for place, one in enumerate(experiments):
        for earlier, other in enumerate(experiments[:place]):
            if one.experiment_id == other.experiment_id:
                raise DeclarationInvalid(
                    f'experiments[{place}].id: "{one.experiment_id}" is the id of experiments[{earlier}] already'
                )
            ended = "ended" in (one.state, other.state)
            if not ended and max(one.people[0], other.people[0]) < min(one.people[1], other.people[1]):
                raise DeclarationInvalid(
                    f"experiments[{place}].people: {_range(one)} overlaps {_range(other)} of experiments[{earlier}]"
                    f' ("{other.experiment_id}"); experiments that have not ended share nobody'
                )


def _range(experiment: Experiment) -> str:
    return f"[{experiment.people[0]:g}, {experiment.people[1]:g}]"


def _experiment(table: Mapping[str, Any], where: str) -> Experiment:
    _no_others(table, _EXPERIMENT_KEYS, where)
    variants = tuple(
        _variant(each, f"{where}.variants[{place}]") for place, each in enumerate(_tables(table, "variants", where))
    )
    if len(variants) < 2:
        raise DeclarationInvalid(f"{where}.variants: an experiment has at least two variants, not {len(variants)}")
    for place, one in enumerate(variants):
        if one.name in {other.name for other in variants[:place]}:
            raise DeclarationInvalid(f'{where}.variants[{place}].name: "{one.name}" is there already')
    if variants[0].paused:
        raise DeclarationInvalid(
            f"{where}.variants[0].paused: the first variant is what others are compared against;"
            ' pause the experiment with state = "paused"'
        )
    return Experiment(
        experiment_id=_name(table, "id", where),
        description=_of(table, "description", where, str, "text", ""),
        state=_choice(table, "state", where, get_args(State)),
        started_at=_moment(table, "started_at", where),
        variants=_with_history(variants, where),
        people=_people(table, where),
        salt=_of(table, "salt", where, str, "text", ""),
    )


def _with_history(variants: tuple[Variant, ...], where: str) -> tuple[Variant, ...]:
    """Checks shares of each time, and writes out those that never changed."""
    steps = {len(one.shares) for one in variants if len(one.shares) > 1}
    if len(steps) > 1:
        raise DeclarationInvalid(
            f"{where}.variants: lists of shares must be equally long, not {' and '.join(map(str, sorted(steps)))}"
        )
    length = max(steps, default=1)
    written = tuple(
        Variant(
            one.name,
            one.shares if len(one.shares) == length else one.shares * length,
            one.profile,
            one.diversity,
            one.paused,
        )
        for one in variants
    )
    for step in range(length):
        total = sum(one.shares[step] for one in written)
        if total > 1 + _ROUNDING:
            at = f" (place {step + 1} of the lists)" if length > 1 else ""
            raise DeclarationInvalid(f"{where}.variants: shares sum to {total:g}{at}; at most 1 can be given away")
    return written


def _variant(table: Mapping[str, Any], where: str) -> Variant:
    _no_others(table, _VARIANT_KEYS, where)
    diversity = table.get("diversity")
    return Variant(
        name=_name(table, "name", where),
        shares=_shares(table, where),
        profile=cast(Profile, _choice(table, "profile", where, get_args(Profile), "default")),
        diversity=None if diversity is None else _fraction(diversity, f"{where}.diversity"),
        paused=_of(table, "paused", where, bool, "true or false", False),
    )


def _shares(table: Mapping[str, Any], where: str) -> tuple[float, ...]:
    given = _required(table, "share", where)
    if isinstance(given, list):
        if not given:
            raise DeclarationInvalid(f"{where}.share: the list is empty")
        shares = tuple(_fraction(each, f"{where}.share[{place}]") for place, each in enumerate(given))
    else:
        shares = (_fraction(given, f"{where}.share"),)
    return shares


def _people(table: Mapping[str, Any], where: str) -> tuple[float, float]:
    given = table.get("people", [0.0, 1.0])
    if not isinstance(given, list) or len(given) != 2:
        raise DeclarationInvalid(f"{where}.people: must be a range such as [0.0, 0.5]")
    first, end = (_fraction(each, f"{where}.people[{place}]") for place, each in enumerate(given))
    if first >= end:
        raise DeclarationInvalid(f"{where}.people: [{first:g}, {end:g}] holds nobody")
    return first, end


def _fraction(given: object, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise DeclarationInvalid(f"{where}: must be a number from 0 to 1, not {_shown(given)}")
    return float(given)


def _moment(table: Mapping[str, Any], key: str, where: str) -> dt.datetime:
    given = _required(table, key, where)
    if not isinstance(given, dt.datetime) or given.tzinfo is None:
        raise DeclarationInvalid(
            f"{where}.{key}: must be a moment with its zone, such as 2026-12-01T00:00:00Z, not {_shown(given)}"
        )
    return given.astimezone(dt.UTC)


def _name(table: Mapping[str, Any], key: str, where: str) -> str:
    given = _required(table, key, where)
    if not isinstance(given, str) or not _NAME.match(given):
        raise DeclarationInvalid(
            f"{where}.{key}: must be 1 to 64 letters, digits, dots, dashes and underscores, not {_shown(given)}"
        )
    return given


def _choice(table: Mapping[str, Any], key: str, where: str, known: Sequence[str], default: str | None = None) -> Any:
    given = _required(table, key, where) if default is None else table.get(key, default)
    if given not in known:
        raise DeclarationInvalid(f"{where}.{key}: must be one of {', '.join(known)}, not {_shown(given)}")
    return given


def _of(table: Mapping[str, Any], key: str, where: str, kind: Callable[..., T], words: str, default: T) -> T:
    given = table.get(key, default)
    if type(given) is not kind:
        raise DeclarationInvalid(f"{where}.{key}: must be {words}, not {_shown(given)}")
    return cast(T, given)


def _required(table: Mapping[str, Any], key: str, where: str) -> object:
    if key not in table:
        raise DeclarationInvalid(f"{where}.{key}: is missing")
    return table[key]


def _tables(table: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    path = f"{where}.{key}" if where else key
    given = table.get(key, [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise DeclarationInvalid(f"{path}: must be tables, each beginning with [[{_heading(path)}]]")
    return given


def _heading(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def _no_others(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            path = f"{where}.{key}" if where else key
            raise DeclarationInvalid(f"{path}: is not a key of experiments; known here: {', '.join(known)}")


def _shown(given: object) -> str:
    text = f'"{given}"' if isinstance(given, str) else str(given)
    return text if len(text) <= 60 else text[:57] + "…"
