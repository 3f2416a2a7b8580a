"""Who calls, as they see themselves."""

from __future__ import annotations

from dataclasses import dataclass

from cine_identity.domain.account import Account
from cine_identity.domain.granted import Granted
from cine_identity.flows.callers import Callers
from cine_identity.flows.second_factor import SecondFactors
from cine_identity.store import Transaction
from cinemesh.context import Principal
from cinemesh.db import Database


@dataclass(frozen=True, slots=True)
class Me:
    """The caller.

    Attributes:
        account: theirs.
        granted: what their session opens.
        second_factor: whether signing in needs a second factor.
    """

    account: Account
    granted: Granted
    second_factor: bool


class WhoAmI:
    """Says who calls.

    Args:
        database: the store.
        callers: looks them up.
        second_factors: whether one is on.
    """

    def __init__(self, database: Database, callers: Callers, second_factors: SecondFactors) -> None:
        self._database = database
        self._callers = callers
        self._second_factors = second_factors

    async def am_i(self, principal: Principal) -> Me:
        """Returns the caller.

        Raises:
            Unauthenticated: the session has ended.
        """

        def read(tx: Transaction) -> Me:
            caller = self._callers.require(tx, principal)
            return Me(caller.account, caller.granted, bool(self._second_factors.methods(tx, caller.account)))

        return await self._database.read(read)
