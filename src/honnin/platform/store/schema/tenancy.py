"""Tenants, their API keys, and what happened at them that they are told: events and webhooks."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from honnin.platform.store.schema.columns import Hash, Id, Moment, metadata

__all__ = ["api_keys", "events", "tenants", "webhook_deliveries", "webhook_endpoints"]

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("log_id", Id, nullable=False),
    Column("verifier_status", String(16), nullable=False),
    Column("verifier_from", String(10)),
    Column("verifier_to", String(10)),
    Column("attributes", Text, nullable=False),  # JSON array
    Column("certificate_ground", Text),
    Column("number_handler", Boolean, nullable=False),
    Column("return_urls", Text, nullable=False),  # JSON array
    Column("last_event", BigInteger, nullable=False),  # its row lock puts one tenant's events in commit order
    Column("obliged_entity", Boolean),  # NULL: nobody has said
    Column("apply_2027_rules", Boolean),
    Column("tap_use", Boolean),  # NULL: nobody has said, which allows it to test tenants alone
    Column("tap_days", Text),  # JSON: days by purpose, `*` for others
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("key_hash", Hash, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    PrimaryKeyConstraint("tenant_id", "key_hash"),
)

events = Table(
    "events",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("type", String(64), nullable=False),
    Column("body", Text, nullable=False),  # JSON: ids and states
    PrimaryKeyConstraint("tenant_id", "number"),
    Index(None, "tenant_id", "event_id", unique=True),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("endpoint_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),  # JSON array, empty: all
    Column("status", String(16), nullable=False),
    Column("cursor", BigInteger, nullable=False),  # number of the last event that became a delivery, or was passed by
    Column("secret_number", Integer, nullable=False),  # the secrets lie sealed as `secret.<number>`
    Column("previous_until", Moment),
    PrimaryKeyConstraint("tenant_id", "endpoint_id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("endpoint_id", Id, nullable=False),
    Column("number", BigInteger, nullable=False),  # of the event
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),  # of the next try; of one under way, when another worker may take it over
    Column("answered", Integer),
    Column("problem", String(64)),
    PrimaryKeyConstraint("tenant_id", "endpoint_id", "number"),
    Index(
        "ix_webhook_deliveries_due",
        "due_at",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
)
