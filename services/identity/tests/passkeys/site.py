"""The passkey calls as a page makes them, and what refusals tell."""

from __future__ import annotations

import datetime as dt
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf import json_format, struct_pb2

from cine.identity.v1 import passkeys_pb2 as pb
from cine.identity.v1 import passkeys_pb2_grpc, second_factor_pb2_grpc
from cine_identity.domain.session import Visit
from cine_identity.keys.ring import SigningKey
from cine_identity.store import Transaction, accounts, sessions
from cine_identity.store.schema import audit
from cinemesh.errors import CineError, Code, Reason
from cinemesh.keys import new_ed25519_jwk
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running

from .authenticator import Device

NOTHING_TOLD = (
    Code.UNAUTHENTICATED,
    Reason.CREDENTIALS_INVALID,
    "the passkey is not right, or the account is not open",
)


class Site:
    """The calls, as a page makes them."""

    def __init__(self, identity: Running, clock: Any) -> None:
        self.app: Any = identity.app
        self.stub = identity.stub(passkeys_pb2_grpc.PasskeyServiceStub)
        self.factor = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
        if not self.app.keys.keys:
            private = dict(new_ed25519_jwk("test"))
            since = clock() - dt.timedelta(days=1)
            self.app.keys.replace([SigningKey("test", {"kid": "test"}, jwt.PyJWK(private), since)])

    async def begin_adding(self, person: Any) -> tuple[str, dict[str, Any]]:
        answer = await self.stub.BeginPasskeyRegistration(
            pb.BeginPasskeyRegistrationRequest(), metadata=person.metadata
        )
        return answer.ceremony_id, json_format.MessageToDict(answer.public_key)

    async def finish_adding(self, person: Any, ceremony: str, credential: dict[str, Any], name: str = "") -> Any:
        request = pb.FinishPasskeyRegistrationRequest(ceremony_id=ceremony, credential=struct(credential), name=name)
        return await self.stub.FinishPasskeyRegistration(request, metadata=person.metadata)

    async def add(self, person: Any, device: Device, name: str = "") -> Any:
        ceremony, options = await self.begin_adding(person)
        return await self.finish_adding(person, ceremony, device.create(options), name)

    async def begin(self, name: str = "", token: str = "") -> tuple[str, dict[str, Any]]:
        request = pb.BeginPasskeyLoginRequest(username=name, second_factor_token=token)
        answer = await self.stub.BeginPasskeyLogin(request)
        return answer.ceremony_id, json_format.MessageToDict(answer.public_key)

    async def finish(self, ceremony: str, credential: dict[str, Any], **more: Any) -> Any:
        request = pb.FinishPasskeyLoginRequest(ceremony_id=ceremony, credential=struct(credential), **more)
        return await self.stub.FinishPasskeyLogin(request, metadata=(("user-agent", "test"),))

    async def sign_in(self, device: Device, name: str = "") -> Any:
        ceremony, options = await self.begin(name)
        return await self.finish(ceremony, device.get(options))

    async def held(self, person: Any) -> list[Any]:
        return list((await self.stub.ListPasskeys(pb.ListPasskeysRequest(), metadata=person.metadata)).passkeys)

    async def remove(self, person: Any, passkey_id: str) -> None:
        await self.stub.DeletePasskey(pb.DeletePasskeyRequest(passkey_id=passkey_id), metadata=person.metadata)

    async def challenge(self, person: Any, method: str = "password") -> str:
        """Returns the token of a sign-in that waits for its second factor."""

        def ask(tx: Transaction) -> str:
            account = accounts.by_id(tx, person.user_id)
            methods = self.app.second_factors.methods(tx, account)
            token: str = self.app.issuer.challenge(tx, account, method, methods, Visit(device_name="Den")).token
            return token

        token: str = await self.app.database.write(ask)
        return token

    async def session(self, session_id: str) -> Any:
        return await self.app.database.read(lambda tx: sessions.by_id(tx, session_id))

    async def change(self, person: Any, **fields: Any) -> None:
        await self.app.database.write(lambda tx: accounts.update(tx, person.user_id, **fields))

    async def refusals(self) -> list[str]:
        def read(tx: Transaction) -> list[str]:
            rows = tx.execute(audit.select().where(audit.c.outcome != "ok").order_by(audit.c.audit_id))
            return [row.outcome for row in rows]

        found: list[str] = await self.app.database.read(read)
        return found


def struct(document: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(document, struct_pb2.Struct())


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


def told(failure: CineError) -> tuple[Code, Reason, str]:
    return failure.code, failure.reason, failure.message
