"""Asks the running mesh over REST, as an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from cine_cli.output import Output

Told = dict[str, Any]
"""A message as REST gives it."""
_ASKING_SECONDS = 60.0


class Gateway:
    """The gateway; what goes wrong is said in plain words and ends the command.

    Args:
        output: where that is said.
        client: talks to it, with the token.
    """

    def __init__(self, output: Output, client: httpx.Client) -> None:
        self._output = output
        self._client = client

    def get(self, path: str) -> Told:
        """Returns the answer to a GET."""
        return self._ask("GET", path)

    def post(self, path: str, body: Told) -> Told:
        """Returns the answer to a POST."""
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **more: Any) -> Told:
        client = self._client
        try:
            answer = client.request(method, path, **more)
            told = answer.json()
        except httpx.HTTPError as error:
            self._output.fail(f"the gateway at {client.base_url} does not answer: {error}")
        except ValueError:
            self._output.fail(f"{client.base_url} is no gateway of this product: its answer is not JSON")
        if answer.status_code != httpx.codes.OK or not isinstance(told, dict):
            message = told.get("message") if isinstance(told, dict) else None
            self._output.fail(f"the mesh refuses: {message or answer.status_code}")
        return told


@contextmanager
def gateway(output: Output, url: str, token: str) -> Iterator[Gateway]:
    """Yields the gateway.

    Args:
        output: where faults are said.
        url: its address; empty for the public one.
        token: an administrator's access token.
    """
    from cine_recommender.settings import RecommenderSettings
    from cinemesh.settings import load

    address = url or load(RecommenderSettings).public_address
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=_ASKING_SECONDS, trust_env=False) as client:
        yield Gateway(output, client)
