"""Answers searches: exact titles first, then all words, then forgiving, then descriptions.

The ladder, each rung only when the one above finds nothing: (1) every word somewhere in the film; (2) the words no film
has replaced by near ones; (3) every word may be misspelt; (4) most of the words. A whole title that equals the query always comes first,
the best-known film of that title before the others. Long descriptions are ranked by BM25 fused with the similarity of the
static text encoder. Thread-safe: everything here is read-only once built.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tantivy
from rapidfuzz import fuzz
from tantivy import Occur, Query

from cine_catalog.domain.film import Film
from cine_catalog.domain.search import Order, SearchAnswer, SearchQuery
from cine_catalog.search.analysis import exact_key, words
from cine_catalog.search.clauses import TIER_SCORES, Clauses
from cine_catalog.search.index import FIELD_WEIGHTS, TIERS, ranks, stems
from cine_catalog.search.meaning import Meaning

#: Hits that are ranked again with what BM25 does not know: exact titles, popularity.
WINDOW = 64
#: A query of this many meaningful words is a description, not a name.
DESCRIPTION_WORDS = 7
#: Longer queries are not looked up misspelt word by word: that costs a millisecond each.
MOST_FORGIVEN_WORDS = 8
#: What being the best-known film is worth, beside 1 for the best text match and 2 for an equal title.
PRIOR_WEIGHT = 0.55
_YEAR = re.compile(r"^(18[89]\d|19\d\d|20[0-3]\d)$")
_ORDER_FIELDS = {
    Order.POPULARITY: ("popularity_rank", tantivy.Order.Asc),
    Order.RATING: ("rating_rank", tantivy.Order.Asc),
    Order.NEWEST: ("year", tantivy.Order.Desc),
    Order.OLDEST: ("year", tantivy.Order.Asc),
    Order.TITLE: ("title_rank", tantivy.Order.Asc),
}
STOPWORDS = frozenset(
    """a an and are as at be but by for from has have he her his i in into is it its me my of on or our she so some than that the
    their them then there they this to up was we were what when where which who whom whose will with you your about film films
    movie movies called name title remember think maybe like also just really very can cant could would did does do been being
    had him if how because one two out all any other not no only get gets got im ive dont didnt thing things something someone
    watch watched watching saw see seen tv show scene scenes plot starring stars directed""".split()  # noqa: SIM905 - easier to read
)
_FILLERS = frozenset("film films movie movies starring directed with by from the a an of and in".split())  # noqa: SIM905


class SearchEngine:
    """Search over one immutable generation of the catalogue.

    Args:
        index: opened index whose document numbers are ordinals into `films`.
        films: (n) films.
        popularity: (n,) float32 ≥ 0.
        meaning: text embeddings for descriptions; None ranks descriptions by BM25 alone.
    """

    def __init__(
        self, index: tantivy.Index, films: Sequence[Film], popularity: np.ndarray, meaning: Meaning | None
    ) -> None:
        self._searcher = index.searcher()
        self._clauses = Clauses(index.schema)
        self._meaning = meaning
        top = float(popularity.max(initial=0.0)) or 1.0
        self._prior = (np.log1p(popularity) / np.log1p(top)).astype(np.float32)
        self._known_better = _tier_scores(popularity)
        self._years = np.array([film.year for film in films], dtype=np.int32)
        self._keys_by_film = [exact_key(film.title) for film in films]
        self._titles = _title_table(films, self._keys_by_film)
        self._known = lru_cache(maxsize=200_000)(self._holds)
        self._anywhere = lru_cache(maxsize=50_000)(self._clause_of)

    def _holds(self, field: str, word: str) -> bool:
        return bool(self._searcher.doc_freq(field, word) > 0)

    def _named(self, word: str) -> bool:
        """Returns whether a title, name, keyword, genre or year holds this very word; overviews do not count."""
        return any(self._known(field, word) for field in FIELD_WEIGHTS)

    def _clause_of(self, word: str) -> Query | None:
        return self._clauses.anywhere(word, _stem(word), self._known)

    def search(self, query: SearchQuery) -> SearchAnswer:
        """Returns the wanted page of the answer; an empty text lists everything that the filters leave."""
        filters = self._clauses.filters(query.filters)
        parts = _parts(query.text)
        if not parts:
            return self._listed(self._clauses.everything(filters), query)
        by_relevance = query.order in (None, Order.RELEVANCE)
        if by_relevance and self._is_description(query.text, parts):
            return self._described(query, filters)
        forgave = False
        for found, fuzzy in self._ladder(parts, filters):
            forgave = fuzzy
            result = self._searcher.search(found, WINDOW, count=True)
            if result.hits:
                ordered = (
                    self._ranked(query, found, result, fuzzy) if by_relevance else self._listed(found, query).ordinals
                )
                return SearchAnswer(ordered, _count(result), fuzzy, self._facets(found) if query.facets else {})
        return SearchAnswer([], 0, forgave)

    def without_meaning(self) -> SearchEngine:
        """Returns the same search without embeddings: the baseline that fusion is measured against."""
        other = copy.copy(self)
        other._meaning = None
        return other

    def is_quick(self, query: SearchQuery) -> bool:
        """Returns whether answering takes well under a millisecond: every word is known, and nothing is to be counted."""
        parts = _parts(query.text)
        if query.facets or len(parts) >= DESCRIPTION_WORDS or query.filters.cast or query.filters.director:
            return False
        return all(self._named(word) for word in parts if word not in _FILLERS)

    def _ladder(self, parts: Sequence[str], filters: list[tuple[Occur, Query]]) -> Iterator[tuple[Query, bool]]:
        """Yields queries, strictest first, each with whether it forgives misspellings."""
        kept = list(dict.fromkeys([w for w in parts if w not in _FILLERS] or parts))
        plain = [self._anywhere(w) for w in kept]
        named = [self._named(w) for w in kept]
        if all(named):
            exact = [clause for clause in plain if clause is not None]
            yield self._clauses.all_of(exact, filters), False
            if filters and self._searcher.search(self._clauses.all_of(exact, []), 1, count=False).hits:
                return  # the words are right, the filters leave nothing: other films would be no answer
        # a word that no name or title holds is misspelt or not typed to its end
        last = len(kept) - 1
        unknown = [i for i, is_named in enumerate(named) if not is_named]
        if unknown:
            joined = "".join(kept)
            if len(kept) > 1 and (glued := self._clauses.anywhere(joined, joined, self._known)) is not None:
                yield self._clauses.all_of([glued], filters), False
        begun = self._begun(kept[last]) if last in unknown else []
        for distance in (1, 2) if unknown else ():
            near = {i: self._clauses.misspelt(kept[i], distance, begun if i == last else ()) for i in unknown}
            yield self._clauses.all_of([_either(clause, near.get(i)) for i, clause in enumerate(plain)], filters), True
        if len(kept) <= MOST_FORGIVEN_WORDS:
            forgiving = [_either(clause, self._clauses.misspelt(w, 2)) for w, clause in zip(kept, plain, strict=True)]
            yield self._clauses.all_of(forgiving, filters), True
            if len(kept) > 1:
                yield self._clauses.most_of(forgiving, filters, max(1, round(len(kept) * 0.6))), True
        elif some := [clause for clause in plain if clause is not None]:
            yield self._clauses.most_of(some, filters, 1), True

    def _begun(self, word: str) -> list[str]:
        """Returns title words that begin with an unfinished one, commonest first."""
        if len(word) < 2:
            return []
        found = self._searcher.terms_with_prefix("title", word, limit=400)
        return [term for term, _count in sorted(found, key=lambda pair: -pair[1])[:12]]

    def _listed(self, found: Query, query: SearchQuery) -> SearchAnswer:
        """Returns a page in the order asked for; relevance without words means popularity."""
        field, direction = _ORDER_FIELDS.get(query.order or Order.RELEVANCE, _ORDER_FIELDS[Order.POPULARITY])
        result = self._searcher.search(
            found, query.limit, count=True, order_by_field=field, offset=query.offset, order=direction
        )
        ordinals = [address.doc for _value, address in result.hits]
        return SearchAnswer(ordinals, _count(result), False, self._facets(found) if query.facets else {})

    def _ranked(self, query: SearchQuery, found: Query, result: tantivy.SearchResult, fuzzy: bool) -> list[int]:
        """Returns a page by relevance: the first `WINDOW` hits ranked again, later ones in the order of the index."""
        total = _count(result)
        if crowded := total > WINDOW:
            # more than are ranked again: the best-known of them must be among those that are
            found = self._clauses.better_known_first(found)
            result = self._searcher.search(found, WINDOW, count=False)
        hits = result.hits
        ordinals = np.fromiter((address.doc for _score, address in hits), dtype=np.int64, count=len(hits))
        scores = np.fromiter((score for score, _address in hits), dtype=np.float32, count=len(hits))
        if not crowded:
            scores += self._known_better[ordinals]
        scores = scores / (float(scores.max()) or 1.0) + PRIOR_WEIGHT * self._prior[ordinals]
        scores += self._exactness(query.text, ordinals)
        if fuzzy:
            key = _key(query.text)
            scores += np.fromiter(
                (self._likeness(key, o) for o in ordinals.tolist()), dtype=np.float32, count=len(hits)
            )
        first = ordinals[np.argsort(-scores, kind="stable")].tolist()
        page: list[int] = first[query.offset : query.offset + query.limit]
        missing = min(query.limit, total - query.offset) - len(page)
        if missing > 0 and crowded:
            later = self._searcher.search(found, missing, count=False, offset=max(query.offset, WINDOW))
            page += [address.doc for _score, address in later.hits]
        return page

    def _likeness(self, key: str, ordinal: int) -> float:
        """Returns how near a film's title is to a misspelt one, 0 to 2: the edit ratio where it is high, else nothing."""
        return 2.0 * float(fuzz.ratio(key, self._keys_by_film[ordinal], score_cutoff=70)) / 100

    def _exactness(self, text: str, ordinals: np.ndarray) -> np.ndarray:
        """Returns a bonus for films whose whole title (or another title of theirs) is the query, a year apart or not."""
        parts = _parts(text)
        bonus = np.zeros(len(ordinals), dtype=np.float32)
        for key, weight in self._keys(text, parts):
            exact = self._titles.get(key)
            if exact is not None:
                # a title is shared by a handful of films: comparing with each is cheaper than a set operation
                for kind, members in zip((0.6, 1.0), reversed(exact), strict=True):
                    for member in members:
                        bonus[ordinals == member] = weight * kind
        for word in parts:
            if _YEAR.match(word):
                bonus[self._years[ordinals] == int(word)] += 0.8
        return bonus * 2.0

    @staticmethod
    def _keys(text: str, parts: Sequence[str]) -> list[tuple[str, float]]:
        keys = [(_key(text), 1.0)]
        if len(parts) > 1 and _YEAR.match(parts[-1]):
            keys.append((_key(" ".join(parts[:-1])), 1.0))
        return keys

    def _is_description(self, text: str, parts: Sequence[str]) -> bool:
        if len(parts) < DESCRIPTION_WORDS or _key(text) in self._titles:
            return False
        return sum(1 for word in parts if word not in STOPWORDS) >= DESCRIPTION_WORDS

    def _described(self, query: SearchQuery, filters: list[tuple[Occur, Query]]) -> SearchAnswer:
        """Answers by meaning: BM25 of the description fused with the encoder's similarity."""
        loose = self._clauses.described(query.text, filters, self._known, STOPWORDS) or Query.empty_query()
        depth = max(200, query.offset + query.limit)
        result = self._searcher.search(loose, depth, count=True)
        facets = self._facets(loose) if query.facets else {}
        bm25 = [(address.doc, score) for score, address in result.hits]
        if self._meaning is None:
            ordinals = [o for o, _s in bm25]
        else:
            ordinals = self._meaning.fuse(query.text, bm25, self._prior, self._allowed(filters))
        page = ordinals[query.offset : query.offset + query.limit]
        return SearchAnswer(page, max(_count(result), len(ordinals)), False, facets)

    def _allowed(self, filters: list[tuple[Occur, Query]]) -> np.ndarray | None:
        """Returns the ordinals the filters leave, None when there are no filters."""
        if not filters:
            return None
        every = self._searcher.search(self._clauses.everything(filters), max(len(self._years), 1), count=False)
        return np.fromiter((address.doc for _s, address in every.hits), dtype=np.int64)

    def _facets(self, found: Query) -> dict[str, list[tuple[str, int]]]:
        request = {
            "genre": {"terms": {"field": "genre", "size": 40}},
            "service": {"terms": {"field": "service", "size": 40}},
            "decade": {"terms": {"field": "decade", "size": 40}},
        }
        raw: dict[str, Any] = self._searcher.aggregate(found, request)
        facets: dict[str, list[tuple[str, int]]] = {}
        for name in ("genre", "decade", "service"):
            buckets = raw[name]["buckets"]
            facets[name] = [
                (_label(b["key"]), int(b["doc_count"])) for b in buckets if _label(b["key"]) not in ("", "0")
            ]
        return facets


