"""Programs started as children: they go when we go, whoever they run as."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from cinemesh.as_child import as_child

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that a parent died")


def gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@on_linux
def test_a_child_goes_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    script = f"""
        import subprocess, time
        from cinemesh.as_child import as_child
        child = subprocess.Popen(as_child(["sleep", "60"]))
        open({str(told)!r}, "w").write(str(child.pid))
        time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    end = time.monotonic() + 20
    while not (told.exists() and told.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    child = int(told.read_text())
    time.sleep(0.3)  # until it has become `sleep`
    parent.kill()
    parent.wait()
    assert gone(child)


def test_the_program_keeps_its_arguments_status_and_process_id() -> None:
    code = "import os, sys; print(os.getpid(), sys.argv[1:]); sys.exit(7)"
    process = subprocess.Popen(as_child([sys.executable, "-c", code, "a b", "-"]), stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 7
    assert out == f"{process.pid} ['a b', '-']\n"


def test_a_program_that_is_not_there_is_said_plainly() -> None:
    done = subprocess.run(as_child(["/nowhere/at-all"]), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "/nowhere/at-all: No such file or directory\n"


@on_linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_as_another_user_it_has_their_rights_and_still_goes_with_us() -> None:
    code = "import os, ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(os.getuid(), os.getgid(), n.value)"
    # the interpreter may lie in a folder that only root can enter
    program = "/usr/bin/python3"
    if not Path(program).exists():
        pytest.skip("there is no interpreter that everybody may run")
    command = as_child([program, "-c", code], ending=signal.SIGINT, user="nobody")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    uid, gid, ending = map(int, done.stdout.split())
    assert uid != 0 and gid != 0 and ending == signal.SIGINT


@on_linux
def test_one_whose_parent_went_before_it_asked_does_not_begin() -> None:
    command = as_child(["true"])
    command[5] = "1"  # the parent it was told of: not ours
    assert subprocess.run(command, check=False).returncode == 128 + signal.SIGTERM
