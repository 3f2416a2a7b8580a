"""A newly published model is served; one that is damaged never is."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from cine_recommender.domain.variety import Variety
from cine_recommender.models import layout
from cine_recommender.models.content import load_content
from cine_recommender.models.served import ServedContent
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactCorrupt, ArtifactStore, describe
from cinemesh.errors import Reason, Unavailable

from .conftest import catalogue_rows, write_merged


def train(folder: Path, films: int) -> ArtifactStore:
    store = ArtifactStore(folder / "artifacts")
    train_content(write_merged(folder / "movies_merged.csv", catalogue_rows(films)), store)
    return store


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return train(tmp_path, 50)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


async def test_without_a_model_it_says_so_and_serves_the_first_one_published(tmp_path: Path) -> None:
    served = ServedContent(ArtifactStore(tmp_path / "artifacts"), Variety())
    assert not await served.refresh()
    assert served.loaded is None
    with pytest.raises(Unavailable) as caught:
        _ = served.serving
    assert caught.value.reason is Reason.MODEL_NOT_READY
    assert caught.value.retry_after
    train(tmp_path, 50)
    assert await served.refresh()
    assert len(served.serving.model) == 50


async def test_a_new_model_is_served_while_the_old_one_finishes_its_calls(tmp_path: Path, store: ArtifactStore) -> None:
    served = ServedContent(store, Variety())
    await served.refresh()
    old = served.serving.model
    watching = asyncio.create_task(served.watch(0.01))
    train(tmp_path, 60)
    async with asyncio.timeout(30):
        while len(served.serving.model) != 60:  # noqa: ASYNC110 - nothing to wait on: that is what is tested
            await asyncio.sleep(0.01)
    watching.cancel()
    assert len(old.cards.card(3)) > 0, "a call that began with the old model can end with it"
    store.rollback(layout.KIND)
    assert await served.refresh()
    assert len(served.serving.model) == 50


@pytest.mark.parametrize("file", [layout.SCORES, layout.CARDS, layout.NAMES, layout.RANKINGS])
async def test_a_damaged_model_is_refused_and_the_old_one_goes_on(
    tmp_path: Path, store: ArtifactStore, file: str
) -> None:
    served = ServedContent(ArtifactStore(store.root), Variety())
    await served.refresh()
    before = served.serving.model
    train(tmp_path, 60)
    flip_a_bit(store.current(layout.KIND).path / file)
    await served.refresh()
    assert served.serving.model is before
    assert "fails its checks" in served.serving.degraded_reason
    # and after a restart
    afresh = ServedContent(ArtifactStore(store.root), Variety())
    await afresh.refresh()
    assert len(afresh.serving.model) == 50
    # until a sound one is published
    train(tmp_path, 70)
    await served.refresh()
    assert (len(served.serving.model), served.serving.degraded_reason) == (70, "")


async def test_a_model_damaged_after_it_was_loaded_gives_way_to_the_one_before(
    tmp_path: Path, store: ArtifactStore
) -> None:
    train(tmp_path, 60)
    served = ServedContent(store, Variety())
    await served.refresh()
    assert len(served.serving.model) == 60
    damaged = store.current(layout.KIND).path / layout.YEARS
    replacement = damaged.with_suffix(".tmp")
    shutil.copy(damaged, replacement)
    flip_a_bit(replacement)
    replacement.replace(damaged)
    assert await served.refresh()
    assert len(served.serving.model) == 50


async def test_a_model_of_another_layout_is_refused(store: ArtifactStore) -> None:
    served = ServedContent(store, Variety())
    await served.refresh()
    before = served.serving.model
    with store.stage(layout.KIND) as staged:
        shutil.copytree(before_path(store), staged.path, dirs_exist_ok=True)
        (staged.path / "manifest.json").unlink()
        staged.publish(fingerprint="other", parameters={"layout": 99})
    with pytest.raises(ArtifactCorrupt, match="layout 99, this program reads"):
        load_content(store.current(layout.KIND))
    await served.refresh()
    assert served.serving.model is before
    fresh = ServedContent(store, Variety())
    await fresh.refresh()
    assert fresh.serving.model.version == before.version, "a restart goes back to it as well"


async def test_a_model_whose_files_do_not_fit_each_other_is_refused(store: ArtifactStore) -> None:
    artifact = store.current(layout.KIND)
    names = json.loads((artifact.path / layout.NAMES).read_text())
    del names["genre_sets"]
    (artifact.path / layout.NAMES).write_text(json.dumps(names))
    describe(
        artifact.path,
        kind=layout.KIND,
        version=artifact.version,
        fingerprint="checksums fit, content does not",
        parameters=artifact.manifest.parameters,
    )
    with pytest.raises(ArtifactCorrupt, match="genre_sets"):
        load_content(store.current(layout.KIND))
    served = ServedContent(store, Variety())
    await served.refresh()
    assert served.loaded is None


def before_path(store: ArtifactStore) -> Path:
    return store.current(layout.KIND).path
