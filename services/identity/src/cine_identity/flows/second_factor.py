"""The second factor: whether one is asked for, and whether what was shown proves it."""

from __future__ import annotations

import datetime as dt

from cine_identity.domain import recovery
from cine_identity.domain.account import Account
from cine_identity.domain.backoff import ACCOUNT
from cine_identity.domain.granted import Rule, must_have
from cine_identity.domain.session import PASSKEY
from cine_identity.domain.totp import matching_step
from cine_identity.domain.vault import SecretUnreadable, Vault
from cine_identity.flows.callers import Caller
from cine_identity.store import Transaction, passkeys, throttles, totp
from cinemesh.errors import PermissionDenied, Reason, ResourceExhausted, Unauthenticated

TOTP, RECOVERY_CODE = "totp", "recovery_code"
SEALED_FOR = "totp"


class SecondFactors:
    """Tells which second factors an account has, and verifies them, always in the caller's transaction.

    An authenticator app turns the second factor on. A passkey is a way to sign in by itself, so that alone it makes no password
    ask for more, unless the account must have a second factor; where one is on it is one more way to show it.

    Args:
        vault: opens secrets and digests recovery codes.
        rule: who must sign in with a second factor.
    """

    def __init__(self, vault: Vault, rule: Rule) -> None:
        self._vault = vault
        self._rule = rule

    def methods(self, tx: Transaction, account: Account) -> tuple[str, ...]:
        """Returns the factors that a sign-in to an account asks for, any of which will do; empty when its password alone lets in."""
        found = [TOTP] if self.has_app(tx, account.user_id) else []
        if not found and not self.wanted(account):
            return ()
        if found and totp.recovery_codes_left(tx, account.user_id):
            found.append(RECOVERY_CODE)
        if passkeys.count(tx, account.user_id):
            found.append(PASSKEY)
        return (*found,)

    def wanted(self, account: Account) -> bool:
        """Returns whether an account must have a second factor."""
        return must_have(self._rule, account.roles)

    def has_app(self, tx: Transaction, user_id: str) -> bool:
        """Returns whether codes of an authenticator app are asked for."""
        return totp.of(tx, user_id) is not None

    def require_shown(self, tx: Transaction, caller: Caller) -> None:
        """Makes sure that who must have a second factor, and has one, showed it before they add or remove one, or leave.

        A session from before it was set up could otherwise add another one and so get around it.

        Raises:
            PermissionDenied: the session was opened without it.
        """
        if caller.granted.lacking and self.methods(tx, caller.account):
            raise PermissionDenied("sign in with your second factor first", reason=Reason.SECOND_FACTOR_REQUIRED)

    def remove(self, tx: Transaction, account: Account) -> bool:
        """Removes what a sign-in to an account asks for. Returns whether there was anything."""
        removed = totp.remove(tx, account.user_id)
        if self.wanted(account):
            removed = passkeys.remove_all(tx, account.user_id) or removed
        return removed

    def verify(self, tx: Transaction, user_id: str, *, code: str, recovery_code: str, now: dt.datetime) -> bool:
        """Verifies a code of the app, or else a recovery code, and spends it.

        A wrong code is counted in the caller's transaction: the caller must let that commit and refuse afterwards. After five wrong
        codes in a row the app's codes wait, longer each time, over restarts; recovery codes are beyond guessing and still let in.

        Args:
            tx: transaction of what the factor is shown for.
            user_id: the account.
            code: 6 digits; empty when `recovery_code` is given.
            recovery_code: in any case, with or without hyphens; empty when `code` is given.
            now: the present moment.

        Returns:
            Whether the factor is proven. False also for an account without a second factor.

        Raises:
            ResourceExhausted: too many wrong codes; says when to come back. Nothing was counted.
        """
        # the lock makes guesses at one account queue up: without it a volley would all see the same count of failures
        authenticator = totp.of(tx, user_id, lock=True)
        if authenticator is None:
            return False
        key = f"totp:{user_id}"
        if recovery_code:
            digest = self.recovery_digest(user_id, recovery_code)
            proven = totp.use_recovery_code(tx, user_id, digest, now)
            if proven:
                throttles.forgive(tx, key)
            return proven
        blocked = throttles.blocked_until(tx, [key], now).get(key)
        if blocked is not None:
            raise ResourceExhausted(
                "too many wrong codes; wait before the next one, or use a recovery code",
                reason=Reason.RATE_LIMITED,
                retry_after=(blocked - now).total_seconds(),
            )
        try:
            secret = self._vault.unseal(authenticator.secret, SEALED_FOR, user_id).decode()
        except SecretUnreadable:
            return False  # sealed by another master secret: no code can be right, recovery codes of that time neither
        step = matching_step(secret, code, now, authenticator.last_step)
        if step is not None and totp.advance(tx, authenticator, step):
            throttles.forgive(tx, key)
            return True
        failures = throttles.failures(tx, key, now - ACCOUNT.forgotten_after) + 1
        throttles.fail(tx, key, failures, now, now + ACCOUNT.wait(failures))
        return False

    def recovery_codes_left(self, tx: Transaction, user_id: str) -> int:
        """Returns how many recovery codes an account has left."""
        return totp.recovery_codes_left(tx, user_id)

    def recovery_digest(self, user_id: str, code: str) -> str:
        """Returns what the store keeps of a recovery code."""
        return self._vault.digest(f"{user_id}:{recovery.plain(code)}", RECOVERY_CODE)


def wrong_code(field: str = "code") -> Unauthenticated:
    """Returns the one answer for a code that is wrong, spent, or not of this time.

    Args:
        field: of the request: `code` for one of the app, whose clock may be to blame, or `recovery_code`.
    """
    problem = "is not right, or was used before"
    hint = ": wait for the next one; if that is refused too, let the phone set its clock by itself"
    return Unauthenticated(
        f"the code {problem}",
        reason=Reason.SECOND_FACTOR_INVALID,
        violations=[(field, problem + (hint if field == "code" else ""))],
    )
