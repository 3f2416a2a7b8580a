"""Page tokens: opaque, whole, and good for their own query only."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cinemesh.client import failure_of
from cinemesh.errors import InvalidArgument, Reason, Unavailable
from cinemesh.paging import PageTokens, page_size
from cinemesh.testing import running

TOKENS = PageTokens(b"k" * 32)


@pytest.mark.parametrize("position", [20, [4.5, 603], {"after": "Amélie", "id": 1}, None])
def test_a_token_brings_its_position_back(echo_contract: Any, position: Any) -> None:
    query = echo_contract.EchoRequest(text="matrix", tags=["a"], page_size=20)
    token = TOKENS.encode(position, query)
    assert len(token) < 500
    query.page_token = token
    assert TOKENS.decode(query) == position


def test_no_token_is_the_first_page(echo_contract: Any) -> None:
    assert TOKENS.decode(echo_contract.EchoRequest()) is None


def test_the_size_of_a_page_may_change_on_the_way(echo_contract: Any) -> None:
    token = TOKENS.encode(20, echo_contract.EchoRequest(text="a", page_size=20))
    assert TOKENS.decode(echo_contract.EchoRequest(text="a", page_size=50, page_token=token)) == 20


@pytest.mark.parametrize("changed", [{"text": "b"}, {"text": "a", "count": 1}, {"text": "a", "tags": ["x"]}])
def test_a_token_of_another_query_is_refused(echo_contract: Any, changed: dict[str, Any]) -> None:
    token = TOKENS.encode(20, echo_contract.EchoRequest(text="a"))
    with pytest.raises(InvalidArgument) as caught:
        TOKENS.decode(echo_contract.EchoRequest(page_token=token, **changed))
    assert caught.value.reason is Reason.INVALID_PAGE_TOKEN
    assert caught.value.violations[0][0] == "page_token"


def test_a_token_of_another_service_or_key_is_refused(echo_contract: Any, echo_settings: Any) -> None:
    query = echo_contract.EchoRequest(text="a")
    own = PageTokens.of(echo_settings)

    class Other(type(echo_settings)):  # type: ignore[misc]
        service = "ratings"

    for foreign in (TOKENS, PageTokens.of(Other.only(var_dir=echo_settings.var_dir))):
        query.page_token = foreign.encode(1, query)
        with pytest.raises(InvalidArgument):
            own.decode(query)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=st.one_of(
        st.text(min_size=1, max_size=60), st.binary(min_size=1).map(lambda b: base64.urlsafe_b64encode(b).decode())
    )
)
def test_anything_else_is_refused(echo_contract: Any, token: str) -> None:
    query = echo_contract.EchoRequest(text="a")
    try:
        query.page_token = token
    except (ValueError, UnicodeEncodeError):
        return  # lone surrogates never leave a client
    with pytest.raises(InvalidArgument):
        TOKENS.decode(query)


def test_one_altered_character_is_enough(echo_contract: Any) -> None:
    query = echo_contract.EchoRequest(text="a")
    token = TOKENS.encode({"offset": 40}, query)
    for place in range(len(token) - 1):  # the last character may carry unused bits
        altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        query.page_token = altered
        with pytest.raises(InvalidArgument):
            TOKENS.decode(query)


def test_the_key_is_a_setting_or_a_file(tmp_path: Path, echo_contract: Any, echo_settings: Any) -> None:
    query = echo_contract.EchoRequest(text="a")
    keyed = type(echo_settings).only(var_dir=tmp_path / "one", page_token_key=SecretStr("shared"))
    twin = type(echo_settings).only(var_dir=tmp_path / "two", page_token_key=SecretStr("shared"))
    query.page_token = PageTokens.of(keyed).encode(7, query)
    assert PageTokens.of(twin).decode(query) == 7
    with pytest.raises(Unavailable, match="CINE_PAGE_TOKEN_KEY"):
        PageTokens.of(type(echo_settings).only(var_dir=tmp_path / "three"))


async def test_on_the_wire_it_names_the_field(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def listing(request: Any, context: Any) -> Any:
        return echo_contract.EchoResponse(count=TOKENS.decode(request) or 0)

    app.on["list"] = listing
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="list", page_token="foreign"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = failure_of(caught.value)
    assert told.reason is Reason.INVALID_PAGE_TOKEN and told.violations[0][0] == "page_token"


def test_no_size_is_the_default() -> None:
    assert (page_size(0), page_size(7), page_size(0, 50)) == (20, 7, 50)
