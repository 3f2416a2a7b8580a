from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cine_recommender.evaluation import biasonly, plots
from cine_recommender.evaluation.bootstrap import Estimate
from cine_recommender.evaluation.protocol import Course
from cine_recommender.evaluation.rating import RatingCandidate, RatingCourse
from cine_recommender.evaluation.report import Written, plots_folder, write, written
from cine_recommender.evaluation.run import Evaluation
from cine_recommender.evaluation.summary import summarised
from cine_recommender.signals import popularity
from cine_recommender.signals.signal import Candidate

from .audience import audience, fit_half, fit_taste
from .test_rating import fit_by_genre

COMMAND = "cine evaluate --data $CINE_DATA_DIR/audience"


def quiet(_step: str, _done: int, _total: int) -> None: ...


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    log = audience()
    models = [
        Candidate("popular", popularity.fit, [{"rows": "all"}, {"rows": "4"}]),
        Candidate("half", fit_half, [{}]),
        Candidate("fusion", fit_taste, [{}], learned_fusion=True),
    ]
    found = Evaluation()
    for course in (Course.by_person(log, 1), Course.over_time(log, 1, cuts=3)):
        found.results.append(course.result([course.run(one, quiet) for one in models]))
    rating = RatingCourse(log, 1)
    predictors = [RatingCandidate("bias only", biasonly.fit, [{}]), RatingCandidate("genre", fit_by_genre, [{}])]
    found.ratings.append(rating.result([rating.run(one, quiet) for one in predictors]))
    return found


@pytest.fixture(scope="module")
def report(evaluation: Evaluation) -> Written:
    return written(evaluation, COMMAND, 1, "images/evaluation")


def rows_of(text: str, section: str) -> dict[str, list[str]]:
    """The first table of a section, by model."""
    part = text.split(f"### {section}\n")[1]
    table = next(block for block in part.split("\n\n") if block.startswith("| model"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {row[0].strip("*"): row[1:] for row in rows}


@pytest.mark.parametrize("at", [0, 1])
def test_a_table_holds_the_figures_and_their_intervals(evaluation: Evaluation, report: Written, at: int) -> None:
    result = evaluation.results[at]
    rows = rows_of(report.text, f"audience, {result.protocol}")
    lines = summarised(result)
    assert list(rows) == [line.model for line in lines] and set(rows) == {"popular", "half", "fusion"}
    for line in lines:
        cells = rows[line.model]
        ndcg = line.measures["ndcg"]
        wanted = (ndcg.mean, ndcg.low, ndcg.high)
        assert [float(one) for one in re.findall(r"[\d.]+", cells[0])] == pytest.approx(wanted, abs=6e-5)
        assert float(cells[3]) == pytest.approx(line.outcome.coverage, abs=6e-5)
        assert line.lead is not None and cells[7].endswith(f"over {line.over}")
        assert float(cells[7].split()[0]) == pytest.approx(line.lead.mean, abs=6e-5)
    assert "**fusion**" in report.text and "**half** |" not in report.text


def test_ratings_have_their_table(evaluation: Evaluation, report: Written) -> None:
    rows = rows_of(report.text, "audience, R")
    genre = evaluation.ratings[0].lines[1]
    assert genre.gain is not None
    assert float(rows["genre"][0].split()[0]) == pytest.approx(genre.rmse.mean, abs=6e-5)
    assert rows["genre"][2].startswith("+") and rows["genre"][2].endswith("than bias only")


def test_the_command_and_what_was_tried_are_beside_the_figures(evaluation: Evaluation, report: Written) -> None:
    assert f"```sh\n{COMMAND}\n```" in report.text
    for trial in evaluation.results[0].outcomes[0].tried:
        value = f"{trial.value:.4f}".replace("0.", ".", 1)
        assert f'NDCG@10 {value}: `{{"rows": "{trial.options["rows"]}"}}`' in report.text
    assert "it promises no level" in report.text  # the caveat of U
    assert report.text.count("| T 1970-01-") == 3  # the cuts, with how many were judged


def test_plots_are_whole_drawings_that_the_text_shows(report: Written, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.md"
    write(Written(report.text, report.plots), path)
    shown = re.findall(r"!\[[^]]*]\(([^)]+)\)", report.text)
    assert len(shown) == len(report.plots) == 5
    for name in shown:
        root = ElementTree.fromstring((tmp_path / name).read_text())
        assert root.tag.endswith("svg")
        _, _, width, height = (float(one) for one in root.attrib["viewBox"].split())
        dots = [one for one in root if one.tag.endswith("circle")]
        assert len(dots) == (1 if name.endswith("gain.svg") else 3)
        for dot in dots:
            assert 0 < float(dot.attrib["cx"]) < width and 0 < float(dot.attrib["cy"]) < height
    assert path.read_text() == report.text and plots_folder(path) == "images/evaluation"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["evaluation.md", "images"]


def test_places_on_a_plot_follow_the_figures() -> None:
    drawn = ElementTree.fromstring(
        plots.intervals("<&>", [("a", Estimate(0.1, 0.05, 0.15), True), ("b", Estimate(0.2, 0.19, 0.21), False)], 0.25)
    )
    dots = [one for one in drawn if one.tag.endswith("circle")]
    assert float(dots[1].attrib["cx"]) > float(dots[0].attrib["cx"])
    bars = [one for one in drawn if one.tag.endswith("line") and one.attrib["stroke-width"] == "2"]
    ends = [(float(one.attrib["x1"]), float(one.attrib["x2"])) for one in bars]
    assert ends[0][0] < float(dots[0].attrib["cx"]) < ends[0][1] < ends[1][0]
    middle = (ends[0][0] + ends[0][1]) / 2
    assert float(dots[0].attrib["cx"]) == pytest.approx(middle, abs=0.2)
    assert any(one.attrib.get("stroke-dasharray") for one in drawn)  # the limit
    assert next(one.text for one in drawn if one.tag.endswith("title")) == "<&>"


@pytest.mark.parametrize("scale", [1e-6, 0.003, 0.07, 1.0, 42.0, 9e5])
def test_axes_have_a_handful_of_round_numbers_around_the_figures(scale: float) -> None:
    drawn = plots.scatter("t", "x", "y", [plots.Dot("a", scale, scale / 3, False), plots.Dot("b", 0.0, scale, True)])
    root = ElementTree.fromstring(drawn)
    rules = [one for one in root if one.tag.endswith("line")]
    assert 6 <= len(rules) <= 22
    for dot in (one for one in root if one.tag.endswith("circle")):
        assert 60 <= float(dot.attrib["cx"]) <= 660 and 40 <= float(dot.attrib["cy"]) <= 370


def test_figures_all_alike_can_still_be_drawn() -> None:
    rows = [("a", Estimate(0.0, 0.0, 0.0), False), ("b", Estimate(0.0, 0.0, 0.0), False)]
    assert "NaN" not in plots.intervals("none", rows) and "inf" not in plots.scatter(
        "n", "x", "y", [plots.Dot("a", 0, 0, False)]
    )
