"""Words reasons: by template at once, by the language model from the next answer on.

A person waits for films, not for phrases: an answer never waits for the model. What the model made of some facts is kept by these
facts, and the model is asked in the background, once for a whole page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cine_recommender.language.explain import ExplanationFacts, sentence

TEMPLATE = "template"


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
    """Words reasons."""

    def of(self, page: Sequence[ExplanationFacts]) -> list[Worded]:
        """Returns the words for each, at once; call it on the event loop."""
        return [Worded(sentence(facts)) for facts in page]
