"""Artifacts: half-written and altered versions are refused, whatever moment a process dies at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cinemesh.artifacts import MANIFEST, Artifact, ArtifactCorrupt, ArtifactMissing, ArtifactStore, Metric

KIND = "content"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def publish(store: ArtifactStore, text: str, *, activate: bool = True, version: str | None = None) -> Artifact:
    with store.stage(KIND) as staged:
        (staged.path / "data.txt").write_text(text)
        (staged.path / "deep").mkdir()
        (staged.path / "deep" / "more.bin").write_bytes(text.encode() * 100)
        return staged.publish(
            fingerprint=f"sha256:{text}",
            parameters={"min_df": 2},
            metrics={"auc": Metric(value=0.5, protocol="a coin")},
            activate=activate,
            version=version,
        )


def test_a_published_version_is_served_with_its_manifest(store: ArtifactStore) -> None:
    published = publish(store, "one")
    current = ArtifactStore(store.root).current(KIND)
    assert current == published
    assert current.file("data.txt").read_text() == "one"
    assert current.manifest.fingerprint == "sha256:one"
    assert current.manifest.parameters == {"min_df": 2}
    assert current.manifest.metrics["auc"].protocol == "a coin"
    assert set(current.manifest.files) == {"data.txt", "deep/more.bin"}
    assert current.manifest.files["data.txt"].size == 3
    with pytest.raises(ArtifactCorrupt, match=r"unlisted\.npy"):
        current.file("unlisted.npy")


def test_nothing_published_is_missing(store: ArtifactStore) -> None:
    assert store.current_version(KIND) is None
    with pytest.raises(ArtifactMissing, match="content"):
        store.current(KIND)
    with pytest.raises(ArtifactMissing):
        store.newest_valid(KIND)
    with pytest.raises(ArtifactMissing):
        store.rollback(KIND)
    with pytest.raises(ArtifactMissing):
        store.get(KIND, "20260101")


@pytest.mark.parametrize("name", ["../etc", "Content", "a/b", "", ".hidden"])
def test_kinds_and_versions_cannot_leave_the_root(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ValueError, match="not a valid kind"):
        store.current(name)
    with pytest.raises(ValueError, match="not a valid version"):
        store.get(KIND, "../" + name)


def test_a_block_without_publish_leaves_nothing(store: ArtifactStore) -> None:
    with pytest.raises(RuntimeError, match="training broke"), store.stage(KIND) as staged:
        (staged.path / "data.txt").write_text("half")
        raise RuntimeError("training broke")
    assert [entry.name for entry in (store.root / KIND).iterdir()] == []


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["data.txt", "deep/more.bin", MANIFEST])
@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("already_served", [True, False])
def test_damage_is_refused_by_file_and_the_old_version_goes_on(
    store: ArtifactStore, file: str, damage: object, already_served: bool
) -> None:
    old, new = publish(store, "old"), publish(store, "new")
    reader = store if already_served else ArtifactStore(store.root)
    assert callable(damage)
    damage(new.path / file)
    try:
        reader.current(KIND)
    except ArtifactCorrupt as error:
        assert (error.kind, error.version, error.file) == (KIND, new.version, file)
        assert file in str(error)
    else:
        # A flipped bit in the manifest may fall into text that changes no meaning we check (a parameter's name).
        assert (file, damage) == (MANIFEST, flip_a_bit)
        return
    served, refused = reader.newest_valid(KIND)
    assert served == old
    assert [type(error) for error in refused] == [ArtifactCorrupt]


def test_a_manifest_that_points_outside_is_refused(store: ArtifactStore) -> None:
    new = publish(store, "new")
    manifest = json.loads((new.path / MANIFEST).read_text())
    manifest["files"]["../../secret"] = {"sha256": "0" * 64, "size": 0}
    (new.path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactCorrupt, match="leaves the folder"):
        store.current(KIND)


def test_a_version_copied_under_another_name_is_refused(store: ArtifactStore) -> None:
    new = publish(store, "new")
    new.path.rename(new.path.with_name("20990101"))
    with pytest.raises(ArtifactCorrupt, match="it describes content/"):
        store.get(KIND, "20990101")


def test_broken_pointer_is_named(store: ArtifactStore) -> None:
    publish(store, "new")
    (store.root / KIND / "current").write_text("../../etc/passwd\n")
    with pytest.raises(ArtifactCorrupt, match="current"):
        store.current(KIND)


def test_rollback_and_again(store: ArtifactStore) -> None:
    one, two = publish(store, "one"), publish(store, "two")
    assert store.rollback(KIND) == one
    assert store.current(KIND) == one
    assert store.rollback(KIND) == two, "the version rolled back from is the previous one now"
    truncate(one.path / "data.txt")
    with pytest.raises(ArtifactCorrupt):
        store.rollback(KIND)
    assert store.current(KIND) == two


def test_versions_are_never_overwritten(store: ArtifactStore) -> None:
    publish(store, "one", version="v1")
    with pytest.raises(FileExistsError, match="never overwritten"):
        publish(store, "two", version="v1")
    assert store.current(KIND).file("data.txt").read_text() == "one"


def test_prune_keeps_the_newest_the_current_and_the_previous(store: ArtifactStore) -> None:
    made = [publish(store, f"v{number}", version=f"v{number}") for number in range(6)]
    store.activate(KIND, "v0")  # current v0, previous v5
    abandoned = store.root / KIND / ".staging-of-a-dead-process"
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))
    fresh = store.root / KIND / ".staging-of-a-living-one"
    fresh.mkdir()
    assert store.prune(KIND, keep=3) == ["v1", "v2"]
    assert store.versions(KIND) == ["v0", "v3", "v4", "v5"]
    assert store.current(KIND) == made[0]
    assert not abandoned.exists()
    assert fresh.exists()


def test_reloading_an_unchanged_version_reads_no_file(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, "one")
    store.current(KIND)
    monkeypatch.setattr("cinemesh.artifacts._manifest.sha256_of", lambda path: pytest.fail(f"hashed {path} again"))
    store.current(KIND)


# The process is killed at the n-th call of a system call that changes the disk's entries or forces it.
KILLED = """
import os, signal, sys
from pathlib import Path
from cinemesh.artifacts import ArtifactStore
root, wanted = Path(sys.argv[1]), int(sys.argv[2])
calls = 0
def counted(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
os.fsync, os.rename, os.replace = counted(os.fsync), counted(os.rename), counted(os.replace)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
with ArtifactStore(root).stage("content") as staged:
    (staged.path / "data.txt").write_text("new")
    (staged.path / "other.txt").write_text("new")
    staged.publish(fingerprint="new", version="v2")
print("finished after", calls)
"""


def test_killed_between_any_two_steps_the_old_version_or_the_new_one_is_served(tmp_path: Path) -> None:
    seen: set[str] = set()
    for step in range(1, 60):
        store = ArtifactStore(tmp_path / str(step))
        with store.stage(KIND) as staged:
            for name in ("data.txt", "other.txt"):
                (staged.path / name).write_text("old")
            staged.publish(fingerprint="old", version="v1")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(store.root), str(step)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        served = store.current(KIND)
        texts = {served.file(name).read_text() for name in ("data.txt", "other.txt")}
        assert texts in ({"old"}, {"new"}), f"step {step}: a mixture"
        assert store.newest_valid(KIND)[1] == []
        seen |= texts
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        # What the dead process left is in nobody's way.
        with store.stage(KIND) as staged:
            (staged.path / "data.txt").write_text("third")
            staged.publish(fingerprint="third", version="v3")
        assert store.current(KIND).file("data.txt").read_text() == "third"
    else:
        pytest.fail("publishing never finished")
    assert seen == {"old", "new"}
    assert step > 8, "too few steps were interrupted for this test to mean anything"


def test_readers_see_only_whole_versions_while_a_writer_switches(store: ArtifactStore) -> None:
    publish(store, "start")
    stop = threading.Event()
    problems: list[str] = []
    reads = [0] * 4

    def read(reader: int) -> None:
        mine = ArtifactStore(store.root)
        while not stop.is_set():
            try:
                artifact = mine.current(KIND)
                text = artifact.file("data.txt").read_text()
                if artifact.file("deep/more.bin").read_bytes() != text.encode() * 100:
                    problems.append(f"{artifact.version}: files of two versions")
            except Exception as error:
                problems.append(repr(error))
            reads[reader] += 1

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(4)]
    for thread in threads:
        thread.start()
    for number in range(25):
        publish(store, f"text {number}")
        if number % 5 == 4:
            store.rollback(KIND)
            store.prune(KIND, keep=5)
    while min(reads) < 5:
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_two_writers_never_lose_a_version(store: ArtifactStore) -> None:
    def write(writer: int) -> None:
        for number in range(8):
            publish(ArtifactStore(store.root), f"{writer}.{number}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.versions(KIND)) == 24
    texts = {store.get(KIND, version).file("data.txt").read_text() for version in store.versions(KIND)}
    assert texts == {f"{writer}.{number}" for writer in range(3) for number in range(8)}
    assert store.current(KIND).version in store.versions(KIND)


def test_what_a_rollback_would_serve_is_known_beforehand(store: ArtifactStore) -> None:
    assert store.version_before(KIND) is None
    one = publish(store, "one")
    assert store.version_before(KIND) is None
    two = publish(store, "two")
    publish(store, "three", activate=False)
    for _ in range(2):
        expected = store.version_before(KIND)
        assert expected in (one.version, two.version)
        assert store.rollback(KIND).version == expected


def test_kinds_and_manifests_are_read_without_the_files(store: ArtifactStore) -> None:
    assert store.kinds() == []
    one = publish(store, "one")
    (store.root / "Not a kind").mkdir()
    assert store.kinds() == [KIND]
    one.file("data.txt").write_text("altered")
    assert store.manifest(KIND, one.version) == one.manifest
    (one.path / MANIFEST).write_text("{")
    with pytest.raises(ArtifactCorrupt, match=MANIFEST):
        store.manifest(KIND, one.version)
