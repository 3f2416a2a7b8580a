"""Letters leave: over a real SMTP server that is away, refuses, encrypts; from several replicas."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from cine_identity.mail import Letter, Writer
from cine_identity.mail.sender import Patience
from cine_identity.mail.smtp import Smtp
from cine_identity.mail.transports import Undelivered
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, letters
from cinemesh.db import Database
from cinemesh.errors import Unavailable

from .mail_server import PASSWORD, USER, MailServer, text_of
from .post_office import ADA, BOB, TOKEN, Replica, counted, emptied, queue, smtp, waiting


async def test_a_letter_leaves_at_once(database: Database, clock: Any, server: MailServer, replica: Replica) -> None:
    sender = await replica(smtp(server), patience=Patience(look=60.0))  # nobody looks by themselves meanwhile
    await asyncio.sleep(0.05)
    before = counted("sent")
    await queue(database, clock, ADA, sender=sender)
    await server.has(1)
    (message,) = server.of(ADA)
    assert f"https://films.example.org/#/reset?token={TOKEN}" in text_of(message)
    assert message["From"] == "CineAesthete <no-reply@example.org>" and message["To"] == ADA
    await emptied(database)
    assert counted("sent") == before + 1


async def test_one_connection_serves_what_waits(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    await queue(database, clock, *[f"person{n}@example.org" for n in range(20)])
    await replica(smtp(server))
    await server.has(20)
    await emptied(database)
    assert server.connections == 1 and len({to for to, _ in server.taken}) == 20


async def test_a_letter_undone_is_never_sent(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    sender = await replica(smtp(server))

    def undone(tx: Transaction) -> None:
        sender._post.queue(tx, Letter("account_enabled", ADA, "", {"username": "ada"}))
        raise Undelivered("undone")

    with pytest.raises(Undelivered):
        await database.write(undone)
    await queue(database, clock, BOB, sender=sender)
    await server.has(1)
    await emptied(database)
    assert [to for to, _ in server.taken] == [BOB]


async def test_a_server_that_is_away_gets_the_letters_when_it_is_back(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    await server.stop()
    sender = await replica(smtp(server))
    await queue(database, clock, ADA, BOB, sender=sender)
    async with asyncio.timeout(5):
        while True:
            try:
                await sender.probe()
            except Unavailable as away:
                assert "cannot be reached" in away.message
                break
            await asyncio.sleep(0.01)
    assert await waiting(database) == 2
    await server.start()
    await server.has(2)
    await emptied(database)
    assert sorted(to for to, _ in server.taken) == [ADA, BOB]
    assert (await sender.probe()).endswith("none; 0 waiting")


async def test_a_server_that_dies_with_the_connection_open(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    sender = await replica(smtp(server))
    await queue(database, clock, ADA, sender=sender)
    await server.has(1)
    await server.stop()
    await queue(database, clock, BOB, sender=sender)
    await asyncio.sleep(0.1)
    await server.start()
    await server.has(2)
    await emptied(database)
    assert [to for to, _ in server.taken] == [ADA, BOB]


@pytest.mark.parametrize("at", ["refusals", "answers"])
async def test_not_now_is_tried_again(
    database: Database, clock: Any, server: MailServer, replica: Replica, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    getattr(server, at)[ADA] = [f"451 4.7.1 <{ADA}> greylisted, come back"] * 2
    await queue(database, clock, ADA, BOB)
    await replica(smtp(server))
    await server.has(2)
    await emptied(database)
    assert [to for to, _ in server.taken] == [BOB, ADA]  # nobody waits for a letter that must
    log = capsys.readouterr().out
    assert log.count("451 4.7.1") == 2 and ADA not in log and TOKEN not in log


@pytest.mark.parametrize("at", ["refusals", "answers"])
async def test_never_is_dropped_with_a_line_that_names_no_address(
    database: Database, clock: Any, server: MailServer, replica: Replica, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    getattr(server, at)[ADA] = [f"550 5.1.1 <{ADA}> no such user"] * 9
    before = counted("dropped")
    await queue(database, clock, ADA, BOB)
    await replica(smtp(server))
    await emptied(database)
    assert [to for to, _ in server.taken] == [BOB]
    assert counted("dropped") == before + 1
    log = capsys.readouterr().out
    assert log.count("letter dropped") == 1 and "550 5.1.1" in log and "reset_password" in log
    assert ADA not in log and BOB not in log and TOKEN not in log and PASSWORD not in log


async def test_a_letter_is_given_up_after_a_day(
    database: Database, clock: Any, server: MailServer, replica: Replica, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals[ADA] = ["450 4.2.1 mailbox is busy"] * 1000
    sender = await replica(smtp(server))
    await queue(database, clock, ADA, sender=sender)
    async with asyncio.timeout(5):
        while len(server.refusals[ADA]) > 997:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert await waiting(database) == 1
    clock.forward(hours=23)
    await asyncio.sleep(0.5)
    assert await waiting(database) == 1
    clock.forward(hours=1.1)
    await emptied(database)
    assert capsys.readouterr().out.count("letter dropped") == 1 and server.taken == []


async def test_back_off_grows_to_its_longest() -> None:
    waits = [Patience().wait(attempts).total_seconds() for attempts in (1, 2, 3, 4, 5, 6, 100)]
    assert waits == [5, 15, 45, 135, 405, 900, 900]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encrypted_and_signed_in(
    database: Database, clock: Any, tmp_path: Path, replica: Replica, security: str
) -> None:
    # where the whole connection is encrypted, signing in is offered and not asked for: the test's server knows no more
    async with MailServer(security, tmp_path, sign_in=security == "starttls") as server:
        await replica(smtp(server, smtp_security=security, smtp_username=USER, smtp_password=PASSWORD))
        await queue(database, clock, ADA)
        await server.has(1)
        await emptied(database)
        assert server.encrypted == [True] and server.signed_in == [True]


async def deliver(transport: Smtp) -> None:
    message = Writer("https://films.example.org", "a@example.org").write(
        Letter("account_enabled", ADA, "", {"username": "ada"}), "01JABC", dt.datetime.now(dt.UTC)
    )
    try:
        await transport.deliver(message, "a@example.org", "name")
    finally:
        await transport.rest()


async def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    async with MailServer("starttls", tmp_path, sign_in=True) as server:
        transport = smtp(server, smtp_security="starttls", smtp_username=USER, smtp_password="not-the-password")
        with pytest.raises(Undelivered) as fault:
            await deliver(transport)
        assert not fault.value.for_good and not fault.value.alone
        assert "535" in fault.value.reason and "not-the-password" not in fault.value.reason
        with pytest.raises(Unavailable, match="535"):
            await transport.probe()
        assert server.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, security: str) -> None:
    async with MailServer(security, tmp_path) as server:
        settings = IdentitySettings.only(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security=security)
        with pytest.raises(Undelivered, match="cannot be trusted"):
            await deliver(Smtp(settings, answer_seconds=2.0))
        assert server.taken == []


async def test_a_server_without_encryption_gets_no_mail_when_it_is_wanted(server: MailServer) -> None:
    settings = IdentitySettings.only(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="starttls")
    with pytest.raises(Undelivered, match="lacks"):
        await deliver(Smtp(settings, answer_seconds=2.0))
    assert server.taken == []


async def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    settings = IdentitySettings.only(
        smtp_host="127.0.0.1", smtp_port=silent.sockets[0].getsockname()[1], smtp_security="none"
    )
    with pytest.raises(Undelivered, match="in time"):
        await deliver(Smtp(settings, answer_seconds=0.2))
    silent.close()
    await silent.wait_closed()
    await asyncio.sleep(0.01)


async def test_replicas_send_each_letter_once(
    store_url: str, database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    addresses = [f"person{n}@example.org" for n in range(60)]
    await queue(database, clock, *addresses)
    for _ in range(4):
        await replica(smtp(server))
    await server.has(60)
    await emptied(database)
    assert sorted(to for to, _ in server.taken) == sorted(addresses)


async def test_what_a_dead_replica_claimed_is_sent_by_another(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    await queue(database, clock, ADA)
    claimed = await database.write(lambda tx: letters.due(tx, clock(), 1, dt.timedelta(minutes=2)))
    assert len(claimed) == 1  # and then it died
    await replica(smtp(server))
    await asyncio.sleep(0.3)
    assert server.taken == []
    clock.forward(minutes=2, seconds=1)
    await server.has(1)
    await emptied(database)


async def test_a_letter_that_was_taken_is_not_sent_again_because_the_store_was_away(
    database: Database, clock: Any, server: MailServer, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([Unavailable("the store is away")])
    real = letters.remove

    def flaky(tx: Transaction, letter_id: str) -> None:
        for failure in failures:
            raise failure
        real(tx, letter_id)

    monkeypatch.setattr("cine_identity.store.letters.remove", flaky)
    await replica(smtp(server))
    await queue(database, clock, ADA)
    await server.has(1)
    await asyncio.sleep(0.3)
    assert await waiting(database) == 1
    clock.forward(minutes=2, seconds=1)
    await emptied(database)
    assert len(server.taken) == 1


async def test_another_master_secret_holds_letters_back_and_loses_none(
    database: Database, clock: Any, server: MailServer, replica: Replica, capsys: pytest.CaptureFixture[str]
) -> None:
    await queue(database, clock, ADA)
    wrong = await replica(smtp(server), secret=b"t" * 32)
    await queue(database, clock, BOB, secret=b"t" * 32)
    await server.has(1)
    await asyncio.sleep(0.1)
    await wrong.close()
    assert [to for to, _ in server.taken] == [BOB] and await waiting(database) == 1
    assert "another master secret" in capsys.readouterr().out
    await replica(smtp(server))
    await server.has(2)
    assert server.taken[-1][0] == ADA


async def test_stopping_lets_the_letter_in_hand_go(
    database: Database, clock: Any, server: MailServer, replica: Replica
) -> None:
    await queue(database, clock, *[f"person{n}@example.org" for n in range(10)])
    sender = await replica(smtp(server))
    await server.has(1)
    await sender.close()
    left = await waiting(database)
    assert len(server.taken) + left == 10 and left > 0
