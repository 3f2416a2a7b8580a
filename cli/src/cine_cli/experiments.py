"""`cine experiments`: what is declared, and what came of it in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cine_cli.asking import Told, gateway
from cine_cli.mesh.options import MeshSettings
from cine_cli.output import Output

if TYPE_CHECKING:
    from cine_recommender.experiments.declaration import Experiment
    from cine_recommender.settings import RecommenderSettings

experiments_app = typer.Typer(no_args_is_help=True, help="Experiments on recommendations: declared, and judged.")
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output, for machines")]

_PATH = "/api/v1/admin/recommender/experiments"
_METRICS = {
    "liked_per_answer": "films liked per answer",
    "clicked_per_answer": "films clicked per answer",
    "refused_per_answer": "films refused per answer",
    "people_who_liked": "share of people who liked any",
}


@experiments_app.command("check")
def check(as_json: Json = False) -> None:
    """Reads the file of experiments as the recommender does, and names the key at fault where there is one."""
    output = Output(as_json=as_json)
    declared = [_message(one) for one in _declared(output, _settings())]
    lines = [f"{one['experiment_id']}: {one['state']}, {_shares(one)}" for one in declared]
    output.result({"experiments": declared}, "\n".join(lines) or "the file declares no experiments")


@experiments_app.command("report")
def report(
    experiment_id: Annotated[str, typer.Argument(help="its id; all that are declared when left out")] = "",
    url: Annotated[str, typer.Option(help="address of the gateway; default: the public one")] = "",
    as_json: Json = False,
) -> None:
    """Says what experiments found: people, answers, whether people were shared out as declared, effects.

    With CINE_TOKEN, an administrator's access token, it asks the running mesh. Without, it reads the recommender's own store:
    PostgreSQL at any time, a SQLite file while the mesh is stopped.
    """
    output = Output(as_json=as_json)
    token = MeshSettings().token.get_secret_value()
    found = _asked(output, url, token, experiment_id) if token else _read(output, experiment_id)
    text = "\n\n".join(_in_words(one["experiment"], one["report"]) for one in found)
    output.result({"experiments": found}, text or "no experiments are declared")


def _settings() -> RecommenderSettings:
    from cine_recommender.settings import RecommenderSettings
    from cinemesh.settings import load

    return load(RecommenderSettings)


def _declared(output: Output, settings: RecommenderSettings) -> tuple[Experiment, ...]:
    from cine_recommender.experiments.reading import DeclarationInvalid, parse

    file = settings.experiments_file
    if file is None:
        output.fail("no experiments are declared: CINE_RECOMMENDER_EXPERIMENTS_FILE names no file")
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DeclarationInvalid) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        output.fail(f"{file}: {reason}")


def _message(experiment: Experiment) -> Told:
    from cine_recommender.servicer.admin import experiment_message

    return _as_rest(experiment_message(experiment))


def _as_rest(message: Any) -> Told:
    """Returns a message as the gateway writes it."""
    from google.protobuf.json_format import MessageToDict

    told: Told = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return told


def _asked(output: Output, url: str, token: str, experiment_id: str) -> list[Told]:
    with gateway(output, url, token) as asked:
        listed = asked.get(_PATH)["experiments"]
        wanted = _wanted(output, {one["experiment_id"]: one for one in listed}, experiment_id)
        return [{"experiment": one, "report": asked.get(f"{_PATH}/{one['experiment_id']}/report")} for one in wanted]


def _wanted(output: Output, declared: Mapping[str, Any], experiment_id: str) -> list[Any]:
    if experiment_id and experiment_id not in declared:
        known = ", ".join(declared) or "none"
        output.fail(f'there is no experiment "{experiment_id}"; declared: {known}')
    return [one for name, one in declared.items() if experiment_id in ("", name)]


def _read(output: Output, experiment_id: str) -> list[Told]:
    from cinemesh.db.database import parse_url, sqlite_path
    from cinemesh.errors import CineError, FailedPrecondition

    settings = _settings()
    declared = {one.experiment_id: one for one in _declared(output, settings)}
    wanted = _wanted(output, declared, experiment_id)
    try:
        parsed = parse_url(settings.store_url)
        file = sqlite_path(parsed) if parsed.get_backend_name() == "sqlite" else None
        if file is not None and not file.exists():
            output.fail("no answers have been recorded yet: the recommender has not run in this folder")
        return asyncio.run(_judged(settings, wanted))
    except FailedPrecondition as error:
        output.fail(f"{error} Or set CINE_TOKEN to an administrator's access token: then the running mesh is asked.")
    except (CineError, ValueError) as error:
        output.fail(str(error))


async def _judged(settings: RecommenderSettings, experiments: Iterable[Experiment]) -> list[Told]:
    from cine_recommender.flows.experiments import Experiments
    from cine_recommender.servicer.admin import report_message
    from cinemesh.db import Database

    async with Database(settings.store_url) as database:
        judge = Experiments(database)
        return [
            {"experiment": _message(one), "report": _as_rest(report_message(await judge.report(one)))}
            for one in experiments
        ]


def _shares(experiment: Told) -> str:
    return ", ".join(f"{one['name']} {one['share']:.4g}" for one in experiment["variants"])


def _in_words(experiment: Told, report: Told) -> str:
    lines = [
        f"{experiment['experiment_id']}: {experiment['description'] or 'no description'}",
        f"  {experiment['state']}, counted from {experiment['started_at'][:10]} on, at most 30 days back",
    ]
    exposures = report["exposures"]
    wide = max(len(one["variant"]) for one in exposures)
    lines += [f"  {one['variant']:<{wide}}  {one['users']:,} people, {one['answers']:,} answers" for one in exposures]
    chance = report["sample_ratio_p_value"]
    if not report["sample_ratio_ok"]:
        lines += [
            f"  ALARM: people are not shared out as declared (p = {chance:.2g}).",
            "  Something gives one variant people that it should not have, or loses them; until that is found no effect",
            "  is to be believed, so none is shown here.",
        ]
        return "\n".join(lines)
    lines.append(f"  people are shared out as declared (p = {chance:.2g})")
    first = exposures[0]["variant"]
    people = {one["variant"]: one["users"] for one in exposures}
    lines.append(f"  against {first}, with 95 % intervals over people:")
    values = {one["metric"]: one["value"] for one in report["effects"] if one["variant"] == first}
    for effect in report["effects"]:
        if effect["variant"] != first:
            enough = min(people[first], people[effect["variant"]]) > 1
            lines.append("    " + _effect(effect, values[effect["metric"]], enough=enough))
    return "\n".join(lines)


def _effect(effect: Told, first: float, *, enough: bool) -> str:
    name = _METRICS.get(effect["metric"], effect["metric"])
    said = f"{effect['variant']}: {name} {effect['value']:.4g} instead of {first:.4g}"
    if not enough:
        return f"{said}: too few people to say anything"
    low, high = effect["effect_low"], effect["effect_high"]
    verdict = "more" if low > 0 else "fewer" if high < 0 else "no difference shown"
    return f"{said}, difference {effect['effect']:+.4g} ({low:+.4g} to {high:+.4g}): {verdict}"
