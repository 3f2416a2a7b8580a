"""Builds tantivy queries: one clause a word over all fields, filters, popularity tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tantivy
from tantivy import Occur, Query

from cine_catalog.domain.search import Filters
from cine_catalog.search.analysis import folded, tokens, words
from cine_catalog.search.index import FIELD_WEIGHTS, stems

#: A stemmed match in the overview weighs little: long texts hold many words by chance.
OVERVIEW_WEIGHT = 0.35
#: Constant scores of the popularity tiers: enough to part equals, not enough to beat a better match.
TIER_SCORES = (("t0", 2.5), ("t1", 1.5), ("t2", 1.0))
#: What a free description is matched against beside the overview.
_DESCRIBED = (("keywords", 1.0), ("genres", 0.5), ("title", 0.8), ("cast", 0.8))
_FAR = 2200
#: Whether a field holds a word at all.
Known = Callable[[str, str], bool]


class Clauses:
    """Query building over one schema; stateless otherwise, so that threads may share it."""

    def __init__(self, schema: tantivy.Schema) -> None:
        self._schema = schema
        self._tiers = [
            (Occur.Should, Query.const_score_query(Query.term_query(schema, "tier", tier), score))
            for tier, score in TIER_SCORES
        ]

    def term(self, field: str, word: str, weight: float = 1.0) -> Query:
        """Returns the clause "field holds word", its BM25 score times weight."""
        return Query.boost_query(Query.term_query(self._schema, field, word), weight)

    def anywhere(self, word: str, stem: str, known: Known) -> Query | None:
        """Returns the clause "some field holds this word", scored by the best field; None when no field does."""
        parts = [self.term(field, word, weight) for field, weight in FIELD_WEIGHTS.items() if known(field, word)]
        if known("overview", stem):
            parts.append(self.term("overview", stem, OVERVIEW_WEIGHT))
        if not parts:
            return None
        return Query.disjunction_max_query(parts, 0.15) if len(parts) > 1 else parts[0]

    def misspelt(self, word: str, distance: int, begun: Sequence[str] = ()) -> Query:
        """Returns the clause "a title or name holds a word within some edits of this"; a swap of neighbours is one edit.

        Args:
            word: as typed.
            distance: most edits, 1 or 2; short words get fewer, for everything is near them.
            begun: title words it may be the beginning of.
        """
        allowed = 0 if len(word) < 3 else min(distance, 1 if len(word) < 6 else 2)
        parts: list[Query] = [Query.const_score_query(self.term("title", whole), 5.0) for whole in begun]
        if allowed == 0:
            parts.append(self.term("names", word))
        else:
            near = Query.fuzzy_term_query(self._schema, "names", word, distance=allowed)
            # fuzzy matches all score 1: lift them to what an exact match of a fairly rare word scores
            parts.append(Query.boost_query(near, 6.0 if allowed == 1 else 4.0))
        return Query.disjunction_max_query(parts, 0.0)

    def filters(self, wanted: Filters) -> list[tuple[Occur, Query]]:
        """Returns one Must clause a filter, none of which changes the order."""
        schema = self._schema
        must: list[Query] = [Query.term_query(schema, "genre", genre, "basic") for genre in wanted.genres]
        if wanted.services:
            must.append(Query.term_set_query(schema, "service", list(wanted.services)))
        if wanted.year_min or wanted.year_max:
            bounds = (wanted.year_min or 1, wanted.year_max or _FAR)
            must.append(Query.range_query(schema, "year", tantivy.FieldType.Unsigned, *bounds))
        if wanted.rating_min > 0:
            must.append(Query.range_query(schema, "rating", tantivy.FieldType.Float, float(wanted.rating_min), 5.0))
        if wanted.runtime_max:
            must.append(Query.range_query(schema, "runtime", tantivy.FieldType.Unsigned, 1, wanted.runtime_max))
        for field, text in (("cast", wanted.cast), ("directors", wanted.director)):
            must += [self._name_word(field, word) for word in words(text)]
        if wanted.keyword:
            whole = Query.term_query(schema, "keyword", folded(wanted.keyword), "basic")
            parts = [(Occur.Must, Query.term_query(schema, "keywords", word)) for word in tokens(wanted.keyword)]
            must.append(Query.boolean_query([(Occur.Should, whole), (Occur.Should, Query.boolean_query(parts))]))
        return [(Occur.Must, Query.const_score_query(clause, 0.0)) for clause in must]

    def _name_word(self, field: str, word: str) -> Query:
        exact = Query.term_query(self._schema, field, word)
        if len(word) < 4:
            return exact
        near = Query.fuzzy_term_query(self._schema, field, word, distance=1)
        return Query.boolean_query([(Occur.Should, exact), (Occur.Should, near)])

    def all_of(self, clauses: Sequence[Query], filters: list[tuple[Occur, Query]]) -> Query:
        """Returns a query every clause of which must match."""
        return Query.boolean_query([*((Occur.Must, clause) for clause in clauses), *filters])

    def better_known_first(self, found: Query) -> Query:
        """Returns the same films with the better-known a little ahead."""
        return Query.boolean_query([(Occur.Must, found), *self._tiers])

    def most_of(self, clauses: Sequence[Query], filters: list[tuple[Occur, Query]], least: int) -> Query:
        """Returns a query at least `least` clauses of which must match."""
        some = Query.boolean_query([(Occur.Should, clause) for clause in clauses], minimum_number_should_match=least)
        return Query.boolean_query([(Occur.Must, some), *filters])

    def everything(self, filters: list[tuple[Occur, Query]]) -> Query:
        """Returns the query that only the filters narrow."""
        return Query.boolean_query(filters) if filters else Query.all_query()

    def described(
        self, text: str, filters: list[tuple[Occur, Query]], known: Known, stopwords: frozenset[str]
    ) -> Query | None:
        """Returns BM25 over overview, keywords, genres and names for a free description; None when no word is known."""
        clauses: list[Query] = []
        for word in dict.fromkeys(words(text)):
            if word in stopwords:
                continue
            stem = stems(word)[0] if stems(word) else word
            parts = [self.term(field, word, weight) for field, weight in _DESCRIBED if known(field, word)]
            if known("overview", stem):
                parts.append(self.term("overview", stem, 1.0))
            if parts:
                clauses.append(Query.disjunction_max_query(parts, 0.3))
        if not clauses:
            return None
        some = Query.boolean_query([(Occur.Should, clause) for clause in clauses])
        return Query.boolean_query([(Occur.Must, some), *filters])
