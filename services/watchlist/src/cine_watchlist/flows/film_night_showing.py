"""Film nights as those who take part see them: with names, film cards and the link to invite by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cine.common.v1.film_card_pb2 import FilmCard
from cine_watchlist.domain import film_night as rules
from cine_watchlist.domain.film_night import FilmNight, Gathering
from cine_watchlist.domain.links import Links, digest
from cine_watchlist.domain.ranked_vote import Ballot
from cine_watchlist.store import Transaction, film_nights
from cinemesh.projections import Films, People


@dataclass(frozen=True, slots=True)
class ShownNight:
    """A film night to show.

    Attributes:
        gathering: the film night with its films and people.
        names: user names by id; who left is missing.
        cards: film cards by id; what the catalogue has not told of is missing.
        invite_url: link to invite by.
        own: the vote of whoever looks, where it is shown.
    """

    gathering: Gathering
    names: Mapping[str, str]
    cards: Mapping[int, FilmCard]
    invite_url: str = field(repr=False)
    own: Ballot = field(default_factory=Ballot)


class FilmNightShowing:
    """Puts together what is shown of film nights.

    Args:
        films: gives film cards.
        people: gives names.
        links: makes the links that invite.
        public_address: what links begin with.
    """

    def __init__(self, films: Films, people: People, links: Links, public_address: str) -> None:
        self._films = films
        self._people = people
        self._links = links
        self._public_address = public_address

    def show(self, tx: Transaction, nights: Sequence[FilmNight]) -> list[ShownNight]:
        """Returns film nights to show, in the order given; as many statements for fifty as for one."""
        gatherings = film_nights.gather(tx, nights)
        people = {one.user_id for gathering in gatherings for one in gathering.participants}
        people |= {one.proposed_by for gathering in gatherings for one in gathering.candidates}
        films = {one.movie_id for gathering in gatherings for one in gathering.candidates}
        names = self._people.names(tx, people - {""})
        cards = self._films.cards(tx, films)
        return [ShownNight(one, names, cards, self.invite_url(one.night.film_night_id)) for one in gatherings]

    def one(self, tx: Transaction, film_night_id: str) -> ShownNight:
        """Returns a film night that is there."""
        night = film_nights.by_id(tx, film_night_id)
        assert night is not None
        return self.show(tx, [night])[0]

    def invite_url(self, film_night_id: str) -> str:
        """Returns the link to invite by. What makes it worth something stands behind `#`, so browsers send it to no server."""
        return f"{self._public_address}/#/film-night?token={self._token(film_night_id)}"

    def invite_digest(self, film_night_id: str) -> str:
        """Returns what is kept of the link."""
        return digest(self._token(film_night_id))

    def _token(self, film_night_id: str) -> str:
        return self._links.token(rules.LINK, film_night_id, "")
