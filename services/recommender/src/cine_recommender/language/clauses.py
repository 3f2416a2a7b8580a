"""Clauses of a wish: what it is not, who made it, what it is like, what it is about. Each reader takes tokens or leaves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cine_recommender.language.concepts import concept, read_concept, read_language, read_services
from cine_recommender.language.draft import Draft
from cine_recommender.language.durations import read_length, read_minutes
from cine_recommender.language.known import NamedFilm, WishVocabulary
from cine_recommender.language.lexicon import lexicon, phrases
from cine_recommender.language.periods import read_age, read_years
from cine_recommender.language.tokens import Sentence
from cinemesh.vocabulary import fold

_LONGEST_NAME: Final = 5
_LONGEST_TITLE: Final = 12
_LONGEST_PHRASE: Final = 5
_TITLE_MARKS: Final = "-,:.!?&'+/();…"
_NAME_MARKS: Final = "-.'"


_LINKS: Final = ("or", "nor", "and", "/", "&", ",")
Reader = Callable[[Sentence, int, Draft], int]


@dataclass(frozen=True)
class Grammar:
    """Reads clauses against one vocabulary.

    Attributes:
        vocabulary: what there is to wish for.
        now: the year it is.
    """

    vocabulary: WishVocabulary
    now: int

    def read(self, sentence: Sentence, draft: Draft) -> None:
        """Reads a whole sentence; what no clause takes is left."""
        readers: tuple[Reader, ...] = (
            self._quoted,
            self._phrase,
            self._no_clause,
            self._likes,
            read_minutes,
            self._years,
            self._denied,
            self._services,
            self._made_by,
            self._about,
            self._named,
            read_language,
            self._concept,
            read_length,
            self._age,
        )
        place, begun = 0, 0
        while place < len(sentence):
            used = next((used for reader in readers if (used := reader(sentence, place, draft))), 0)
            if used:
                _leave(draft, begun, place)
                place = begun = place + used
            else:
                place += 1
        _leave(draft, begun, place)

    # --- kept as they are ---

    def _quoted(self, sentence: Sentence, place: int, draft: Draft) -> int:
        if sentence.tokens[place].quoted is None:
            return 0
        draft.left.append((place, place + 1))
        return 1

    def _phrase(self, sentence: Sentence, place: int, draft: Draft) -> int:
        words = lexicon()
        for used, key in sentence.keys(place, _LONGEST_PHRASE):
            if key in words.genres or key in words.moods:
                return 0
            if key in words.phrases:
                if found := words.genres_and_more.get(key):
                    draft.genres.update(genre for genre in found if genre in self.vocabulary.genres.names)
                draft.left.append((place, place + used))
                draft.firm.update(range(place, place + used))
                return used
        return 0

    def _no_clause(self, sentence: Sentence, place: int, _: Draft) -> int:
        """Passes over "I'd like", "not only" and their like."""
        return sentence.leading(place, phrases().no_clauses)

    def _about(self, sentence: Sentence, place: int, draft: Draft) -> int:
        """Reads "about …" up to the next clause that is certainly one."""
        lead = sentence.leading(place, phrases().about)
        if not lead:
            return 0
        start = end = place + lead
        while end < len(sentence) and not self._certain(sentence, end):
            end += 1
        if end == start:
            return 0
        draft.left.append((start if sentence.low(place) == "about" else place, end))
        return end - place

    def _certain(self, sentence: Sentence, place: int) -> bool:
        low = sentence.low(place)
        if low in (".", ",", ";", "but") or sentence.tokens[place].quoted is not None:
            return True
        scratch = Draft()
        return bool(
            self._likes(sentence, place, scratch)
            or read_minutes(sentence, place, scratch)
            or read_services(sentence, place, scratch, self.vocabulary, led=True)
            or (read_years(sentence, place, scratch, self.now, strict=True) and low != "in")
            or self._made_by(sentence, place, scratch)
            or (
                self._denied(sentence, place, scratch)
                and (scratch.excluded or scratch.disliked or scratch.opposite_moods)
            )
        )

    # --- what is said of years, minutes, names ---

    def _years(self, sentence: Sentence, place: int, draft: Draft) -> int:
        return read_years(sentence, place, draft, self.now)

    def _age(self, sentence: Sentence, place: int, draft: Draft) -> int:
        return read_age(sentence, place, draft, self.now)

    def _services(self, sentence: Sentence, place: int, draft: Draft) -> int:
        return read_services(sentence, place, draft, self.vocabulary)

    def _concept(self, sentence: Sentence, place: int, draft: Draft) -> int:
        return read_concept(sentence, place, draft, self.vocabulary)

    # --- what it is not ---

    def _denied(self, sentence: Sentence, place: int, draft: Draft) -> int:
        lead = sentence.leading(place, phrases().denials)
        if not lead:
            return 0
        start = place + lead
        while sentence.leading(start, phrases().fillers):
            start += 1
        end = self._denied_names(sentence, start, draft)
        if end > start:
            return end - place
        # "not on Netflix", "not French", "without Tom Cruise": there is no filter for it, and it must not turn into its opposite
        scratch = Draft()
        readers: tuple[Reader, ...] = (
            self._services,
            self._made_by,
            self._named,
            read_language,
            self._years,
            self._likes,
        )
        for behind in range(place + lead, min(start + 1, len(sentence))):
            if used := next((used for reader in readers if (used := reader(sentence, behind, scratch))), 0):
                draft.left.append((place, behind + used))
                return behind + used - place
        return 0

    def _denied_names(self, sentence: Sentence, start: int, draft: Draft) -> int:
        """Takes genres and moods denied, with "or", "nor", "and" or commas between; returns where they end."""
        taken: list[tuple[int, Callable[[], None]]] = []
        end, confirmed, place, link = start, 0, start, ""
        while (found := self._deny_one(sentence, place, draft)) is not None:
            end = place + found[0]
            taken.append((end, found[1]))
            if (
                link != ","
            ):  # after commas alone something else may begin: only "or" and "and" say that they belong to the list
                confirmed = len(taken)
            link, place = sentence.low(end), end
            while sentence.low(place) in _LINKS:
                link = sentence.low(place)
                place += 1
            if place == end or (link == "," and sentence.low(place) in ("no", "not")):
                break
            while sentence.low(place) in ("no", "not", "too", "any", "anything"):
                place += 1
        for _, effect in taken[:confirmed]:
            effect()
        return taken[confirmed - 1][0] if confirmed else start

    def _deny_one(self, sentence: Sentence, place: int, draft: Draft) -> tuple[int, Callable[[], None]] | None:
        words = lexicon()
        low = sentence.low(place)
        if low in words.not_too:
            return 1, lambda: self._not_too(low, draft)
        found = concept(sentence, place, self.vocabulary)
        if found is None:
            return None
        opposite = words.opposites.get(found.mood, "") if not found.unwanted else ""
        if not found.unwanted and opposite not in self.vocabulary.moods:
            return None

        def deny() -> None:
            (draft.excluded if found.named else draft.disliked).update(found.unwanted)
            if opposite:
                draft.opposite_moods.append(opposite)

        return found.used, deny

    def _not_too(self, low: str, draft: Draft) -> None:
        amount = lexicon().not_too[low]
        if low == "long":
            draft.minutes.soft_most.append(amount)
        elif low == "short":
            draft.minutes.soft_least.append(amount)
        else:
            draft.years.soft_least.append(self.now - amount)

    # --- who made it ---

    def _made_by(self, sentence: Sentence, place: int, draft: Draft) -> int:
        lead = sentence.leading(place, phrases().by)
        if not lead:
            return 0
        end = place + lead
        end += sentence.low(end) == ":"
        found = self._person(sentence, end)
        if found is None:
            return 0
        while found is not None:
            draft.people.add(found[0])
            end += found[1]
            link = end
            while sentence.low(link) in ("and", "or", ",", "&", "/") or (
                link > end and sentence.low(link) in ("with", "by")
            ):
                link += 1
            found = self._person(sentence, link) if link > end else None
            if found is not None and found[1] == 1 and not sentence.tokens[link].capital:
                found = None
            if found is not None:
                end = link
        return end - place

    def _named(self, sentence: Sentence, place: int, draft: Draft) -> int:
        """Reads a full name anywhere, and a surname in "a Hitchcock film", "Kubrick sci-fi" or "Tarantino's"."""
        token = sentence.tokens[place]
        if not token.word:
            return 0
        for used, text in sentence.windows(place, _LONGEST_NAME, _NAME_MARKS):
            if used > 1 and " " in text and (name := self.vocabulary.people.find(text)):
                draft.people.add(name)
                return used
        text = sentence.between(place, place + 1)
        behind = concept(sentence, place + 1, self.vocabulary) if token.capital else None
        if text.endswith("'s") or sentence.leading(place + 1, phrases().films) or (behind and behind.genres):
            name = self._surname(text.removesuffix("'s"), capital=token.capital)
            if name:
                draft.people.add(name)
                return 1
        return 0

    def _person(self, sentence: Sentence, place: int) -> tuple[str, int] | None:
        for used, text in sentence.windows(place, _LONGEST_NAME, _NAME_MARKS):
            name = (
                self._surname(text, capital=sentence.tokens[place].capital)
                if used == 1
                else self.vocabulary.people.find(text) or self.vocabulary.people.find(text.removesuffix("'s"))
            )
            if name:
                return name, used
        return None

    def _surname(self, text: str, *, capital: bool) -> str | None:
        key = fold(text)
        if len(key) < 3 or (not capital and (key in lexicon().ordinary or self._is_concept(text))):
            return None
        return self.vocabulary.people.find(text)

    def _is_concept(self, text: str) -> bool:
        words = lexicon()
        key = fold(text)
        return bool(
            key in words.moods or key in words.languages or self.vocabulary.genres.find(text) or key in words.noise
            or key in words.newer_than or key in words.older_than or key in words.shorter_than or key in words.longer_than
        )  # fmt: skip

    # --- what it is like ---

    def _likes(self, sentence: Sentence, place: int, draft: Draft) -> int:
        lead = sentence.leading(place, phrases().like)
        if not lead:
            return 0
        end = place + lead
        found = self._film(sentence, end)
        if found is None:
            return 0
        while found is not None:
            draft.films[found[0].movie_id] = found[0].title
            end += found[1]
            link = end
            while sentence.low(link) in ("and", "or", ",", "&", "/"):
                link += 1
            found = self._film(sentence, link) if link > end else None
            if found is not None:
                end = link
        return end - place

    def _film(self, sentence: Sentence, place: int) -> tuple[NamedFilm, int] | None:
        """Finds the longest title that begins here."""
        if place >= len(sentence):
            return None
        first = sentence.tokens[place]
        if first.quoted is not None:
            film = self.vocabulary.film(first.quoted) if first.quoted.strip() else None
            return (film, 1) if film else None
        for used, text in sentence.windows(place, _LONGEST_TITLE, _TITLE_MARKS):
            if used == 1 and not first.capital and (self._is_concept(text) or fold(text) in lexicon().ordinary):
                continue
            if film := self.vocabulary.film(text):
                # "Heat (1995)"
                closed = used + (sentence.low(place + used) == ")" and "(" in text)
                return film, closed
        return None


def _leave(draft: Draft, start: int, end: int) -> None:
    if end > start:
        draft.left.append((start, end))
