"""The platform's tables: one schema for SQLite and PostgreSQL, the tenant first in every key that a tenant owns.

`tenant_id` is the distribution key, so that a PostgreSQL-compatible engine can spread tenants over machines unchanged;
a log (`log_id`) belongs to one shard. Times are UTC as RFC 3339 text with microseconds: they sort, and read the same
on both engines. Personal data appears in `sealed` alone, and there only encrypted.

A change of this file needs a migration beside it (`migrations/versions`); a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

__all__ = [
    "api_keys",
    "certificate_ends",
    "counter_checks",
    "customer_certificates",
    "data_keys",
    "documents",
    "events",
    "evidence",
    "idempotency",
    "log_heads",
    "log_leaves",
    "log_nodes",
    "logins",
    "logs",
    "metadata",
    "pending_links",
    "person_certificates",
    "persons",
    "record_entries",
    "records",
    "revocation_lists",
    "sealed",
    "sessions",
    "tap_registrations",
    "tap_terminals",
    "taps",
    "tenants",
    "upkeep_cursors",
    "verifications",
    "webhook_deliveries",
    "webhook_endpoints",
]

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

Id = String(40)
Moment = String(32)
Hash = String(64)

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

persons = Table(
    "persons",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("became", Id),  # the older person that this one turned out to be
    PrimaryKeyConstraint("tenant_id", "person_id"),
)

person_certificates = Table(
    "person_certificates",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("link_tag", Hash, nullable=False),  # keyed hash of issuer key id and serial, another key for every tenant
    Column("person_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "link_tag"),
    Index(None, "tenant_id", "person_id"),
)

customer_certificates = Table(
    "customer_certificates",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("serial", LargeBinary, nullable=False),  # sealed under the tenant's key (`customers`)
    Column("person_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial"),
    Index(None, "tenant_id", "person_id"),
    sqlite_with_rowid=False,  # rows lie in the order in which upkeep reads them
)

certificate_ends = Table(
    "certificate_ends",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("serial", LargeBinary, nullable=False),
    Column("reason", Integer, nullable=False),  # CRLReason, 255: none given
    Column("ended_at", Moment, nullable=False),
    Column("scope", Hash, nullable=False),  # SHA-256 of the scope of the list that said so
    PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial"),
    sqlite_with_rowid=False,
)

upkeep_cursors = Table(
    "upkeep_cursors",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("after", LargeBinary, nullable=False),  # the sealed serial up to which all was told
    Column("mark", Hash, nullable=False),  # of the lists that the run reads
    PrimaryKeyConstraint("tenant_id", "issuer_key_id"),
)

pending_links = Table(
    "pending_links",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("link_tag", Hash, nullable=False),
    Column("verification_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "link_tag", "verification_id"),
)

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
    Index(None, "tenant_id", "evidence_id"),
    Index(
        "ix_taps_open",
        "expires_at",
        sqlite_where=text("status <> 'ended'"),
        postgresql_where=text("status <> 'ended'"),
    ),
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

data_keys = Table(
    "data_keys",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("data_key_id", Id, nullable=False),
    Column("subject", Id, nullable=False),  # a person, or the one object that it seals
    Column("retention", String(40), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("wrapped", LargeBinary),  # NULL once destroyed
    Column("destroyed_at", Moment),
    PrimaryKeyConstraint("tenant_id", "data_key_id"),
    Index(
        "ix_data_keys_subject",
        "tenant_id",
        "subject",
        "retention",
        unique=True,
        sqlite_where=text("wrapped IS NOT NULL"),
        postgresql_where=text("wrapped IS NOT NULL"),
    ),
    Index(
        "ix_data_keys_expiring",
        "expires_at",
        sqlite_where=text("wrapped IS NOT NULL"),
        postgresql_where=text("wrapped IS NOT NULL"),
    ),
)

sealed = Table(
    "sealed",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("sealed_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("data_key_id", Id, nullable=False),
    Column("content", LargeBinary, nullable=False),  # nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16)
    PrimaryKeyConstraint("tenant_id", "sealed_id", "kind"),
    Index(None, "tenant_id", "data_key_id"),
)

revocation_lists = Table(
    "revocation_lists",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("digest", Hash, nullable=False),  # SHA-256
    Column("created_at", Moment, nullable=False),
    Column("content", LargeBinary, nullable=False),  # a CRL, DER, as it was read for some check
    PrimaryKeyConstraint("tenant_id", "digest"),
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

evidence = Table(
    "evidence",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("log_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("record", Text, nullable=False),  # RFC 8785
    Column("leaf_index", BigInteger),  # NULL until the sequencer numbered it
    PrimaryKeyConstraint("tenant_id", "evidence_id"),
    Index(
        "ix_evidence_unsequenced",
        "log_id",
        "created_at",
        "evidence_id",
        sqlite_where=text("leaf_index IS NULL"),
        postgresql_where=text("leaf_index IS NULL"),
    ),
)

logs = Table(
    "logs",
    metadata,
    Column("log_id", Id, primary_key=True),
    Column("shard", String(40), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("key_id", Hash, nullable=False),
    Column("tree_size", BigInteger, nullable=False),
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("log_id", Id, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("tenant_id", Id, nullable=False),
    Column("evidence_id", Id, nullable=False),
    PrimaryKeyConstraint("log_id", "leaf_index"),
    sqlite_with_rowid=False,
)

log_nodes = Table(
    "log_nodes",
    metadata,
    Column("log_id", Id, nullable=False),
    Column("level", Integer, nullable=False),  # 0 is the leaf hashes; every fourth level above them is stored
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("log_id", "level", "position"),
    sqlite_with_rowid=False,
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("log_id", Id, nullable=False),
    Column("tree_size", BigInteger, nullable=False),
    Column("root", Hash, nullable=False),
    Column("time", Moment, nullable=False),
    Column("signature", Text, nullable=False),
    Column("key_id", Hash, nullable=False),
    PrimaryKeyConstraint("log_id", "tree_size"),
)

records = Table(
    "records",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("verification_id", Id, nullable=False),
    Column("law", String(40), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("retention", String(40), nullable=False),
    Column("relation_ended", String(10)),
    Column("keep_until", String(10)),
    Column("ended_at", Moment),
    PrimaryKeyConstraint("tenant_id", "record_id"),
    Index("ix_records_check", "tenant_id", "verification_id", "law", unique=True),
    Index(None, "tenant_id", "created_at", "record_id"),
)

record_entries = Table(
    "record_entries",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("number", Integer, nullable=False),  # 1 is the record, the others what was added; the content lies sealed
    Column("created_at", Moment, nullable=False),
    Column("item_ids", Text, nullable=False),  # JSON array: which items it gives, never their values
    PrimaryKeyConstraint("tenant_id", "record_id", "number"),
)
