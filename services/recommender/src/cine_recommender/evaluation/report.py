"""The report of an evaluation: Markdown with tables and plots, from which every figure can be recomputed by the command it names."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cine_recommender.evaluation import plots, published
from cine_recommender.evaluation.bootstrap import RESAMPLES, Estimate
from cine_recommender.evaluation.protocol import Options, Result, Trial
from cine_recommender.evaluation.rating import RatingResult
from cine_recommender.evaluation.run import Evaluation
from cine_recommender.evaluation.summary import Line, summarised

_TITLES = {
    "U": "U: everybody's own last fifth",
    "T": "T: rolling cuts in time",
    "R": "R: predicted ratings",
}
_EXPLAINED = {
    "U": "Caveat: what models learn from holds other people's later ratings. U compares models, it promises no level.",
    "T": "At each cut models learn from everything before it and are tested on the window up to the next; rows are pooled over "
    "(person, cut), and somebody judged at several cuts is drawn with all of them.",
    "R": "Five-fold cross-validation over random rows. It says nothing about what to recommend.",
}
_HEAD = """# How good the recommendations are

Written by `cine evaluate`; every figure below comes from

```sh
{command}
```

An interaction is one (person, film, rating, moment). **Relevant** is a held-out film rated 4 stars or better. All films with an
interaction in the fit set are ranked, without those the person rated there; no negatives are sampled. Relevant films that the fit set
does not know stay in the denominator: *ceiling* is what a perfect ranker would reach. Equal moments and film numbers are put in an order
drawn by lot (seed {seed}). Options, "all ratings, only those from 3.5 or 4 stars" being one of them, are chosen on validation rows only,
by NDCG@10. Means are over people; brackets are 95 % percentile intervals from {resamples:,} resamples of people, the same for every
model. *Lead* is the paired difference in NDCG@10 to the best single signal (for that one: to the best other), its interval from the same
resamples. Models in bold weigh several signals.

