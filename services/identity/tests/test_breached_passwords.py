"""Passwords that a set of breached ones holds, in the format in which such sets are given away."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine.identity.v1 import auth_pb2, auth_pb2_grpc
from cine_identity.app import IdentityApplication
from cine_identity.domain.breached import BreachedPasswords
from cine_identity.settings import IdentitySettings
from cinemesh.errors import Reason
from cinemesh.server import StartFailed
from cinemesh.testing import running

from .conftest import Desk

PASSED_ON = "seventeen marble otters"  # strong by every rule but this one


def line(password: str, count: str = ":3") -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper() + count


def write(path: Path, passwords: list[str], *, count: str = ":3", end: str = "\n") -> Path:
    path.write_bytes("".join(one + end for one in sorted(line(password, count) for password in passwords)).encode())
    return path


@given(
    held=st.lists(st.text(max_size=12), min_size=1, max_size=60, unique=True),
    others=st.lists(st.text(max_size=12), max_size=20),
    count=st.sampled_from(["", ":1", ":123456"]),
    end=st.sampled_from(["\n", "\r\n"]),
    cut=st.booleans(),
)
def test_it_holds_what_it_holds_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, held: list[str], others: list[str], count: str, end: str, cut: bool
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "breached.txt", held, count=count, end=end)
    if cut:  # the last line may end the file
        path.write_bytes(path.read_bytes().removesuffix(end.encode()))
    breached = BreachedPasswords(path)
    assert all(password in breached for password in held)
    assert [password in breached for password in others] == [password in held for password in others]
    breached.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"password\n", line("a").lower().encode() + b"\n", f"{'F' * 40}:1\n{'0' * 40}:1\n".encode()],
    ids=["empty", "plain words", "lower case", "out of order"],
)
def test_another_kind_of_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "breached.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"breached\.txt"):
        BreachedPasswords(path)


async def test_a_breached_password_opens_no_account(settings: IdentitySettings, tmp_path: Path) -> None:
    path = write(tmp_path / "breached.txt", [PASSED_ON, "another one"])
    app = IdentityApplication(settings.model_copy(update={"breached_passwords": path}))
    async with running(app) as identity:
        desk = Desk(identity)
        stub = identity.stub(auth_pb2_grpc.AuthServiceStub)
        request = auth_pb2.RegisterRequest(username="ada", email="ada@example.org", password=PASSED_ON)
        failure = await desk.refused(stub.Register(request))
        assert failure.reason is Reason.PASSWORD_WEAK
        assert list(failure.violations) == [("password", "is known from a data breach; choose another")]
        assert PASSED_ON not in failure.message
        await desk.apply("ada", password="sixteen marble otters")


async def test_a_file_that_cannot_be_used_stops_the_start(settings: IdentitySettings, tmp_path: Path) -> None:
    app = IdentityApplication(settings.model_copy(update={"breached_passwords": tmp_path / "missing.txt"}))
    with pytest.raises(StartFailed, match=r"CINE_IDENTITY_BREACHED_PASSWORDS.*missing\.txt"):
        async with running(app):
            pass
