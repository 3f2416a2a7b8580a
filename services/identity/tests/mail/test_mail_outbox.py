"""Letters where there is no mail server, and those of a whole server of ours."""

from __future__ import annotations

import asyncio
import email
import email.policy
import stat
from pathlib import Path
from typing import Any

import pytest

from cine_identity.mail import Letter, transport_for
from cine_identity.mail.transports import Folder
from cine_identity.settings import IdentitySettings
from cinemesh.db import Database
from cinemesh.errors import Unavailable
from cinemesh.testing import Running, running

from .mail_server import MailServer
from .post_office import ADA, BOB, TOKEN, Replica, emptied, queue


async def test_a_message_becomes_a_file_of_its_owner_alone(
    database: Database, clock: Any, tmp_path: Path, replica: Replica, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = tmp_path / "var" / "outbox"
    sender = await replica(Folder(outbox))
    for address in (ADA, BOB):
        await queue(database, clock, address, sender=sender)
    await emptied(database)
    first, second = sorted(outbox.iterdir())
    assert [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)["To"] for file in (first, second)
    ] == [
        ADA,
        BOB,
    ]
    assert "-reset_password-" in first.name and first.name.endswith(".eml") and first.name[:8].isdigit()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600 and stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert f"token={TOKEN}" in first.read_text()  # in one piece, for people who open it with anything
    log = capsys.readouterr().out
    assert str(first) in log and ADA not in log and TOKEN not in log
    assert "written to the outbox" in await sender.probe()


async def test_an_outbox_that_cannot_be_written_is_tried_again(
    database: Database, clock: Any, tmp_path: Path, replica: Replica
) -> None:
    outbox = tmp_path / "outbox"
    outbox.write_text("in the way")
    sender = await replica(Folder(outbox))
    await queue(database, clock, ADA, sender=sender)
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable, match="outbox"):
        await sender.probe()
    outbox.unlink()
    await emptied(database)
    assert len(list(outbox.iterdir())) == 1


def test_production_without_a_mail_server_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = IdentitySettings.only(
        environment="production", secret_key="ab" * 32, jwks=["keys.json"], var_dir=tmp_path
    )
    assert isinstance(transport_for(settings), Folder)
    assert "CINE_IDENTITY_SMTP_HOST" in capsys.readouterr().out


async def test_a_server_of_ours_sends_and_tells_its_state(identity: Running) -> None:
    app: Any = identity.app
    await app.database.write(lambda tx: app.post.queue(tx, Letter("account_enabled", ADA, "", {"username": "ada"})))
    await emptied(app.database)
    (file,) = app.settings.outbox_dir.glob("*-account_enabled-*.eml")
    assert b"is open again" in file.read_bytes()
    probe = (await app.probes())["mail"]
    assert not probe.required and "0 waiting" in await probe.check()


async def test_a_restart_sends_what_waited(settings: IdentitySettings, clock: Any, server: MailServer) -> None:
    from cine_identity.app import IdentityApplication

    to_server = settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    )
    await server.stop()
    async with running(IdentityApplication(to_server, clock=clock)) as first:
        app: Any = first.app
        await app.database.write(lambda tx: app.post.queue(tx, Letter("account_enabled", ADA, "", {"username": "ada"})))
        with pytest.raises(Unavailable):
            await (await app.probes())["mail"].check()
    await server.start()
    clock.forward(seconds=30)
    async with running(IdentityApplication(to_server, clock=clock)):
        await server.has(1)
