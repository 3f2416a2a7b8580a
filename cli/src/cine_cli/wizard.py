"""`cine setup`: check data → preprocess → train → start, one question at a time."""

from __future__ import annotations

import time
from pathlib import Path

from rich.prompt import Confirm, Prompt

from cine_cli import jobs, training
from cine_cli.mesh import launch
from cine_cli.mesh.options import MeshSettings
from cine_cli.mesh.plan import ROOT, MeshOptions
from cine_cli.output import Output

_ENV = ROOT / ".env"


def run_wizard(output: Output, *, assume_yes: bool) -> None:
    """Leads through all steps; every answer can be left at its suggestion, and nothing is done twice.

    Args:
        output: where to speak.
        assume_yes: take the suggestions without asking.
    """
    output.say("CineAesthete set-up: data, catalogue, model, mesh.\n\n1/4 data")
    with jobs.reported(output):
        found = jobs.check_data()
        output.say(found.text)
        if found.value["source"] == "starter" and not assume_yes:
            _ask_for_data(output)
        output.say("\n2/4 catalogue")
        redo = (
            not assume_yes
            and MeshSettings().merged_csv.exists()
            and Confirm.ask("make it again from scratch?", default=False)
        )
        catalogue = jobs.preprocess(output, force=redo)
        output.say(catalogue.text)
        output.say("\n3/4 model")
        model = training.train(output, force=redo)
        output.say(model.text)
    output.say("\n4/4 mesh")
    if not assume_yes and not Confirm.ask("start it now?", default=True):
        output.result(
            {"started": False, "catalogue": catalogue.value, "model": model.value}, "start it with `make run`"
        )
        return
    began = time.monotonic()
    options = MeshOptions.from_environment()
    try:
        state = launch.start(options)
    except launch.MeshFailed as failure:
        output.fail(str(failure), code=3)
    address = f"http://127.0.0.1:{state.gateway_port}/"
    value = {"started": True, "address": address, "catalogue": catalogue.value, "model": model.value}
    output.result(value, f"ready in {time.monotonic() - began:.1f} s: open {address}")


def _ask_for_data(output: Output) -> None:
    """Offers to name a folder with MovieLens files and remembers it in `.env`."""
    answer = Prompt.ask("folder with MovieLens files (empty: use the starter catalogue)", default="")
    if not answer:
        return
    folder = Path(answer).expanduser().resolve()
    if not folder.is_dir():
        output.say(f"{folder} does not exist; going on with the starter catalogue")
        return
    lines = _ENV.read_text().splitlines() if _ENV.exists() else []
    kept = [line for line in lines if not line.startswith("CINE_DATA_DIR=")]
    _ENV.write_text("\n".join([*kept, f"CINE_DATA_DIR={folder}"]) + "\n")
    output.say(f"remembered in {_ENV.name}: CINE_DATA_DIR={folder}")
