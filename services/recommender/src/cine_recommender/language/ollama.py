"""Asks a language model over Ollama's HTTP API: little, briefly, and never anybody but the address configured.

Whatever comes back is text from a stranger: it is bounded here, and believed by nobody before it was checked (`reading`, `wording`,
`digest`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from prometheus_client import Counter
from pydantic import BaseModel

from cinemesh import telemetry

M = TypeVar("M", bound=BaseModel)
MOST_BYTES: Final = 64 * 1024
_FAILURES: Final = 3
_PAUSE_SECONDS: Final = 30.0
_ANSWERS: Final = Counter(
    "cine_recommender_ollama_answers_total",
    "What became of questions to the language model: `right`, why its answer was not used, or why it was not asked.",
    ["outcome"],
    registry=telemetry.REGISTRY,
)


class OllamaFault(Exception):
    """The language model gave nothing that can be used; the message says why, in words that may be logged."""


def safe_url(url: str) -> str:
    """Returns the address of an Ollama server without a slash at its end; an empty one stays empty.

    Raises:
        ValueError: it is no plain http or https address, or plain http would carry people's words over the internet.
    """
    if not url.strip():
        return ""
    parts = urlsplit(url.strip())
    host, _ = parts.hostname, parts.port
    if parts.scheme not in ("http", "https") or not host or not url.isascii():
        raise ValueError("must be an address such as http://127.0.0.1:11434")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must hold no name, password, query or fragment")
    if parts.scheme == "http" and not _near(host):
        raise ValueError("must be https, unless the server is on this machine or in a private network")
    return url.strip().rstrip("/")


def _near(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # a name without a dot is one of this machine or of a container network
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".home.arpa", ".localhost"))
    return address.is_loopback or address.is_private or address.is_link_local


class Ollama:
    """A language model behind Ollama's `/api/chat`.

    After three answers in a row that could not be used, nothing is asked for half a minute; then one question decides.

    Args:
        url: as `safe_url` returns it.
        model: name of the model there, such as "mistral".
        concurrency: questions at once; more are refused, not queued, for nobody waits that long.
        clock: seconds that never jump.
    """

    def __init__(
        self, url: str, model: str, *, concurrency: int = 2, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = f"ollama/{model}"
        self._url, self._model = f"{url}/api/chat", model
        self._free = concurrency
        self._clock = clock
        self._failures, self._paused_until = 0, -_PAUSE_SECONDS
        self._log = telemetry.logger("recommender")
        self._http = httpx.AsyncClient(
            follow_redirects=False,  # a redirect would carry people's words elsewhere
            trust_env=False,  # so would a proxy of the environment
            timeout=None,  # of the whole, below
            limits=httpx.Limits(max_connections=concurrency),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "CineAesthete"},
        )

    @property
    def willing(self) -> bool:
        """Whether a question asked now would be sent."""
        return self._free > 0 and self._clock() >= self._paused_until

    async def ask(
        self, system: str, question: str, answer: type[M], *, seconds: float, schema: Mapping[str, Any] | None = None
    ) -> M:
        """Asks one question.

        Args:
            system: what the model is to do.
            question: what to do it with.
            answer: what its answer must be.
            seconds: time for all of it.
            schema: JSON schema of the answer; that of `answer` when None.

        Raises:
            OllamaFault: it did not answer in time, or answered something else, or is not asked for now.
        """
        if not self.willing:
            _ANSWERS.labels("not_asked").inc()
            raise OllamaFault("is not asked for now: it was no help lately, or is busy")
        if self._failures >= _FAILURES:
            self._paused_until = self._clock() + _PAUSE_SECONDS  # others wait for what this one finds
        self._free -= 1
        try:
            async with asyncio.timeout(seconds):
                found = answer.model_validate_json(
                    await self._read(system, question, schema or answer.model_json_schema())
                )
        except (httpx.HTTPError, TimeoutError):
            raise self._fault("does not answer", "away") from None
        except OllamaFault as fault:
            raise self._fault(str(fault), "broken") from None
        except (ValueError, RecursionError):  # of pydantic, or of text that is none
            raise self._fault("answers something else than was asked", "invalid") from None
        finally:
            self._free += 1
        self._failures, self._paused_until = 0, -_PAUSE_SECONDS
        _ANSWERS.labels("right").inc()
        return found

    def distrust(self, why: str) -> None:
        """Notes that an answer was well formed and still not to be used."""
        self._fault(why, "refused")

    async def close(self) -> None:
        """Ends connections."""
        await self._http.aclose()

    def _fault(self, why: str, outcome: str) -> OllamaFault:
        _ANSWERS.labels(outcome).inc()
        self._failures += 1
        if self._failures >= _FAILURES:
            self._paused_until = self._clock() + _PAUSE_SECONDS
        self._log.warning("ollama_unusable", why=why, model=self._model, failures=self._failures)
        return OllamaFault(why)

    async def _read(self, system: str, question: str, schema: Mapping[str, Any]) -> str:
        """Returns the text of the model's message."""
        asked = {
            "model": self._model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}],
            "format": schema,
            "stream": False,
            "options": {"temperature": 0, "num_predict": 2048},
        }
        body = bytearray()
        async with self._http.stream("POST", self._url, json=asked) as response:
            if response.status_code != httpx.codes.OK:
                raise OllamaFault(f"answers with {response.status_code}")
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    raise OllamaFault("answers too much")
        try:
            message = json.loads(body)["message"]["content"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise OllamaFault("answers no chat message") from None
        if not isinstance(message, str):
            raise OllamaFault("answers no text")
        return message
