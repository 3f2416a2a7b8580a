"""Signing in through other providers: what an attempt keeps, what a provider says of a person, and names made from it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

METHODS_OF_OUR_OWN = frozenset({"password", "passkey"})
"""No provider may be called so: sessions name how they began."""
PROVIDER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z")
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+\Z"
)
_LONGEST_ADDRESS = 254
_SHORTEST_NAME, _LONGEST_NAME = 3, 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an attempt must keep to itself until it ends.

    Attributes:
        verifier: PKCE code verifier (RFC 7636), 43 characters.
        nonce: ties an ID token to this attempt.
    """

    verifier: str = field(repr=False)
    nonce: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The code challenge of the verifier, method S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Upstream:
    """A person as a provider knows them, from one verified answer.

    Attributes:
        issuer: the provider's own name; with `subject` it is the identity, and nothing else is.
        subject: the provider's lasting id of the person; never a name that may pass to somebody else.
        email: address; empty without one that we could write to.
        email_verified: whether the provider says that the person reads it, in the document that `email` came from.
        names: what they call themselves, best first; user names are made from these.
        display_name: name for people; may be empty.
        locale: BCP 47; may be empty.
    """

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    names: tuple[str, ...] = ()
    display_name: str = ""
    locale: str = ""

    @property
    def label(self) -> str:
        """What the list of identities calls it."""
        return (self.email or next(iter(self.names), "") or self.subject)[:254]


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity at a provider that opens an account.

    Attributes:
        identity_id: ULID of the link.
        user_id: the account.
        provider: name of the provider.
        issuer: see `Upstream`.
        subject: see `Upstream`.
        label: what the list calls it.
        linked_at: when it was linked.
        last_used_at: when it last signed in; None before the first time.
    """

    identity_id: str
    user_id: str
    provider: str
    issuer: str
    subject: str
    label: str
    linked_at: dt.datetime
    last_used_at: dt.datetime | None = None


def address_of(value: object) -> str:
    """Returns an address as a provider gives it, or empty text when it is none that could be written to."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS or not _ADDRESS.match(value):
        return ""
    return value


def said_yes(value: object) -> bool:
    """Returns whether a claim says yes; some providers write booleans as text. Missing is no."""
    return value is True or value == "true"


def text_of(value: object, longest: int) -> str:
    """Returns a claim as text of one line that may be kept and shown; empty when it is none."""
    if not isinstance(value, str):
        return ""
    clean = unicodedata.normalize("NFC", value).strip()
    # controls, and marks that are not seen or turn the direction of what follows
    if any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in clean):
        return ""
    return clean[:longest].strip()


def usernames_for(person: Upstream) -> Iterator[str]:
    """Yields user names to try, without end: as the person is known elsewhere, then with digits after it."""
    local = person.email.partition("@")[0].partition("+")[0]
    wanted = [name for name in map(_username, (*person.names, local, person.display_name)) if name]
    stem = next(iter(wanted), "film-lover")
    yield from dict.fromkeys(wanted)
    for digits in (2, 2, 3, 3, 4, 4):
        yield _with_digits(stem, digits)
    while True:
        yield _with_digits(stem, 8)


def _with_digits(stem: str, digits: int) -> str:
    number = secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1)
    return f"{stem[: _LONGEST_NAME - digits - 1].rstrip('._-')}-{number}"


def _username(name: str) -> str:
    """Returns a name as a user name may be written, or empty text when too little of it is left."""
    plain = unicodedata.normalize("NFKD", name.partition("@")[0]).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")[:_LONGEST_NAME].rstrip("._-")
    return kept if len(kept) >= _SHORTEST_NAME else ""