| column | what it is |
|---|---|
| popularity | mean percentile of the popularity of what is shown, 0 to 1; lower is more novel |
| diversity | 1 − mean cosine of genres and tags among the ten films shown; higher is more varied |
| miscalibration | Kullback–Leibler divergence of the genres shown from those the person rated well (Steck 2018); lower is nearer |
| coverage | share of all films that somebody was shown in their first ten |
| fit s, ms a person, MiB | wall clock of one fit, of scoring and ranking for one person, most memory of the whole process meanwhile |
"""


@dataclass(frozen=True)
class Written:
    """A report.

    Attributes:
        text: Markdown.
        plots: SVG by file name.
    """

    text: str
    plots: dict[str, str]


def written(evaluation: Evaluation, command: str, seed: int, folder: str) -> Written:
    """Returns the report.

    Args:
        evaluation: what to report.
        command: by which it can be made again.
        seed: of the lots.
        folder: where plots lie, as seen from the report.
    """
    parts = [_HEAD.format(command=command, seed=seed, resamples=RESAMPLES)]
    drawn: dict[str, str] = {}
    for protocol in ("U", "T"):
        found = [one for one in evaluation.results if one.protocol == protocol]
        if found:
            parts.append(f"## {_TITLES[protocol]}\n\n{_EXPLAINED[protocol]}\n")
            parts += [_ranking(one, folder, drawn) for one in found]
    if evaluation.ratings:
        parts.append(f"## {_TITLES['R']}\n\n{_EXPLAINED['R']}\n")
        parts += [_rating(one, folder, drawn) for one in evaluation.ratings]
    return Written("\n".join(parts), drawn)


def write(report: Written, path: Path) -> None:
    """Writes a report and its plots, these into a folder beside it that is named like it."""
    folder = path.parent / plots_folder(path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in report.plots.items():
        (folder / name).write_text(drawing, encoding="utf-8")
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.write_text(report.text, encoding="utf-8")
    half.replace(path)


def plots_folder(path: Path) -> str:
    """Returns where the plots of a report lie, as seen from it."""
    return f"images/{path.stem}"


def _ranking(result: Result, folder: str, drawn: dict[str, str]) -> str:
    lines = summarised(result)
    people = len({int(one) for one in result.people})
    cuts = f" at {len(result.cuts)} cuts" if len(result.cuts) > 1 else ""
    films = (
        f"{result.cuts[-1]['films']:,} films" if len(result.cuts) == 1 else f"up to {result.cuts[-1]['films']:,} films"
    )
    judged = (
        f"{people:,} people" if people == len(result.people) else f"{len(result.people):,} rows of {people:,} people"
    )
    parts = [
        f"### {result.data}, {result.protocol}\n",
        f"{judged}{cuts}, {films}; ceiling {_number(result.ceiling)}. Files {result.fingerprint[:12]}.\n",
        "| model | NDCG@10 | Recall@20 | MRR@10 | coverage@10 | popularity | diversity | miscalibration | lead |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(line) for line in lines),
        "",
    ]
    key = f"{result.data}-{result.protocol.lower()}"
    bold = [line.outcome.learned_fusion for line in lines]
    rows = [(line.model, line.measures["ndcg"], strong) for line, strong in zip(lines, bold, strict=True)]
    drawn[f"{key}-ndcg.svg"] = plots.intervals(f"NDCG@10, {result.data}, {result.protocol}", rows, result.ceiling)
    dots = [
        plots.Dot(line.model, line.outcome.coverage, line.measures["ndcg"].mean, strong)
        for line, strong in zip(lines, bold, strict=True)
    ]
    title = f"Accuracy and coverage, {result.data}, {result.protocol}"
    drawn[f"{key}-coverage.svg"] = plots.scatter(title, "coverage@10", "NDCG@10", dots)
    parts.append(f"![NDCG@10 with intervals]({folder}/{key}-ndcg.svg)")
    parts.append(f"![NDCG@10 against coverage]({folder}/{key}-coverage.svg)\n")
    if result.protocol == "U" and result.data in published.RANKING:
        parts.append(_beside_ranking(lines, result.data))
    parts.append(_costs(lines))
    parts.append(_choices([(line.model, line.outcome.chosen, line.outcome.tried) for line in lines], "NDCG@10"))
    if len(result.cuts) > 1:
        parts.append(_cuts(result))
    return "\n".join(parts)


def _row(line: Line) -> str:
    def whole(measure: str) -> str:
        return _interval(line.measures[measure]) if measure in line.measures else "–"

    def mean(measure: str) -> str:
        return _number(line.measures[measure].mean) if measure in line.measures else "–"

    name = f"**{line.model}**" if line.outcome.learned_fusion else line.model
    lead = "–" if line.lead is None else f"{_interval(line.lead, signed=True)} over {line.over}"
    cells = [
        name,
        whole("ndcg"),
        whole("recall"),
        whole("mrr"),
        _number(line.outcome.coverage),
        mean("popularity"),
        mean("diversity"),
        mean("calibration"),
        lead,
    ]
    return f"| {' | '.join(cells)} |"


def _beside_ranking(lines: Sequence[Line], data: str) -> str:
    rows = [
        "Beside what others reached with the same models on these files:\n",
        "| model | NDCG@10 here | there | ratio | Recall@20 here | there | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        if line.model in published.RANKING[data]:
            ndcg, recall = published.RANKING[data][line.model]
            own, found = line.measures["ndcg"].mean, line.measures["recall"].mean
            rows.append(
                f"| {line.model} | {_number(own)} | {_number(ndcg)} | {own / ndcg:.3f} "
                f"| {_number(found)} | {_number(recall)} | {found / recall:.3f} |"
            )
    return "\n".join([*rows, ""])


def _costs(lines: Sequence[Line]) -> str:
    rows = ["| model | fit s | ms a person | MiB |", "|---|---|---|---|"]
    rows += [
        f"| {line.model} | {line.outcome.fit_seconds:.2f} | {line.outcome.person_ms:.2f} | {line.outcome.peak_mib:,.0f} |"
        for line in lines
    ]
    return "\n".join([*rows, ""])


def _choices(models: Sequence[tuple[str, list[Options], list[Trial]]], measure: str) -> str:
    rows = ["<details><summary>Options: what was chosen, and all that was tried on validation</summary>\n"]
    for name, chosen, tried in models:
        counted: dict[str, int] = {}
        for options in chosen:
            counted[_options(options)] = counted.get(_options(options), 0) + 1
        words = ", ".join(f"{one} ({times}×)" if len(chosen) > 1 else one for one, times in counted.items())
        rows.append(f"- **{name}**: {words}")
        best = sorted(tried, key=lambda trial: trial.value, reverse=measure != "RMSE")
        rows += [f"  - {measure} {_number(trial.value)}: {_options(trial.options)}" for trial in best]
    return "\n".join([*rows, "\n</details>\n"])


def _options(options: Options) -> str:
    return f"`{json.dumps(options, sort_keys=True)}`" if options else "no options"


def _cuts(result: Result) -> str:
    rows = ["| cut | rows before | films | people judged |", "|---|---|---|---|"]
    rows += [f"| {one['name']} | {one['fitted']:,} | {one['films']:,} | {one['people']:,} |" for one in result.cuts]
    return "\n".join([*rows, ""])


def _rating(result: RatingResult, folder: str, drawn: dict[str, str]) -> str:
    known = published.RATING.get(result.data, {})
    parts = [
        f"### {result.data}, R\n",
        f"{result.rows:,} ratings. Files {result.fingerprint[:12]}.\n",
        "| model | RMSE | MAE | better by | there | fit s | MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in result.lines:
        gain = "–" if line.gain is None else f"{_interval(line.gain, signed=True)} than {line.over}"
        there = _number(known[line.model]) if line.model in known else "–"
        parts.append(
            f"| {line.model} | {_interval(line.rmse)} | {_interval(line.mae)} | {gain} | {there} "
            f"| {line.outcome.fit_seconds:.2f} | {line.outcome.peak_mib:,.0f} |"
        )
    if len(result.lines) > 1:
        key = f"{result.data}-r"
        rows = [(line.model, line.gain, False) for line in result.lines if line.gain is not None]
        drawn[f"{key}-gain.svg"] = plots.intervals(f"RMSE below {result.lines[0].model}, {result.data}", rows)
        parts.append(f"\n![Gain in RMSE with intervals]({folder}/{key}-gain.svg)")
    parts.append("")
    parts.append(_choices([(line.model, line.outcome.chosen, line.outcome.tried) for line in result.lines], "RMSE"))
    return "\n".join(parts)


def _number(value: float, signed: bool = False) -> str:
    text = f"{value:+.4f}" if signed else f"{value:.4f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _interval(one: Estimate, signed: bool = False) -> str:
    return f"{_number(one.mean, signed)} [{_number(one.low, signed)}, {_number(one.high, signed)}]"
