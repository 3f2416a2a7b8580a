"""Words reasons: by template at once, by the language model from the next answer on.

A person waits for films, not for phrases: an answer never waits for the model. What the model made of some facts is kept by these
facts, and the model is asked in the background, once for a whole page.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.language.explain import ExplanationFacts, sentence
from cine_recommender.language.known import NamedFilm
from cine_recommender.language.ollama import Ollama, OllamaFault
from cine_recommender.language.plain import content_words, grounded, objection, strange_names
from cinemesh.vocabulary import fold

TEMPLATE: Final = "template"
MOST_CHARACTERS: Final = 300
_LEAST_CHARACTERS: Final = 20
_MOST_AT_ONCE: Final = 20
_KEPT: Final = 10_000
_KEPT_SECONDS: Final = 24 * 3600.0
_LIKED: Final = 3.5
_GROUNDED: Final = 0.4
_EXPLAINING: Final = (
    "liked",
    "loved",
    "watched",
    "enjoyed",
    "enjoy",
    "taste",
    "shares",
    "similar",
    "suits",
    "tonight",
    "mood",
    "fans",
    "director",
    "cast",
    "genre",
)
_SYSTEM: Final = (
    "You say in one or two short sentences why a film suits somebody, speaking to them, in plain British English. Each item holds the "
    "facts about one film: say nothing else, name no other film or person, give no numbers, no links and no markup. Answer as JSON with "
    "one text for each item."
)


class _Text(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    number: int
    text: str = Field(max_length=2000)


class _Texts(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    sentences: list[_Text] = Field(max_length=_MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Worded:
    """A reason in words.

    Attributes:
        text: a sentence or two, plain text.
        worded_by: `template`, or the language model, such as "ollama/mistral".
    """

    text: str
    worded_by: str = TEMPLATE


class Wording:
    """Words reasons.

    Args:
        model: the language model; None for none.
        seconds: how long it may take for a page, in the background.
        film: finds films by title, so that a text that names one it was not told of is refused; None where titles are not known.
    """

    def __init__(
        self,
        model: Ollama | None = None,
        *,
        seconds: float = 30.0,
        film: Callable[[str], NamedFilm | None] | None = None,
    ) -> None:
        self._model, self._seconds, self._film = model, seconds, film
        # an empty text is one that the model was asked for in vain
        self._kept: TTLCache[str, str] = TTLCache(_KEPT, _KEPT_SECONDS)
        self._asking: asyncio.Task[None] | None = None

    def of(self, page: Sequence[ExplanationFacts]) -> list[Worded]:
        """Returns the words for each, at once; where there is a language model, call it on the event loop."""
        model = self._model
        if model is None:
            return [Worded(sentence(facts)) for facts in page]
        told = [_told(facts) for facts in page]
        self._begin(model, dict(zip(told, page, strict=True)))
        kept = [self._kept.get(key) for key in told]
        return [
            Worded(text, model.name) if text else Worded(sentence(facts))
            for text, facts in zip(kept, page, strict=True)
        ]

    async def settle(self) -> None:
        """Waits for what the model is being asked."""
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)

    async def close(self) -> None:
        """Asks no more."""
        if self._asking is not None:
            self._asking.cancel()
        await self.settle()

    def _begin(self, model: Ollama, page: dict[str, ExplanationFacts]) -> None:
        """Asks for what is not known yet, unless a page is being asked for already: the next answer will ask again."""
        missing = {key: facts for key, facts in page.items() if key not in self._kept and facts.title.strip()}
        if missing and model.willing and (self._asking is None or self._asking.done()):
            wanted = dict(list(missing.items())[:_MOST_AT_ONCE])
            self._asking = asyncio.create_task(self._ask(model, wanted), name="wording")

    async def _ask(self, model: Ollama, wanted: dict[str, ExplanationFacts]) -> None:
        items = [{"number": number, **json.loads(key)} for number, key in enumerate(wanted, 1)]
        question = json.dumps(items, ensure_ascii=False).replace("<", " ").replace(">", " ")
        try:
            answer = await model.ask(_SYSTEM, f"<facts>\n{question}\n</facts>", _Texts, seconds=self._seconds)
        except OllamaFault:
            return
        texts = {one.number: " ".join(one.text.split()) for one in answer.sentences}
        refused = 0
        for number, (key, facts) in enumerate(wanted.items(), 1):
            problem = self._problem(texts.get(number, ""), facts)
            refused += bool(problem)
            self._kept[key] = "" if problem else texts[number]
        if refused == len(wanted):
            model.distrust("words reasons in ways that cannot be shown")

    def _problem(self, text: str, facts: ExplanationFacts) -> str:
        """Returns why a text is not to be shown for these facts; empty when it is."""
        if problem := objection(text, MOST_CHARACTERS, least=_LEAST_CHARACTERS):
            return problem
        people = (*facts.directors, *facts.cast)
        words = (*facts.keywords, *facts.genres, facts.mood, facts.time_of_day)
        names = [facts.title, *(own.title for own in facts.because), *people, *words]
        said = {fold(word) for name in names for word in _words(name)}
        if strange := strange_names(text, said):
            return f"names {strange[0]!r}, which it was not told of"
        if not any(fold(name) and fold(name) in fold(text) for name in names[1:]):
            return "says none of the facts"
        if grounded(text, content_words(" ".join([*names, *_EXPLAINING]))) < _GROUNDED:
            return "says little that is a fact"
        return self._foreign_title(text, names)

    def _foreign_title(self, text: str, names: Sequence[str]) -> str:
        """Looks for titles of three words and more that are written small: shorter ones are ordinary words too often."""
        if self._film is None:
            return ""
        words, told = _words(text), {fold(name) for name in names}
        for start in range(len(words)):
            for end in range(start + 3, min(start + 8, len(words)) + 1):
                phrase = " ".join(words[start:end])
                if self._film(phrase) is not None and not any(
                    fold(phrase) in name or name in fold(phrase) for name in told if name
                ):
                    return "names a film that it was not told of"
        return ""


def _told(facts: ExplanationFacts) -> str:
    """What the model is told, which is also what its words are kept by: no shares, which change with every rating."""
    liked = [own.title for own in facts.because if (own.overall or 0) >= _LIKED]
    strongest = max(facts.components, key=lambda pair: pair[1], default=("", 0.0))[0]
    told = {
        "film": facts.title,
        "because_they_liked": liked,
        "because_they_watched": [own.title for own in facts.because if own.title not in liked],
        "directors": facts.directors[:2],
        "cast": facts.cast[:3],
        "keywords": facts.keywords[:4],
        "genres": facts.genres[:4],
        "mood": facts.mood,
        "time_of_day": facts.time_of_day,
        "strongest_signal": strongest,
    }
    return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def _words(text: str) -> list[str]:
    return [word for word in "".join(ch if ch.isalnum() or ch in "'’" else " " for ch in text).split() if word]
