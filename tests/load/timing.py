"""`make bench-timing`: whether the time of an answer tells who has an account.

One Identity as it is deployed (a process of its own, bcrypt 12), one client, one call at a time, in random order, each from another
address and about another account. For every pair of situations that must look alike the area under the ROC curve is printed of the
best classifier that knows the time alone: 0.5 is a coin, 0.55 the most that is accepted. With 400 tries each, a coin lands between
0.46 and 0.54 nineteen times of twenty.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from scipy.stats import rankdata
from ulid import ULID

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import auth_pb2_grpc
from cine_identity.domain.account import USER, Account
from cine_identity.domain.backoff import LONGEST_WAIT
from cine_identity.domain.hashing import Hasher
from cine_identity.domain.vault import Vault
from cine_identity.flows.hindrance import Hindrances
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, throttles
from cinemesh import topology
from cinemesh.db import Database, migrate
from cinemesh.testing import settings_for

PORT_BASE = 19450
PASSWORD = "seven quiet meadows"
ACCEPTED = 0.55
_WARM_UP = 20
_EXPECTED = {grpc.StatusCode.UNAUTHENTICATED}


@dataclass(frozen=True)
class Situation:
    """One kind of call: its group is what it must not be told apart from; `call` makes the nth of its kind."""

    group: str
    name: str
    call: Callable[[Any, int], Awaitable[Any]]


def login(kind: str, password: str) -> Callable[[Any, int], Awaitable[Any]]:
    """Returns sign-ins to the accounts of a kind."""

    async def call(auth: Any, number: int) -> None:
        request = pb.LoginRequest(username=f"{kind}{number}", password=password)
        try:
            await auth.Login(request, metadata=place())
        except grpc.aio.AioRpcError as error:
            if error.code() not in _EXPECTED:
                raise
        else:
            raise RuntimeError(f"{kind}{number} was let in")

    return call


def register(address: str) -> Callable[[Any, int], Awaitable[Any]]:
    """Returns registrations of the addresses of a kind, each with a name of its own."""

    async def call(auth: Any, number: int) -> None:
        request = pb.RegisterRequest(
            username=f"new-{address}{number}", email=f"{address}{number}@example.org", password=PASSWORD
        )
        await auth.Register(request, metadata=place())

    return call


def letter(method: str, request: Any, address: str) -> Callable[[Any, int], Awaitable[Any]]:
    """Returns wishes for letters to the addresses of a kind."""

    async def call(auth: Any, number: int) -> None:
        await getattr(auth, method)(request(email=f"{address}{number}@example.org"), metadata=place())

    return call


def place() -> tuple[tuple[str, str], ...]:
    """Returns another address each time, so that none is ever kept waiting."""
    octets = ".".join(str(random.randrange(1, 255)) for _ in range(3))
    return (("x-envoy-external-address", f"10.{octets}"), ("x-original-user-agent", "curl/8.5.0"))


SITUATIONS = (
    Situation("login", "unknown name", login("nobody", PASSWORD)),
    Situation("login", "wrong password", login("open", "not this one")),
    Situation("login", "kept waiting", login("waiting", PASSWORD)),
    Situation("login", "unverified", login("fresh", PASSWORD)),
    Situation("login", "disabled", login("closed", PASSWORD)),
    Situation("register", "address unknown", register("unseen")),
    Situation("register", "address known", register("known")),
    Situation("register", "address unverified", register("pending")),
    Situation("reset", "address unknown", letter("ForgotPassword", pb.ForgotPasswordRequest, "nobody")),
    Situation("reset", "address known", letter("ForgotPassword", pb.ForgotPasswordRequest, "forgot")),
    Situation("resend", "address unknown", letter("ResendVerification", pb.ResendVerificationRequest, "nobody")),
    Situation("resend", "address waits", letter("ResendVerification", pb.ResendVerificationRequest, "again")),
)


async def populate(settings: IdentitySettings, count: int, cost: int) -> None:
    """Puts the accounts of every kind into the store, with one password for all."""
    await asyncio.to_thread(migrate, settings.store_url, "cine_identity")
    vault = Vault(settings.master_secret())
    hashed = Hasher(vault.pepper, "bcrypt", cost).hash(PASSWORD)
    now = dt.datetime.now(dt.UTC)
    hindrances = Hindrances(vault)

    def fill(tx: Transaction) -> None:
        for number in range(count):
            for kind in ("open", "waiting", "fresh", "closed", "known", "pending", "forgot", "again"):
                account = Account(
                    user_id=str(ULID()),
                    username=f"{kind}{number}",
                    email=f"{kind}{number}@example.org",
                    email_verified=kind not in ("fresh", "pending", "again"),
                    password_hash=hashed,
                    roles=(USER,),
                    display_name=f"{kind}{number}",
                    locale="",
                    created_at=now,
                    disabled=kind == "closed",
                )
                accounts.insert(tx, account)
                if kind == "waiting":
                    key = hindrances.account_key(account.user_id)
                    throttles.fail(tx, key, 20, now, now + 8 * LONGEST_WAIT)

    async with Database(settings.store_url) as database:
        await database.write(fill)


def serve(var_dir: Path, cost: int) -> subprocess.Popen[bytes]:
    """Starts Identity."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CINE_")},
        "CINE_VAR_DIR": str(var_dir),
        "CINE_PORT_BASE": str(PORT_BASE),
        "CINE_LOG_LEVEL": "warning",
        "CINE_IDENTITY_BCRYPT_COST": str(cost),
    }
    return subprocess.Popen([sys.executable, "-m", "cine_identity"], env=environment, cwd=var_dir.parent)


