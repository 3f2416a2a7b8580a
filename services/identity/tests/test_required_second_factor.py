"""Who must have a second factor: what a sign-in without one opens, what it takes to set one up, and that nobody gets around it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import jwt
import pyotp
import pytest

from cine.identity.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    second_factor_pb2,
    second_factor_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from cine_identity.app import IdentityApplication
from cine_identity.domain.account import ordered_roles
from cine_identity.domain.granted import Granted, Rule, granted
from cine_identity.domain.session import Session
from cine_identity.settings import IdentitySettings
from cinemesh.errors import Code, Reason
from cinemesh.testing import Running, running, settings_for

from .conftest import Desk, MovableClock

TOLD = (Code.PERMISSION_DENIED, Reason.SECOND_FACTOR_REQUIRED)


@pytest.fixture
def clock() -> MovableClock:
    """Returns a clock that is late, so that tests can move it: tokens of the future are good nowhere."""
    late = MovableClock()
    late.forward(minutes=-5)
    return late


@pytest.fixture
def settings(tmp_path: Path, store_url: str, request: pytest.FixtureRequest) -> IdentitySettings:
    return settings_of(tmp_path, store_url, getattr(request, "param", None))


def settings_of(folder: Path, store_url: str, rule: Rule | None) -> IdentitySettings:
    """Returns settings with a rule, or with what holds where none is set."""
    chosen: dict[str, Any] = {"second_factor": rule} if rule else {}
    return settings_for(
        IdentitySettings, folder, bcrypt_cost=4, database_url=store_url, admins=["ada@example.org"], **chosen
    )


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def opened(token: str) -> tuple[list[str], list[str], str]:
    """Returns the roles in a token, those withheld from it, and its type."""
    said = claims(token)
    return said["roles"], said.get("withheld", []), jwt.get_unverified_header(token)["typ"]


class Calls:
    """Calls that need a person, an administrator, or neither."""

    def __init__(self, identity: Running, desk: Any) -> None:
        self.desk = desk
        self.admin: Any = identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)
        self.factor: Any = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
        self.users: Any = identity.stub(users_pb2_grpc.UserServiceStub)

    def profile(self, tokens: Any) -> Any:
        return self.users.GetProfile(users_pb2.GetProfileRequest(), metadata=self.desk.bearer(tokens.access_token))

    def list_users(self, tokens: Any) -> Any:
        return self.admin.ListUsers(admin_pb2.ListUsersRequest(), metadata=self.desk.bearer(tokens.access_token))

    async def set_up(self, tokens: Any, clock: Any) -> tuple[pyotp.TOTP, list[str]]:
        """Turns the second factor on; returns the app and the recovery codes."""
        metadata = self.desk.bearer(tokens.access_token)
        enrol = second_factor_pb2.EnrolTotpRequest(password=self.desk.password)
        app = pyotp.TOTP((await self.factor.EnrolTotp(enrol, metadata=metadata)).secret)
        confirm = second_factor_pb2.ConfirmTotpRequest(code=app.at(clock()))
        return app, list((await self.factor.ConfirmTotp(confirm, metadata=metadata)).recovery_codes)

    async def login_with(self, username: str, **proof: str) -> Any:
        """Signs in by password and second factor."""
        asked = await self.desk.login(username)
        assert asked.second_factor_required and not asked.access_token
        request = auth_pb2.VerifySecondFactorRequest(second_factor_token=asked.second_factor_token, **proof)
        return await self.desk.auth.VerifySecondFactor(request, metadata=self.desk.home)


@pytest.fixture
def calls(identity: Running, desk: Any) -> Calls:
    return Calls(identity, desk)


async def told(call: Any, desk: Any) -> tuple[Code, Reason]:
    failure = await desk.refused(call)
    return failure.code, failure.reason


async def test_an_administrator_administers_once_signed_in_with_a_second_factor(
    desk: Any, calls: Calls, clock: Any
) -> None:
    await desk.join("Ada")
    first = await desk.login("Ada")
    assert first.second_factor_missing and not first.second_factor_required
    assert opened(first.access_token) == (["user"], ["admin"], "at+jwt")
    assert await told(calls.list_users(first), desk) == TOLD
    assert (await calls.profile(first)).username == "Ada"  # the rest is open as to anybody
    renewed = await desk.refresh(first.refresh_token)
    assert opened(renewed.access_token) == (["user"], ["admin"], "at+jwt")
    me = await desk.me(first)
    assert (list(me.roles), list(me.withheld_roles)) == (["user"], ["admin"])
    assert (me.second_factor_missing, me.second_factor_enabled) == (True, False)

    app, codes = await calls.set_up(first, clock)
    assert await told(calls.list_users(first), desk) == TOLD  # this session showed none
    me = await desk.me(first)
    assert (me.second_factor_missing, me.second_factor_enabled) == (True, True)
    clock.forward(seconds=30)
    second = await calls.login_with("Ada", code=app.at(clock()))
    assert opened(second.access_token) == (["user", "admin"], [], "at+jwt")
    assert [user.username for user in (await calls.list_users(second)).users] == ["Ada"]
    me = await desk.me(second)
    assert (list(me.roles), list(me.withheld_roles), me.second_factor_missing) == (["user", "admin"], [], False)
    assert await calls.list_users(await desk.refresh(second.refresh_token))
    assert await calls.list_users(await calls.login_with("Ada", recovery_code=codes[0]))
    assert await desk.audited("login") == [
        ("ok", "password, second factor: missing"),
        ("ok", "password, second factor: totp"),
        ("ok", "password, second factor: recovery_code"),
    ]


async def test_people_who_are_no_administrators_do_with_a_password(desk: Any, calls: Calls) -> None:
    await desk.join("Bob")
    tokens = await desk.login("Bob")
    assert (tokens.second_factor_missing, opened(tokens.access_token)) == (False, (["user"], [], "at+jwt"))
    assert await told(calls.list_users(tokens), desk) == (Code.PERMISSION_DENIED, Reason.ACCESS_DENIED)
    me = await desk.me(tokens)
    assert (me.second_factor_missing, list(me.withheld_roles)) == (False, [])


async def test_a_role_that_comes_later_is_withheld_from_sessions_without_a_second_factor(
    desk: Any, calls: Calls, people: Any, clock: Any
) -> None:
    root = await people.join("Root", "admin")
    for name in ("Bob", "Eve"):
        await desk.join(name)
    bob, eve = await desk.login("Bob"), await desk.login("Eve")
    app, _ = await calls.set_up(eve, clock)
    clock.forward(seconds=30)
    eve = await calls.login_with("Eve", code=app.at(clock()))
    for one in (bob, eve):
        request = admin_pb2.SetRolesRequest(user_id=one.user_id, roles=["user", "admin"])
        await calls.admin.SetRoles(request, metadata=root.metadata)
    assert opened((await desk.refresh(bob.refresh_token)).access_token) == (["user"], ["admin"], "at+jwt")
    assert opened((await desk.refresh(eve.refresh_token)).access_token) == (["user", "admin"], [], "at+jwt")


async def test_a_session_from_before_the_factor_adds_none_takes_none_off_and_deletes_nothing(
    desk: Any, calls: Calls, people: Any, clock: Any
) -> None:
    """Whoever has learnt the password and signed in first would otherwise get in for good with a factor of their own."""
    await people.join("Root", "admin")
    await desk.join("Ada")
    old, new = await desk.login("Ada"), await desk.login("Ada", at=desk.elsewhere)
    metadata = desk.bearer(old.access_token)
    waiting = await calls.factor.EnrolTotp(
        second_factor_pb2.EnrolTotpRequest(password=desk.password), metadata=metadata
    )
    app, _ = await calls.set_up(new, clock)
    confirm = second_factor_pb2.ConfirmTotpRequest(code=pyotp.TOTP(waiting.secret).at(clock()))
    assert (await desk.refused(calls.factor.ConfirmTotp(confirm, metadata=metadata))).code is Code.FAILED_PRECONDITION
    clock.forward(seconds=30)
    leave = users_pb2.DeleteAccountRequest(confirm_username="Ada", password=desk.password, code=app.at(clock()))
    assert await told(calls.users.DeleteAccount(leave, metadata=metadata), desk) == TOLD
    tokens = await calls.login_with("Ada", code=app.at(clock()))
    assert await calls.list_users(tokens)
    clock.forward(seconds=30)
    leave.code = app.at(clock())
    assert await calls.users.DeleteAccount(leave, metadata=desk.bearer(tokens.access_token))


async def test_turned_off_it_has_to_be_set_up_again_at_the_next_sign_in(desk: Any, calls: Calls, clock: Any) -> None:
    await desk.join("Ada")
    app, _ = await calls.set_up(await desk.login("Ada"), clock)
    clock.forward(seconds=30)
    tokens = await calls.login_with("Ada", code=app.at(clock()))
    clock.forward(seconds=30)
    off = second_factor_pb2.DisableTotpRequest(code=app.at(clock()))
    await calls.factor.DisableTotp(off, metadata=desk.bearer(tokens.access_token))
    assert await calls.list_users(tokens)  # who it is was proven by two factors
    assert await told(calls.list_users(await desk.login("Ada")), desk) == TOLD


@pytest.mark.parametrize("settings", ["optional"], indirect=True)
async def test_where_it_is_optional_a_password_makes_an_administrator(desk: Any, calls: Calls) -> None:
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    assert (tokens.second_factor_missing, opened(tokens.access_token)[0]) == (False, ["user", "admin"])
    assert await calls.list_users(tokens)


@pytest.mark.parametrize("settings", ["everyone"], indirect=True)
class TestEveryone:
    """Where everybody must have one."""

    async def test_without_one_nothing_opens_but_setting_it_up(self, desk: Any, calls: Calls, clock: Any) -> None:
        await desk.join("Bob")
        first = await desk.login("Bob")
        assert (first.second_factor_missing, opened(first.access_token)) == (True, ([], ["user"], "setup+jwt"))
        metadata = desk.bearer(first.access_token)
        password = auth_pb2.ChangePasswordRequest(current_password=desk.password, new_password="nine loud rivers 4")
        leave = users_pb2.DeleteAccountRequest(confirm_username="Bob", password=desk.password)
        for call in (
            calls.profile(first),
            desk.auth.ChangePassword(password, metadata=metadata),
            calls.users.DeleteAccount(leave, metadata=metadata),
            calls.factor.DisableTotp(second_factor_pb2.DisableTotpRequest(code="123456"), metadata=metadata),
        ):
            assert await told(call, desk) == TOLD
        # what anybody may see is there, and no more of it
        public = users_pb2.GetPublicProfileRequest(username="Bob")
        assert (await calls.users.GetPublicProfile(public, metadata=metadata)).username == "Bob"
        me = await desk.me(first)
        assert (me.username, list(me.roles), list(me.withheld_roles)) == ("Bob", [], ["user"])
        assert me.second_factor_missing
        renewed = await desk.refresh(first.refresh_token)
        assert opened(renewed.access_token) == ([], ["user"], "setup+jwt")

        app, _ = await calls.set_up(renewed, clock)
        assert await told(calls.profile(renewed), desk) == TOLD
        clock.forward(seconds=30)
        second = await calls.login_with("Bob", code=app.at(clock()))
        assert opened(second.access_token) == (["user"], [], "at+jwt")
        assert (await calls.profile(second)).username == "Bob"

    async def test_one_can_sign_out_with_the_access_token(self, desk: Any) -> None:
        await desk.join("Bob")
        tokens = await desk.login("Bob")
        await desk.auth.Logout(auth_pb2.LogoutRequest(), metadata=desk.bearer(tokens.access_token))
        assert (await desk.refused(desk.me(tokens))).reason is Reason.TOKEN_REVOKED
        assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_REVOKED


async def test_another_rule_counts_for_sessions_that_are_there(tmp_path: Path, store_url: str, clock: Any) -> None:
    seen: list[tuple[str, Any]] = []
    tokens: Any = None
    rules: tuple[Rule, ...] = ("optional", "everyone", "administrators", "optional")
    for rule in rules:
        async with running(IdentityApplication(settings_of(tmp_path, store_url, rule), clock=clock)) as server:
            desk = Desk(server)
            if tokens is None:
                await desk.join("Ada")
                tokens = await desk.login("Ada")
            else:
                # a token of the rule before is no good any more: browsers refresh unseen
                assert (await desk.refused(desk.me(tokens))).reason is Reason.TOKEN_REVOKED
                tokens = await desk.refresh(tokens.refresh_token)
            seen.append((rule, opened(tokens.access_token)))
            assert (await desk.me(tokens)).username == "Ada"
    assert seen == [
        ("optional", (["user", "admin"], [], "at+jwt")),
        ("everyone", ([], ["user", "admin"], "setup+jwt")),
        ("administrators", (["user"], ["admin"], "at+jwt")),
        ("optional", (["user", "admin"], [], "at+jwt")),
    ]


@pytest.mark.parametrize(
    ("method", "factor", "complete"),
    [
        ("password", "", False),
        ("google", "", False),
        ("password", "totp", True),
        ("password", "recovery_code", True),
        ("password", "passkey", True),
        ("acme", "passkey", True),
        ("passkey", "", True),
    ],
)
@pytest.mark.parametrize("rule", ["optional", "administrators", "everyone"])
@pytest.mark.parametrize("roles", [("user",), ("user", "premium"), ("user", "admin"), ("user", "premium", "admin")])
def test_what_is_granted(rule: Rule, roles: tuple[str, ...], method: str, factor: str, complete: bool) -> None:
    now = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
    session = Session(
        session_id="s", user_id="u", generation=0, nonce="n", refresh_digest="d", rotated_at=now, method=method,
        device_name="", ip_address="", user_agent="", created_at=now, last_used_at=now, expires_at=now, second_factor=factor,
    )  # fmt: skip
    found = granted(rule, roles, session)
    assert ordered_roles({*found.roles, *found.withheld}) == roles
    if complete or rule == "optional" or (rule == "administrators" and "admin" not in roles):
        assert found == Granted(roles)
    elif rule == "everyone":
        assert (found.setup_only, found.withheld) == (True, roles)
    else:
        assert (found.roles, found.withheld) == (roles[:-1], ("admin",))


def test_the_rule_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert IdentitySettings(_env_file=None).second_factor == "administrators"
    monkeypatch.setenv("CINE_IDENTITY_SECOND_FACTOR", "everyone")
    assert IdentitySettings(_env_file=None).second_factor == "everyone"
    monkeypatch.setenv("CINE_IDENTITY_SECOND_FACTOR", "nobody")
    with pytest.raises(ValueError, match="second_factor"):
        IdentitySettings(_env_file=None)