# a search asks for the words of its text at every step; the same text then costs a look into a table
@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, ...]:
    return tuple(words(text))


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    return exact_key(text)


def _tier_scores(popularity: np.ndarray) -> np.ndarray:
    """Returns what `Clauses.better_known_first` adds to each film's score; (n,) float32."""
    place = ranks(-popularity) / max(len(popularity), 1)
    added = sum(score * (place < share) for (_tier, score), share in zip(TIER_SCORES, TIERS, strict=True))
    return np.asarray(added, dtype=np.float32)


def _label(key: Any) -> str:
    return str(int(key)) if isinstance(key, float) else str(key)


def _count(result: tantivy.SearchResult) -> int:
    return int(result.count or 0)  # type: ignore[attr-defined]  # the published stub leaves it out


def _stem(word: str) -> str:
    found = stems(word)
    return found[0] if found else word


def _either(clause: Query | None, near: Query | None) -> Query:
    """Returns the clause that holds where either does, the better counting; at least one is given."""
    both = [part for part in (clause, near) if part is not None]
    return both[0] if len(both) == 1 else Query.disjunction_max_query(both, 0.1)


def _title_table(films: Sequence[Film], keys: Sequence[str]) -> dict[str, tuple[list[int], list[int]]]:
    """Returns exact title → (ordinals with it as main title, ordinals with it as another title)."""
    main: dict[str, list[int]] = {}
    other: dict[str, list[int]] = {}
    for ordinal, (film, key) in enumerate(zip(films, keys, strict=True)):
        main.setdefault(key, []).append(ordinal)
        for name in film.alternative_titles:
            if (alternative := exact_key(name)) != key:
                other.setdefault(alternative, []).append(ordinal)
    return {key: (main.get(key, []), other.get(key, [])) for key in main.keys() | other.keys()}
