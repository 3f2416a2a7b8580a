"""Tables that every store has: outbox, what consumers and projections remember, answers by request id; see `cinemesh/migrations`."""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db.schema import UtcDateTime, Xid8, new_metadata

metadata = new_metadata()
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# PostgreSQL hands out ids before it commits; the transaction's id tells readers what may still appear below (ADR 0004)
_XID = Xid8().with_variant(sa.BigInteger, "sqlite")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _ID, sa.Identity(always=True), primary_key=True),
    sa.Column("xid", _XID, server_default=sa.FetchedValue(), nullable=False),
    sa.Column("event_id", sa.String(26), nullable=False),
    sa.Column("type", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("time", UtcDateTime, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
)
# SQLite reads by its row id
sa.Index("ix_outbox_xid_id", outbox.c.xid, outbox.c.id).ddl_if(dialect="postgresql")

outbox_state = sa.Table(
    "outbox_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.String(12), nullable=False),
)

# the highest position pruned of each type: a consumer of one rare type has missed nothing when others were pruned
outbox_pruned = sa.Table(
    "outbox_pruned",
    metadata,
    sa.Column("type", sa.String(200), primary_key=True),
    sa.Column("xid", _XID, nullable=False),
    sa.Column("id", _ID, nullable=False),
)

feed_cursor = sa.Table(
    "feed_cursor",
    metadata,
    sa.Column("consumer", sa.String(100), primary_key=True),
    sa.Column("cursor", sa.String(64), nullable=False),
    sa.Column("event_time", UtcDateTime, nullable=True),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

feed_parked = sa.Table(
    "feed_parked",
    metadata,
    sa.Column("consumer", sa.String(100), primary_key=True),
    sa.Column("event_id", sa.String(26), primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sa.Column("error", sa.String(500), nullable=False),
    sa.Column("parked_at", UtcDateTime, nullable=False),
)

# answers that are given again when a request is sent again (cinemesh.idempotency)
request_effect = sa.Table(
    "request_effect",
    metadata,
    sa.Column("caller", sa.String(64), primary_key=True),  # id of the person, or name of the service
    sa.Column("method", sa.String(100), primary_key=True),
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("request_digest", sa.LargeBinary, nullable=False),  # of the body without the id
    sa.Column(
        "answer", sa.LargeBinary, nullable=True
    ),  # serialized; null until the transaction that claimed the id has one
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_request_effect_created_at", "created_at"),
)

# how far a copy of another service's facts has come (cinemesh.projections)
projection = sa.Table(
    "projection",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("filled_at", UtcDateTime, nullable=True),  # end of the last whole reading; null before the first
    sa.Column("wanted", sa.String(128), nullable=False),  # version that must be read whole, "*" for any; empty for none
    sa.Column("wanted_at", UtcDateTime, nullable=True),  # since when
    sa.Column("holder", sa.String(26), nullable=False),  # the replica that works on it; empty for none
    sa.Column("held_until", UtcDateTime, nullable=False),  # when another one may take over
)
