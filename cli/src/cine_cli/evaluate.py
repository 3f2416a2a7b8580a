"""`cine evaluate`: how good recommendations are, by protocols U, T and R."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cine_cli.mesh.options import MeshSettings
from cine_cli.output import Output

if TYPE_CHECKING:
    from cine_recommender.evaluation.run import Evaluation
    from cine_recommender.training.films import Films

Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--data", help="folder in MovieLens format; several times for several (default: those of CINE_DATA_DIR)"
    ),
]
Protocols = Annotated[
    list[str] | None,
    typer.Option("--protocol", help="U, T or R; several times for several, or U,T (default: all)"),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--models", help="names; several times, or EASE,iALS (default: all); `list` says which"),
]
ReportPath = Annotated[Path | None, typer.Option("--report", help="Markdown file to write, plots beside it")]
Cuts = Annotated[int, typer.Option(min=1, max=100, help="cuts of protocol T")]
Seed = Annotated[int, typer.Option(min=0, help="of lots and models")]
Catalogue = Annotated[
    bool, typer.Option("--catalogue", help="models may know people, keywords and texts of the merged catalogue")
]
Again = Annotated[bool, typer.Option("--again", help="run also what was judged before and has not changed")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output, for machines")]


def evaluate(
    data: Folders = None,
    protocol: Protocols = None,
    models: Models = None,
    report: ReportPath = None,
    cuts: Cuts = 8,
    seed: Seed = 0,
    catalogue: Catalogue = False,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Judges recommenders on logs in MovieLens format: options chosen on validation, full ranking, paired intervals.

    What was judged is kept under var/evaluation; a model is run again only when it, its options or the data changed.
    """
    # the recommender's numerical libraries take a moment to load: only for this command
    from cine_recommender.evaluation.candidates import candidates, named, rating_candidates
    from cine_recommender.evaluation.kept import Kept
    from cine_recommender.evaluation.protocol import ModelFailed
    from cine_recommender.evaluation.reading import RatingsUnusable
    from cine_recommender.evaluation.report import plots_folder, write, written
    from cine_recommender.evaluation.run import PROTOCOLS, Asked
    from cine_recommender.evaluation.run import evaluate as run
    from cine_recommender.training.films import FilmsUnusable
    from cine_recommender.training.folders import folders_with_ratings

    output = Output(as_json=as_json)
    settings = MeshSettings()
    ranked, rated = candidates(), rating_candidates()
    offered = list(dict.fromkeys([one.name for one in ranked] + [one.name for one in rated]))
    asked_models = _listed(models)
    if asked_models == ["list"]:
        told = {"ranking": [one.name for one in ranked], "rating": [one.name for one in rated]}
        output.result(
            told, "\n".join(f"U, T  {name}" for name in told["ranking"]) + f"\nR     {', '.join(told['rating'])}"
        )
        return
    protocols = [one.upper() for one in _listed(protocol)] or list(PROTOCOLS)
    for one in protocols:
        if one not in PROTOCOLS:
            output.fail(f"unknown protocol {one!r}; there are {', '.join(PROTOCOLS)}")
    folders = data or folders_with_ratings(settings.data_dir)
    if not folders:
        output.fail("no folder with ratings.csv and movies.csv: name one with --data, or set CINE_DATA_DIR")
    try:
        chosen = named(asked_models, offered)
    except ValueError as error:
        output.fail(str(error))
    try:
        asked = Asked(
            folders=folders,
            protocols=protocols,
            candidates=[one for one in ranked if one.name in chosen],
            rating_candidates=[one for one in rated if one.name in chosen],
            seed=seed,
            cuts=cuts,
            catalogue=_catalogue(settings) if catalogue else None,
            kept=Kept(settings.var_dir / "evaluation"),
            again=again,
        )
        with output.progress() as progress:
            found = run(asked, progress)
    except (RatingsUnusable, ModelFailed, FilmsUnusable) as error:
        output.fail(str(error))
    if report is not None:
        command = _command(folders, protocols, asked_models, report, cuts=cuts, seed=seed, catalogue=catalogue)
        write(written(found, command, seed, plots_folder(report)), report)
        output.say(f"wrote {report}")
    output.result(found.told(), _words(found))


def _listed(given: Sequence[str] | None) -> list[str]:
    """Returns names given apart or joined by commas."""
    return [part.strip() for one in given or [] for part in one.split(",") if part.strip()]


def _catalogue(settings: MeshSettings) -> Films:
    from cine_recommender.training.films import read_films

    return read_films(settings.merged_csv)


def _command(
    folders: Sequence[Path],
    protocols: Sequence[str],
    models: Sequence[str],
    report: Path,
    *,
    cuts: int,
    seed: int,
    catalogue: bool,
) -> str:
    """Returns the command as somebody else would type it: folders by name, under where their data lies."""
    parts = ["cine", "evaluate"]
    for folder in folders:
        parts += ["--data", f"$CINE_DATA_DIR/{folder.resolve().name}"]
    parts += ["--protocol", ",".join(protocols)]
    if models:
        parts += ["--models", ",".join(models)]
    parts += ["--cuts", str(cuts), "--seed", str(seed)]
    if catalogue:
        parts.append("--catalogue")
    parts += ["--report", os.path.relpath(report)]
    return " ".join(part if part.startswith("$") else shlex.quote(part) for part in parts)


def _words(found: Evaluation) -> str:
    from cine_recommender.evaluation.summary import summarised

    lines = []
    for result in found.results:
        lines.append(
            f"{result.data}, {result.protocol}: {len(result.people):,} rows judged, ceiling {result.ceiling:.4f}"
        )
        lines.append(f"  {'':<16}{'NDCG@10':>8}  {'95 %':<16}{'Recall@20':>9}{'coverage':>9}  {'lead, 95 %'}")
        for line in summarised(result):
            ndcg, lead = line.measures["ndcg"], line.lead
            ahead = "" if lead is None else f"{lead.mean:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}] over {line.over}"
            lines.append(
                f"  {line.model:<16}{ndcg.mean:>8.4f}  {f'{ndcg.low:.4f}–{ndcg.high:.4f}':<16}"
                f"{line.measures['recall'].mean:>9.4f}{line.outcome.coverage:>9.4f}  {ahead}"
            )
            lines.append(
                f"  {'':<16}fit {line.outcome.fit_seconds:.2f} s, {line.outcome.person_ms:.2f} ms a person, "
                f"peak {line.outcome.peak_mib:,.0f} MiB, {line.outcome.chosen[-1]}"
            )
    for ratings in found.ratings:
        lines.append(f"{ratings.data}, R: {ratings.rows:,} ratings")
        for one in ratings.lines:
            gain = (
                ""
                if one.gain is None
                else f"  better by {one.gain.mean:+.4f} [{one.gain.low:+.4f}, {one.gain.high:+.4f}]"
            )
            lines.append(
                f"  {one.model:<16}RMSE {one.rmse.mean:.4f}, MAE {one.mae.mean:.4f}{gain}, fit {one.outcome.fit_seconds:.2f} s, "
                f"peak {one.outcome.peak_mib:,.0f} MiB"
            )
    return "\n".join(lines) or "nothing to judge: none of these models takes part in these protocols"
