"""The rungs of the ladder: what answers when what is better is not there. An answer names its rung."""

from __future__ import annotations

from typing import Final

PERSONAL: Final = "personal"
"""The hybrid model, from the person's own history."""
CACHED_PERSONAL: Final = "cached_personal"
"""The hybrid model, from what was last known of the person: what they did since cannot be read."""
ITEM_MODEL: Final = "item_model"
"""Films like those the person liked, by content alone."""
GENRE_POPULARITY: Final = "genre_popularity"
"""What many watch, in the genres the person prefers where these are known. The usual answer for somebody without a history."""
SHIPPED_LIST: Final = "shipped_list"
"""A list that came with the program: there is no model at all."""
RUNGS: Final = (PERSONAL, CACHED_PERSONAL, ITEM_MODEL, GENRE_POPULARITY, SHIPPED_LIST)
