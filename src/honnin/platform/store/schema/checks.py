"""Checks of every kind: verifications, hosted sessions, logins, the counter, taps."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, String, Table, Text, text

from honnin.platform.store.schema.columns import Hash, Id, Moment, metadata

__all__ = [
    "counter_checks",
    "documents",
    "idempotency",
    "logins",
    "sessions",
    "tap_registrations",
    "tap_terminals",
    "taps",
    "verifications",
]

verifications = Table(
    "verifications",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("verification_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("body", Text, nullable=False),  # the public resource as JSON, without person
    Column("person_id", Id),
    Column("person_status", String(8), nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("session_id", Id),
    PrimaryKeyConstraint("tenant_id", "verification_id"),
    Index(None, "tenant_id", "person_id"),
    Index(None, "tenant_id", "evidence_id"),
    Index(None, "tenant_id", "created_at", "verification_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("key_hash", Hash, nullable=False),
    Column("request_hash", Hash, nullable=False),
    Column("sealed_id", Id, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "key_hash"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("page_hash", Hash, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("body", Text, nullable=False),  # what was asked for, as JSON; what is signed lies sealed under the same id
    Column("verification_id", Id),
    Column("four_items_until", Moment),
    Column("code_hash", Hash),  # keyed hash of the code in the return address of the browser that ended the session
    Column("code_until", Moment),
    Column("code_used_at", Moment),
    PrimaryKeyConstraint("tenant_id", "session_id"),
    Index(None, "tenant_id", "created_at", "session_id"),
    Index(
        "ix_sessions_open",
        "tenant_id",
        "expires_at",
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

logins = Table(
    "logins",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("login_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("audience", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("challenge", LargeBinary, nullable=False),  # RFC 8785
    Column("verification_id", Id),
    PrimaryKeyConstraint("tenant_id", "login_id"),
    Index(
        "ix_logins_open",
        "expires_at",
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

documents = Table(
    "documents",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("document_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("evidence_id", Id),
    Column("body", Text, nullable=False),  # the resource as JSON; the file lies sealed under the same id
    PrimaryKeyConstraint("tenant_id", "document_id"),
    Index(None, "tenant_id", "evidence_id"),
)

counter_checks = Table(
    "counter_checks",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("check_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("body", Text, nullable=False),  # the resource as JSON: staff, place, terminal, never the customer's data
    PrimaryKeyConstraint("tenant_id", "check_id"),
    Index(None, "tenant_id", "created_at", "check_id"),
    Index(None, "tenant_id", "evidence_id"),
)

tap_terminals = Table(
    "tap_terminals",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("terminal_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=""),
    Column("body", Text, nullable=False),  # the resource as JSON
    PrimaryKeyConstraint("tenant_id", "terminal_id"),
)

tap_registrations = Table(
    "tap_registrations",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("card_tag", Hash),  # keyed hash of the chip's own key; NULL until the card was seen
    PrimaryKeyConstraint("tenant_id", "person_id"),
)

taps = Table(
    "taps",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("tap_id", Id, nullable=False),
    Column("terminal_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("registration", Boolean, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("staff", Text),
    Column("nonce", LargeBinary, nullable=False),
    Column("facts", LargeBinary),  # between certificate and proof, cleared when the tap ends
    Column("person_id", Id),
    Column("evidence_id", Id),
    Column("body", Text),  # verdict, outcome and reason as JSON, once ended
    PrimaryKeyConstraint("tenant_id", "tap_id"),
    Index(None, "tenant_id", "terminal_id", "created_at"),
    Index(None, "tenant_id", "created_at", "tap_id"),
    Index(None, "tenant_id", "person_id"),
    Index(None, "tenant_id", "evidence_id"),
    Index(
        "ix_taps_open",
        "expires_at",
        sqlite_where=text("status <> 'ended'"),
        postgresql_where=text("status <> 'ended'"),
    ),
)
