"""What is trained anew and what is not; a hybrid is judged against one that learned from the same people, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from cine_recommender.models.taste import load_taste
from cine_recommender.training import hybrid, stamps
from cine_recommender.training.outcome import TrainingJob
from cine_recommender.training.renewal import renew
from cinemesh.artifacts import ArtifactStore, Metric

from ..evaluation.audience import audience
from .conftest import ratings_of, write_catalogue, write_ratings


def test_models_are_trained_once_and_again_when_what_they_are_made_of_changes(job: TrainingJob, tmp_path: Path) -> None:
    store = ArtifactStore(job.artifacts_dir)
    assert [renew(kind, job).result for kind in job.kinds] == ["promoted", "promoted"]
    first = {kind: store.current_version(kind) for kind in job.kinds}
    assert [renew(kind, job).result for kind in job.kinds] == ["unchanged", "unchanged"]

    rated = tmp_path / "rated.csv"
    rated.write_text("person,movie_id,halves,at\n77,100,9,50\n77,7,10,60\n")
    more = job.model_copy(update={"rated": rated, "digest": "of it"})
    assert renew("content", more).result == "unchanged"
    again = renew("hybrid", more)
    assert (again.result, again.replaced_version) == ("promoted", first["hybrid"])
    assert 7 in load_taste(store.current("hybrid")).film_ids
    assert renew("hybrid", more).result == "unchanged"

    write_catalogue(tmp_path, more=2)
    assert renew("content", more).replaced_version == first["content"]


def test_somebody_who_went_back_stays_there(job: TrainingJob) -> None:
    store = ArtifactStore(job.artifacts_dir)
    first = renew("content", job).version
    assert renew("content", job.model_copy(update={"force": True})).version != first
    store.rollback("content")
    assert renew("content", job).version == first
    assert store.current_version("content") == first


def test_without_activation_nothing_is_served_and_nothing_is_noted(job: TrainingJob) -> None:
    made = renew("content", job.model_copy(update={"activate": False}))
    store = ArtifactStore(job.artifacts_dir)
    assert (made.result, store.current_version("content"), store.versions("content")) == ("made", None, [made.version])
    assert stamps.noted(job.var_dir, "content") == {}
    assert made.made_of is not None


def test_a_hybrid_worse_than_what_serves_is_kept_unserved_and_only_the_same_people_count(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(job.artifacts_dir)
    first = renew("hybrid", job)
    figures = dict(first.metrics)
    worse = Metric(value=figures[hybrid.NDCG].value - 2 * figures[hybrid.NDCG_HALF].value - 0.01, protocol="made up")
    lower = {
        **figures,
        hybrid.NDCG: worse,
        hybrid.SINGLE: Metric(value=worse.value - 0.01, protocol="made up"),
    }
    monkeypatch.setattr(hybrid, "measured", lambda _: lower)
    refused = renew("hybrid", job.model_copy(update={"force": True}))
    assert (refused.result, refused.replaced_version) == ("rejected", first.version)
    assert "below that of the model that serves" in refused.reason
    assert store.current_version("hybrid") == first.version
    assert refused.version in store.versions("hybrid")
    assert renew("hybrid", job).result == "unchanged", "the same data would fail again"

    other = write_ratings(tmp_path / "others", ratings_of(audience(70, seed=3)))
    assert renew("hybrid", job.model_copy(update={"folder": other})).result == "promoted"


def test_without_data_it_is_said_what_is_missing(job: TrainingJob) -> None:
    with pytest.raises(stamps.NothingToLearnFrom, match="folder with ratings"):
        renew("hybrid", job.model_copy(update={"folder": None}))
    job.merged_csv.unlink()
    with pytest.raises(stamps.NothingToLearnFrom, match=r"movies_merged\.csv: .*run the preprocessing first"):
        renew("content", job)


def test_where_no_ratings_came_with_the_data_those_given_here_are_learned_from(
    job: TrainingJob, tmp_path: Path
) -> None:
    rated = tmp_path / "rated.csv"
    lines = [f"{person},{film},{int(2 * stars)},{at}" for person, film, stars, at in ratings_of(audience(60))]
    rated.write_text("\n".join(["person,movie_id,halves,at", *lines, ""]))
    alone = job.model_copy(update={"folder": None, "rated": rated, "digest": "of it"})
    made = renew("hybrid", alone)
    assert (made.result, made.metrics["people"].value > 5) == ("promoted", True)
    assert renew("hybrid", alone).result == "unchanged"


def test_too_few_ratings_are_no_fault(job: TrainingJob, tmp_path: Path) -> None:
    few = write_ratings(tmp_path / "few", [(1, 100, 4.0, 1), (2, 101, 4.0, 2)])
    alone = job.model_copy(update={"folder": few})
    assert renew("hybrid", alone).result == "unchanged"
    again = renew("hybrid", alone)
    assert (again.result, again.reason) == ("unchanged", "there were too few ratings for a hybrid")
