"""`cine model`: which models serve, the way back, and training on the running mesh."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cine_cli import jobs
from cine_cli.asking import Gateway, Told, gateway
from cine_cli.mesh.options import MeshSettings
from cine_cli.mesh.plan import MeshOptions
from cine_cli.output import Output

model_app = typer.Typer(
    no_args_is_help=True, help="Trained models: which is served, the way back, training on the mesh."
)
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output, for machines")]
Url = Annotated[str, typer.Option(help="address of the gateway; default: the public one")]

_PATH = "/api/v1/admin/recommender/training"
_LOOK_SECONDS = 1.0
_UNDER_WAY = ("queued", "running", "evaluating")
_GOOD = ("promoted", "unchanged")


@model_app.command("list")
def model_list(as_json: Json = False) -> None:
    """Lists the versions of every model and marks the one served."""
    report = jobs.list_models(MeshOptions.from_environment().var_dir)
    Output(as_json=as_json).result(report.value, report.text)


@model_app.command("rollback")
def model_rollback(
    kind: Annotated[str, typer.Argument(help="kind of model, such as content")], as_json: Json = False
) -> None:
    """Serves the version before the current one again; running services switch within seconds."""
    output = Output(as_json=as_json)
    with jobs.reported(output):
        report = jobs.rollback_model(MeshOptions.from_environment().var_dir, kind)
    output.result(report.value, report.text)


@model_app.command("train")
def model_train(
    kind: Annotated[list[str] | None, typer.Option(help="content or hybrid; several times for several")] = None,
    force: Annotated[bool, typer.Option("--force", help="train also what is up to date")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="wait until it ends; 1 unless its models serve then")] = False,
    url: Url = "",
    as_json: Json = False,
) -> None:
    """Has the running mesh train, as it does every night; needs CINE_TOKEN, an administrator's access token.

    While a training waits or runs, that is the one. `cine train` trains in this process instead, and cannot read what people
    rated while a mesh on SQLite runs.
    """
    output = Output(as_json=as_json)
    with gateway(output, url, _token(output)) as asked:
        told = asked.post(_PATH, {"kinds": kind or [], "force": force})
        if wait:
            told = _ended(output, asked, told)
    text = _in_words(told)
    if told["state"] in _UNDER_WAY:
        text += f"\n`cine model trainings {told['training_id']}` says how far it is"
    output.result(told, text)
    if wait and told["state"] not in _GOOD:
        raise typer.Exit(1)


@model_app.command("trainings")
def model_trainings(
    training_id: Annotated[str, typer.Argument(help="which; the latest ones when left out")] = "",
    url: Url = "",
    as_json: Json = False,
) -> None:
    """Says what came of trainings on the running mesh, or how far one is; needs CINE_TOKEN, an administrator's access token."""
    output = Output(as_json=as_json)
    with gateway(output, url, _token(output)) as asked:
        if training_id:
            told = asked.get(f"{_PATH}/{training_id}")
            output.result(told, _in_words(told))
            return
        listed = asked.get(_PATH)
    text = "\n".join(_in_words(one) for one in listed["trainings"])
    output.result(listed, text or "nothing has been trained on this mesh yet")


def _token(output: Output) -> str:
    token = MeshSettings().token.get_secret_value()
    if not token:
        output.fail("set CINE_TOKEN to an administrator's access token: the running mesh is asked")
    return token


def _ended(output: Output, asked: Gateway, told: Told) -> Told:
    with output.progress() as progress:
        while told["state"] in _UNDER_WAY:
            progress(told["detail"] or told["state"], round(100 * told["progress"]), 100)
            time.sleep(_LOOK_SECONDS)
            told = asked.get(f"{_PATH}/{told['training_id']}")
    return told


def _in_words(one: Told) -> str:
    when = (one.get("started_at") or one["created_at"])[:19].replace("T", " ")
    why = "at night" if one["nightly"] else "asked for"
    far = f" {one['progress']:.0%}" if one["state"] in _UNDER_WAY else ""
    lines = [f"{one['training_id']}  {when} UTC, {why}: {one['state']}{far}"]
    if not one["outcomes"]:
        return "\n".join([*lines, *(f"  {line}" for line in [one["detail"]] if line)])
    for each in one["outcomes"]:
        lines.append(f"  {each['kind']}: {each['result']} {each['version']}".rstrip())
        if each["reason"]:
            lines.append(f"    {each['reason']}")
        figures = {figure["name"]: figure["value"] for figure in each["metrics"]}
        if each["result"] != "unchanged" and figures:
            lines.append("    " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return "\n".join(lines)
