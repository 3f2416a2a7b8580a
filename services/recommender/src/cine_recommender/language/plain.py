"""Whether a text may be shown that people or a language model wrote: plain words, and nothing that leads elsewhere or gives orders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from cinemesh.vocabulary import fold

_DOMAINS: Final = "com|net|org|io|ru|cn|biz|xyz"
_WORDY_DOMAINS: Final = "info|app|dev|link|click|top|site|online|example|evil|co|me|tv|shop|club|live|uk|de|fr"
_ADDRESS: Final = re.compile(
    # "the end. Me too" is two sentences, so endings that are words count only right behind the dot
    rf"https?:|www\.|://|[\w-]\s?(?:[.。]|\bdot\b|[(\[]dot[)\]])\s?(?:{_DOMAINS})\b|[\w-][.。](?:{_WORDY_DOMAINS})\b"
    rf"|(?:\bdot\b|[(\[]dot[)\]])\s?(?:{_WORDY_DOMAINS})\b|\S@\S|\bat\s+\S+\s+dot\b|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"[<>{}\[\]\\`|^~#]|\*\*|__|\]\(|&(?:\w+|#\d+);|^\s*[-*+]\s")
_ORDERS: Final = re.compile(
    r"\b(?:ignor\w*|disregard\w*|forget)\b.{0,40}\b(?:instruct\w*|previous|above|prior|prompt\w*|rules?)\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:all|any|everything)\b"
    r"|\b(?:system|developer|hidden|secret)\s+(?:prompt|message|instruction)s?\b|\binstructions?\b|\bprompts?\b|\bjailbreak\w*\b"
    r"|\bas an? (?:ai|language model|assistant)\b|\blanguage model\b|\byou are (?:now|an ai|a language|chatgpt)\b"
    r"|\b(?:assistant|user|system)\s*:|\bjson\b|\bhacked\b|\bpwned\b"
    r"|\b(?:click|visit|subscribe|download|buy now|sign up|log ?in|call now|send (?:me|us|your)|text me|e-?mail)\b"
    r"|\b(?:dm me|follow me|join my|password|credit card|bitcoin|crypto|wallet|api key|token)s?\b"
    r"|\b(?:respond|reply|answer|output) (?:only |just )?(?:with|in|as)\b|\binstead (?:of|,)? (?:the )?(?:summar\w+|review\w*)\b",
    re.IGNORECASE | re.DOTALL,
)
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_STEM: Final = 6
_EMPTY: Final = frozenset({
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "audience", "be", "because", "been", "being",
    "between", "both", "but", "by", "can", "could", "critic", "criticise", "criticised", "criticize", "criticized", "critics",
    "describe", "described", "describes", "did", "do", "does", "even", "few", "film", "films", "find", "finds", "for", "found",
    "from", "get", "gets", "got", "had", "has", "have", "having", "he", "her", "him", "his", "how", "i", "if", "in", "into",
    "is", "it", "its", "just", "like", "many", "may", "me", "more", "most", "movie", "movies", "much", "my", "no", "not", "of",
    "off", "on", "one", "only", "or", "other", "our", "out", "over", "overall", "own", "people", "praise", "praised",
    "praises", "quite", "really", "review", "reviewer", "reviewers", "reviews", "said", "say", "says", "see", "seem", "seems",
    "several", "she", "should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "though", "through", "to", "too", "up", "us", "very", "viewer", "viewers", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would", "you", "your",
})  # fmt: skip
"""Words that say nothing of a film; folded."""


def objection(text: str, most: int, *, least: int = 1) -> str:
    """Returns why a text may not be shown; empty when it may.

    Args:
        text: to be shown as plain text.
        most: most characters.
        least: fewest.
    """
    if not least <= len(text.strip()) <= most:
        return "has not the right length"
    if any(unicodedata.category(ch) in ("Cc", "Cf", "Co", "Cs", "Cn") for ch in text):
        return "holds characters that are not seen"
    # letters of other widths and alphabets' look-alikes must not get past
    shown = unicodedata.normalize("NFKC", text)
    if _ADDRESS.search(shown):
        return "holds an address"
    if _MARKUP.search(shown):
        return "holds markup"
    if gives_orders(shown):
        return "gives orders"
    return ""


def gives_orders(text: str) -> bool:
    """Returns whether a text reads as if it told a reader, or a machine that reads it, what to do."""
    return _ORDERS.search(unicodedata.normalize("NFKC", text)) is not None


def content_words(text: str) -> list[str]:
    """Returns the words of a text that say something, folded and cut to a stem, in order."""
    words = (fold(found) for found in _WORD.findall(text))
    return [stem(word) for word in words if len(word) > 2 and word not in _EMPTY]


def stem(word: str) -> str:
    """Returns the beginning of a folded word, so that "acting" and "acted" are alike; crude, and the same everywhere."""
    if len(word) > _STEM:
        return word[:_STEM]
    for ending in ("ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def grounded(text: str, known: Iterable[str]) -> float:
    """Returns the share of a text's content words that are among the known stems, 0 to 1; 0 for a text that says nothing."""
    words = content_words(text)
    there = set(known)
    return sum(word in there for word in words) / len(words) if words else 0.0


def strange_names(text: str, known: Iterable[str]) -> list[str]:
    """Returns names and numbers in a text that are not among the words known: a name begins with a capital letter, or has no case.

    Args:
        text: plain text.
        known: words that may be named, folded.
    """
    there = set(known)
    strange = []
    opening = True
    for found in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*|[.!?:“”\"]", text):
        word = found[0]
        if not word[0].isalnum():
            opening = True
            continue
        key = fold(word)
        bare = fold(re.split("['’]", word)[0])
        plain = word[0].islower() or (opening and key in _OPENERS) or word == "I"
        if not plain and key not in there and bare not in there:
            strange.append(word)
        opening = False
    return strange


_OPENERS: Final = _EMPTY | frozenset({
    "a", "acting", "again", "all", "an", "another", "as", "because", "both", "criticism", "despite", "each", "every",
    "everyone", "expect", "fans", "few", "for", "from", "given", "great", "here", "heres", "however", "if", "it", "its",
    "known", "like", "liked", "loved", "many", "most", "much", "music", "nobody", "none", "one", "opinions", "others",
    "overall", "pacing", "perfect", "performances", "plot", "praise", "praised", "several", "shares", "sharing", "similar",
    "since", "some", "still", "story", "tense", "the", "there", "these", "this", "though", "three", "two", "visuals", "warm",
    "watch", "while", "with", "worth", "yet", "you", "youll", "youve",
})  # fmt: skip
"""Words that may begin a sentence without being a name; folded."""