async def measure(tries: int, groups: set[str]) -> dict[Situation, list[float]]:
    """Makes every call, in random order, and returns the milliseconds of each."""
    wanted = [situation for situation in SITUATIONS if situation.group in groups]
    times: dict[Situation, list[float]] = {situation: [] for situation in wanted}
    plan = [(situation, number) for situation in wanted for number in range(_WARM_UP, _WARM_UP + tries)]
    random.shuffle(plan)
    plan = [(situation, number) for number in range(_WARM_UP) for situation in wanted] + plan
    address = f"127.0.0.1:{topology.grpc_port('identity', PORT_BASE)}"
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
        auth: Any = auth_pb2_grpc.AuthServiceStub(channel)
        for _ in range(300):
            try:
                await auth.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)
        for situation, number in plan:
            began = time.perf_counter()
            await situation.call(auth, number)
            if number >= _WARM_UP:
                times[situation].append((time.perf_counter() - began) * 1000)
    return times


def area(one: list[float], other: list[float]) -> float:
    """Returns the area under the ROC curve of the better of the two directions, 0.5 to 1."""
    ranks = rankdata(np.array(one + other))
    wins = ranks[: len(one)].sum() - len(one) * (len(one) + 1) / 2
    share = float(wins / (len(one) * len(other)))
    return max(share, 1 - share)


def report(times: dict[Situation, list[float]]) -> float:
    """Prints everything and returns the largest area."""
    for situation, taken in times.items():
        middle, late = np.percentile(taken, 50), np.percentile(taken, 99)
        print(f"{situation.group:9} {situation.name:19} n={len(taken)}  p50 {middle:8.2f} ms  p99 {late:8.2f} ms")
    worst = 0.5
    listed = list(times)
    for index, one in enumerate(listed):
        for other in listed[index + 1 :]:
            if one.group == other.group:
                found = area(times[one], times[other])
                worst = max(worst, found)
                verdict = "" if found <= ACCEPTED else f"  above {ACCEPTED}"
                print(f"AUC {found:.3f}  {one.group}: {one.name} / {other.name}{verdict}")
    return worst


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=400, help="calls of each kind")
    parser.add_argument("--cost", type=int, default=12, help="cost of bcrypt; a low one shows more of what is left")
    groups = sorted({situation.group for situation in SITUATIONS})
    parser.add_argument("--only", choices=groups, action="append", help="one group of calls; may be repeated")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(IdentitySettings, Path(folder), bcrypt_cost=arguments.cost)
        settings.service_dir.mkdir(parents=True, exist_ok=True)
        asyncio.run(populate(settings, arguments.tries + _WARM_UP, arguments.cost))
        server = serve(settings.var_dir, arguments.cost)
        try:
            times = asyncio.run(measure(arguments.tries, set(arguments.only or groups)))
        finally:
            server.terminate()
            server.wait(30)
    print(f"largest AUC {report(times):.3f}, accepted {ACCEPTED}")


if __name__ == "__main__":
    main()
