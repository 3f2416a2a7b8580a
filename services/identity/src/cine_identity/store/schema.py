"""Tables of identity. Tokens and codes are kept as digests, what must be read again is sealed; see `domain/vault.py`."""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db import StringList, UtcDateTime, new_metadata

metadata = new_metadata()

_ID = sa.String(26)  # ULID


def _owner(*, primary_key: bool = False) -> sa.Column[str]:
    """A row that dies with its account."""
    return sa.Column(
        "user_id",
        _ID,
        sa.ForeignKey("accounts.user_id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=not primary_key,
    )


accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("user_id", _ID, primary_key=True),
    sa.Column("username", sa.String(32), nullable=False),
    sa.Column("username_key", sa.String(64), nullable=False, unique=True),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("email_key", sa.String(254), nullable=False, unique=True),
    sa.Column("email_verified", sa.Boolean, nullable=False),
    sa.Column("password_hash", sa.String(300)),  # tagged; NULL without a password
    sa.Column("password_changed_at", UtcDateTime),
    sa.Column("roles", StringList, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.String(500), nullable=False),
    sa.Column("display_name", sa.String(80), nullable=False),
    sa.Column("locale", sa.String(35), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sa.Column("last_login_at", UtcDateTime),
    sa.Column("tokens_valid_from", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False),
)

# names used in a registration whose address had an account already: told apart, they would tell of the address
reserved_usernames = sa.Table(
    "reserved_usernames",
    metadata,
    sa.Column("username_key", sa.String(64), primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False),
)

profiles = sa.Table(
    "profiles",
    metadata,
    _owner(primary_key=True),
    sa.Column("bio", sa.String(2000), nullable=False),
    sa.Column("avatar_url", sa.String(500), nullable=False),
    sa.Column("location", sa.String(100), nullable=False),
    sa.Column("website_url", sa.String(500), nullable=False),
    sa.Column("favourite_movie_ids", sa.JSON, nullable=False),  # list of int
    sa.Column("public_fields", StringList, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

preferences = sa.Table(
    "preferences",
    metadata,
    _owner(primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),  # fields of GetPreferencesResponse by name
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("session_id", _ID, primary_key=True),
    _owner(),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("refresh_digest", sa.String(64), nullable=False),
    sa.Column("rotated_at", UtcDateTime, nullable=False),
    sa.Column("method", sa.String(40), nullable=False),
    sa.Column("device_name", sa.String(80), nullable=False),
    sa.Column("ip_address", sa.String(45), nullable=False),
    sa.Column("user_agent", sa.String(400), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("second_factor", sa.String(20), nullable=False, server_default=""),  # replicas of before do not know it
)

# everything single-use with an end: mailed links and codes, second steps, attempts through other providers
tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("ticket_id", _ID, primary_key=True),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("code_digest", sa.String(64), nullable=False),  # empty without a code
    sa.Column(
        "subject", sa.String(254), nullable=False
    ),  # what it is bound to: an address key, a session; may be empty
    sa.Column("user_id", _ID, sa.ForeignKey("accounts.user_id", ondelete="CASCADE"), nullable=True),
    sa.Column("data", sa.JSON, nullable=False),  # no secrets, unless sealed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("code_expires_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("used_at", UtcDateTime),
    sa.Index("ix_tickets_kind_subject", "kind", "subject"),
    sa.Index("ix_tickets_user_id", "user_id"),
)

# failures in a row by account or by address: what back-off counts
throttles = sa.Table(
    "throttles",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_failed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("blocked_until", UtcDateTime, nullable=False),
)

devices = sa.Table(
    "devices",
    metadata,
    _owner(primary_key=True),
    sa.Column("device_digest", sa.String(64), primary_key=True),  # of the device cookie, or of address and user agent
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("identity_id", _ID, primary_key=True),
    _owner(),
    sa.Column("provider", sa.String(40), nullable=False),
    sa.Column("issuer", sa.String(254), nullable=False),
    sa.Column("subject", sa.String(254), nullable=False),
    sa.Column("label", sa.String(254), nullable=False),
    sa.Column("linked_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.UniqueConstraint("issuer", "subject"),
)

totp = sa.Table(
    "totp",
    metadata,
    _owner(primary_key=True),
    sa.Column("secret", sa.String(200), nullable=False),  # sealed
    sa.Column(
        "last_step", sa.BigInteger, nullable=False
    ),  # time step of the last code accepted: none is accepted twice
    sa.Column("confirmed_at", UtcDateTime, nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    _owner(primary_key=True),
    sa.Column("code_digest", sa.String(64), primary_key=True),
    sa.Column("used_at", UtcDateTime),
)

passkeys = sa.Table(
    "passkeys",
    metadata,
    sa.Column("passkey_id", _ID, primary_key=True),
    _owner(),
    sa.Column("credential_id", sa.LargeBinary(1023), nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),  # COSE
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("transports", StringList, nullable=False),
    sa.Column("synced", sa.Boolean, nullable=False),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
)

# never changed; outlives the accounts it speaks of
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("audit_id", _ID, primary_key=True),  # sorts by time
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor_id", sa.String(26), nullable=False, index=True),
    sa.Column("actor_username", sa.String(32), nullable=False),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("user_id", sa.String(26), nullable=False, index=True),
    sa.Column("outcome", sa.String(60), nullable=False),
    sa.Column("detail", sa.String(1000), nullable=False),
    sa.Column("ip_address", sa.String(45), nullable=False),
    sa.Column("call_id", sa.String(64), nullable=False),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.String(40), primary_key=True),
    sa.Column("public_jwk", sa.Text, nullable=False),
    sa.Column("private_jwk", sa.Text, nullable=False),  # sealed
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("sign_from", UtcDateTime, nullable=False),
    sa.Column("retire_at", UtcDateTime),  # set when its successor is made; leaves the JWKS then
)

# letters wait here, sealed, until the mail server took them; then the row is gone
letters = sa.Table(
    "letters",
    metadata,
    sa.Column("letter_id", _ID, primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime, nullable=False, index=True),
    sa.Column("last_error", sa.String(200), nullable=False),
)
