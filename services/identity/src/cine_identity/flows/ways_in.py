"""How many ways lead into an account: the last one is never taken away."""

from __future__ import annotations

from collections.abc import Mapping

from cine_identity.domain.account import Account
from cine_identity.oauth import Provider
from cine_identity.store import Transaction, identities, passkeys
from cinemesh.errors import FailedPrecondition, Reason


class WaysIn:
    """Knows what a person can sign in with.

    Args:
        providers: those that are set up; an identity at any other lets nobody in.
    """

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def require_one(self, tx: Transaction, account: Account, removed: str) -> None:
        """Makes sure that an account can still be entered; call it after the removal, with the account locked.

        Args:
            tx: the change.
            account: as it was before.
            removed: what was taken away, such as "passkey".

        Raises:
            FailedPrecondition: nothing is left.
        """
        if account.password_hash is not None or passkeys.count(tx, account.user_id):
            return
        for one in identities.of_account(tx, account.user_id):
            provider = self._providers.get(one.provider)
            if provider is not None and provider.issuer == one.issuer:
                return
        raise FailedPrecondition(
            f"this {removed} is the last way to sign in; set a password or add another way first",
            reason=Reason.LAST_SIGN_IN_METHOD,
        )
