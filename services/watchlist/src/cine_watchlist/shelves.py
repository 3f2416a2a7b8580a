"""Wires watchlists and lists; `app.py` takes all of it in with a few lines."""

from __future__ import annotations

from typing import Any

from cine_watchlist.domain.links import Links
from cine_watchlist.flows.attempts import Attempts
from cine_watchlist.flows.collaboration import Collaboration
from cine_watchlist.flows.export import WatchlistExport
from cine_watchlist.flows.imports import Imports
from cine_watchlist.flows.list_comments import ListComments
from cine_watchlist.flows.list_items import ListItems
from cine_watchlist.flows.list_showing import ListShowing
from cine_watchlist.flows.lists import Lists
from cine_watchlist.flows.sharing import Sharing
from cine_watchlist.flows.watched import WatchedItems
from cine_watchlist.flows.watchlist import Watchlist
from cine_watchlist.servicer.collaboration import CollaborationServicer
from cine_watchlist.servicer.lists import ListServicer
from cine_watchlist.servicer.watchlist import WatchlistServicer
from cine_watchlist.settings import WatchlistSettings
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.housekeeping import Job
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.projections import Films, People


class Shelves:
    """Watchlists and lists.

    Args:
        settings: what links begin with.
        database: the store.
        outbox: tells other services.
        films: which films there are.
        people: who is still there.
        request_ids: lets an attempt that is sent again have one effect.
        links: makes the links that show lists.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: WatchlistSettings,
        database: Database,
        outbox: Outbox,
        films: Films,
        people: People,
        request_ids: RequestIds,
        links: Links,
        clock: Clock = utc_now,
    ) -> None:
        attempts = Attempts(database, request_ids, films)
        showing = ListShowing(films, people, links, settings.public_address)
        self.watchlist = Watchlist(database, attempts, films, people, outbox, clock)
        self.export = WatchlistExport(database, films, clock)
        self.imports = Imports(database, people, outbox, clock)
        self.watched = WatchedItems(database)
        self.lists = Lists(database, attempts, people, showing, outbox, clock)
        self.items = ListItems(database, attempts, people, showing, outbox, clock)
        self.collaboration = Collaboration(database, attempts, people, showing, outbox, clock)
        self.sharing = Sharing(database, people, showing, self.items)
        self.comments = ListComments(database, attempts, people, showing, clock)

    def servicers(self, pages: PageTokens) -> dict[str, Any]:
        """Returns the servicers by the name of their gRPC service."""
        return {
            "WatchlistService": WatchlistServicer(self.watchlist, self.export, self.imports, self.watched, pages),
            "ListService": ListServicer(self.lists, self.items, pages),
            "CollaborationService": CollaborationServicer(self.collaboration, self.sharing, self.comments, pages),
        }

    def jobs(self) -> dict[str, Job]:
        """Returns what housekeeping does here."""
        return {"imported_rows": self.imports.prune, "invitations": self.collaboration.prune}
