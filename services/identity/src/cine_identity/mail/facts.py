"""Which letters there are, and what each has to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Facts(NamedTuple):
    """What a template shows.

    Attributes:
        required: facts it cannot do without.
        optional: facts it shows where they are known; empty texts are left out.
    """

    required: frozenset[str]
    optional: frozenset[str] = frozenset()


_NAME: Final = frozenset({"username"})
_PLACE: Final = frozenset({"device_name", "ip_address", "at"})

LETTERS: Final[Mapping[str, Facts]] = {
    "verify_email": Facts(frozenset({"token", "code"}), _NAME),
    "already_registered": Facts(_NAME),
    "reset_password": Facts(_NAME | {"token"}),
    "password_changed": Facts(_NAME, _PLACE),
    "session_reuse": Facts(_NAME, _PLACE),
    "new_sign_in": Facts(_NAME, _PLACE),
    "second_factor_on": Facts(_NAME),
    "second_factor_off": Facts(_NAME),
    "recovery_codes_replaced": Facts(_NAME),
    "passkey_added": Facts(_NAME, frozenset({"passkey_name"})),
    "passkey_removed": Facts(_NAME, frozenset({"passkey_name"})),
    "identity_linked": Facts(_NAME, frozenset({"provider"})),
    "identity_unlinked": Facts(_NAME, frozenset({"provider"})),
    "roles_changed": Facts(_NAME | {"roles"}),
    "account_disabled": Facts(_NAME, frozenset({"reason"})),
    "account_enabled": Facts(_NAME),
    "sessions_ended": Facts(_NAME),
    "second_factor_reset": Facts(_NAME),
    "account_deleted": Facts(_NAME),
}
"""Every letter. `at` is a moment in ISO 8601, `roles` a list of roles, everything else text of one line."""


def require_facts(template: str, facts: Mapping[str, Any]) -> None:
    """Makes sure that a letter can be written, while whoever asks for it can still be stopped.

    Raises:
        ValueError: there is no such letter, or a fact it needs is missing or empty; names it, and never its value.
    """
    if template not in LETTERS:
        raise ValueError(f"there is no letter {template!r}")
    missing = sorted(name for name in LETTERS[template].required if not facts.get(name))
    if missing:
        raise ValueError(f"the letter {template!r} needs {', '.join(missing)}")
