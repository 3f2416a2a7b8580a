"""The client of the language model against a real server that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import BaseModel

from cine_recommender.language.ollama import Ollama, OllamaFault, safe_url

from .in_time import within
from .ollama_server import MODES, OllamaServer, ollama_server

SECONDS, PATIENT = 0.4, 20


class Greeting(BaseModel):
    words: str


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def asking(server: OllamaServer, clock: Clock | None = None, concurrency: int = 2) -> AsyncIterator[Ollama]:
    model = Ollama(server.url, "mistral", concurrency=concurrency, **({"clock": clock} if clock else {}))
    try:
        yield model
    finally:
        await model.close()


async def ask(model: Ollama, seconds: float = SECONDS) -> str:
    return (await model.ask("Be kind.", "Say hello.", Greeting, seconds=seconds)).words


async def test_it_asks_as_ollama_wants_to_be_asked() -> None:
    async with ollama_server(says=lambda *_: {"words": "hello"}) as server, asking(server) as model:
        assert await ask(model, PATIENT) == "hello"
        assert model.name == "ollama/mistral"
    (body,) = server.asked
    assert body["format"] == Greeting.model_json_schema()
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say hello."}]


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "right"])
async def test_whatever_goes_wrong_it_says_so_in_time(mode: str) -> None:
    async with ollama_server(says=lambda *_: {"words": "hello"}) as other, ollama_server(mode) as server:
        server.elsewhere = other.url
        async with asking(server) as model, within(SECONDS):
            with pytest.raises(OllamaFault):
                await ask(model)
        assert server.asked
        assert not other.asked


async def test_nobody_there_is_a_fault_too() -> None:
    async with ollama_server() as server:
        pass
    async with asking(server) as model:
        with pytest.raises(OllamaFault, match="does not answer"):
            await ask(model)


async def test_after_three_failures_it_is_left_in_peace_for_half_a_minute() -> None:
    clock = Clock()
    async with ollama_server("error", says=lambda *_: {"words": "hello"}) as server, asking(server, clock) as model:
        for _ in range(3):
            assert model.willing
            with pytest.raises(OllamaFault, match="500"):
                await ask(model, PATIENT)
        assert not model.willing
        clock.now += 29
        with pytest.raises(OllamaFault, match="not asked"):
            await ask(model)
        assert len(server.asked) == 3
        clock.now += 2
        with pytest.raises(OllamaFault, match="500"):
            await ask(model, PATIENT)
        with pytest.raises(OllamaFault, match="not asked"):  # one try decided
            await ask(model)
        assert len(server.asked) == 4
        server.mode = "right"
        clock.now += 31
        assert await ask(model, PATIENT) == "hello"
        server.mode = "error"
        with pytest.raises(OllamaFault, match="500"):
            await ask(model, PATIENT)
        assert model.willing  # a success wiped the slate


async def test_answers_that_were_no_use_count_as_failures() -> None:
    async with ollama_server(says=lambda *_: {"words": "hello"}) as server, asking(server, Clock()) as model:
        for _ in range(3):
            model.distrust("nonsense")
        with pytest.raises(OllamaFault, match="not asked"):
            await ask(model)
        assert not server.asked


async def test_no_more_questions_at_once_than_allowed() -> None:
    async with ollama_server("slow") as server, asking(server, concurrency=2) as model:
        waiting = [asyncio.create_task(ask(model)) for _ in range(2)]
        await asyncio.sleep(0.05)
        async with within(0):
            with pytest.raises(OllamaFault, match="busy"):
                await ask(model)
        await asyncio.gather(*waiting, return_exceptions=True)
        assert len(server.asked) == 2
        assert model.willing  # and the places are free again


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434",
        "http://localhost:11434/",
        "http://[::1]:11434",
        "http://192.168.1.20:11434",
        "http://ollama:11434",
        "https://ollama.example.org",
        "http://gpu.lan",
        "",
    ],
)
def test_addresses_that_may_be_asked(url: str) -> None:
    assert safe_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "ollama",
        "ftp://127.0.0.1",
        "http://",
        "http://user:secret@127.0.0.1",
        "http://8.8.8.8:11434",
        "http://ollama.example.org",
        "https://x?key=1",
        "http://127.0.0.1:99999",
        "https://ö.example",
        "http://127.0.0.1/#x",
    ],
)
def test_addresses_that_may_not(url: str) -> None:
    with pytest.raises(ValueError):
        safe_url(url)
