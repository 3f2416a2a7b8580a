"""The commands: `cine up`, `stop`, `status`, `doctor`, `setup`, and the steps of the pipeline one by one."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer

from cine_cli import jobs, training
from cine_cli.doctor import examine
from cine_cli.evaluate import evaluate
from cine_cli.experiments import experiments_app
from cine_cli.mesh import launch
from cine_cli.mesh.plan import MeshOptions
from cine_cli.mesh.state import MeshState, read_state
from cine_cli.models import model_app
from cine_cli.output import Output
from cine_cli.wizard import run_wizard

app = typer.Typer(
    name="cine", no_args_is_help=True, add_completion=False, help="CineAesthete on this machine: data, models, mesh."
)
data_app = typer.Typer(no_args_is_help=True, help="What data there is, and where more comes from.")
tmdb_app = typer.Typer(no_args_is_help=True, help="Metadata of films from TMDb.")
app.add_typer(data_app, name="data")
app.add_typer(tmdb_app, name="tmdb")
app.add_typer(model_app, name="model")
app.add_typer(experiments_app, name="experiments")
app.command()(evaluate)

Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output, for machines")]
Force = Annotated[bool, typer.Option("--force", help="do it again even when nothing changed")]


def _say_running(output: Output, options: MeshOptions, state: MeshState, seconds: float) -> None:
    address = f"http://127.0.0.1:{state.gateway_port}"
    told = {**launch.describe(state), "address": address, "seconds": round(seconds, 2)}
    lines = [
        f"ready in {seconds:.1f} s",
        f"  explorer  {address}/",
        f"  API docs  {address}/docs",
        f"  health    {address}/health/detailed",
    ]
    if options.mail_dir is not None:
        told["mail"] = str(options.mail_dir)
        lines.append(
            f"  mail      {os.path.relpath(options.mail_dir)}/ (no mail server is set: messages are written there)"
        )
    output.result(told, "\n".join(lines))


@app.command()
def up(as_json: Json = False) -> None:
    """Prepares data and model when they are missing or stale, starts the mesh and waits until it is healthy."""
    output = Output(as_json=as_json)
    options = MeshOptions.from_environment()
    began = time.monotonic()
    with jobs.reported(output):
        jobs.preprocess(output, force=False)
        # what people rated meanwhile is no reason to wait: the running mesh takes it in at night
        training.train(output, force=False, rated=False)
    try:
        state = launch.start(options)
    except launch.MeshFailed as failure:
        output.fail(str(failure), code=3)
    _say_running(output, options, state, time.monotonic() - began)


@app.command()
def start(as_json: Json = False) -> None:
    """Starts the mesh with the data and model there are, and waits until it is healthy."""
    output = Output(as_json=as_json)
    options = MeshOptions.from_environment()
    began = time.monotonic()
    try:
        state = launch.start(options)
    except launch.MeshFailed as failure:
        output.fail(str(failure), code=3)
    _say_running(output, options, state, time.monotonic() - began)


@app.command()
def stop(as_json: Json = False) -> None:
    """Stops the mesh: the gateway drains first, calls in flight finish."""
    output = Output(as_json=as_json)
    try:
        stopped = launch.stop(MeshOptions.from_environment())
    except launch.MeshFailed as failure:
        output.fail(str(failure))
    output.result({"stopped": stopped}, "stopped" if stopped else "nothing was running")


@app.command()
def status(as_json: Json = False) -> None:
    """Says what runs: every process, whether it is ready, its memory and restarts. Ends with 1 unless all is ready."""
    output = Output(as_json=as_json)
    state = read_state(MeshOptions.from_environment().var_dir)
    if state is None:
        output.result({"running": False}, "not running; start it with `make run`")
        raise typer.Exit(1)
    report = launch.describe(state)
    lines = [f"{state.phase}, gateway on port {state.gateway_port}"]
    for process in report["processes"]:
        word = "ready" if process["ready"] else ("starting" if process["pid"] else "down")
        lines.append(
            f"  {process['name']:<14}{word:<10}pid {process['pid']:<8}{process['rss_mib']:>7.1f} MiB  {process['restarts']} restarts"
        )
    output.result({"running": True, **report}, "\n".join(lines))
    if not state.ready:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Examines this machine and folder: Python, packages, data, models, ports; says what to do about each fault."""
    output = Output(as_json=as_json)
    findings = examine(MeshOptions.from_environment())
    lines = [
        f"  {'ok ' if f.ok else 'BAD'}  {f.name}: {f.detail}" + (f"\n       → {f.remedy}" if f.remedy else "")
        for f in findings
    ]
    healthy = all(f.ok or not f.required for f in findings)
    output.result({"ok": healthy, "findings": [vars(f) for f in findings]}, "\n".join(lines))
    if not healthy:
        raise typer.Exit(1)


@app.command()
def setup(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="take the suggested answer to every question")] = False,
    as_json: Json = False,
) -> None:
    """The wizard: check data → preprocess → train → start, asking where there is something to choose."""
    run_wizard(Output(as_json=as_json), assume_yes=yes or as_json)


@app.command()
def preprocess(force: Force = False, as_json: Json = False) -> None:
    """Cleans, joins and filters the data into the merged catalogue file."""
    output = Output(as_json=as_json)
    with jobs.reported(output):
        report = jobs.preprocess(output, force=force)
    output.result(report.value, report.text)


@app.command()
def train(force: Force = False, as_json: Json = False) -> None:
    """Trains the content model of CineMatch and the hybrid on the merged catalogue and the ratings at hand."""
    output = Output(as_json=as_json)
    with jobs.reported(output):
        report = training.train(output, force=force)
    output.result(report.value, report.text)


@data_app.command("check")
def data_check(as_json: Json = False) -> None:
    """Says which data was found, what is missing, and what would be used."""
    output = Output(as_json=as_json)
    with jobs.reported(output):
        report = jobs.check_data()
    output.result(report.value, report.text)


@tmdb_app.command("fetch")
def tmdb_fetch(
    limit: Annotated[int, typer.Option(min=0, help="films at most, most rated first; 0 for all")] = 0,
    as_json: Json = False,
) -> None:
    """Fetches metadata from TMDb with TMDB_BEARER_TOKEN; goes on where it was stopped."""
    output = Output(as_json=as_json)
    with jobs.reported(output):
        report = jobs.fetch_tmdb(output, limit=limit)
    output.result(report.value, report.text)


def main() -> None:
    """Entry of `cine`."""
    app(prog_name="cine")
