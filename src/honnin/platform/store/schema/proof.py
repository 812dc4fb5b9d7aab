"""What proves a check later: sealed data and their keys, the log, and the records that laws ask for."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text, text

from honnin.platform.store.schema.columns import Hash, Id, Moment, metadata

__all__ = [
    "data_keys",
    "evidence",
    "evidence_leaves",
    "kept_once",
    "log_heads",
    "log_tiles",
    "log_waiting",
    "logs",
    "record_entries",
    "records",
    "sealed",
]

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

kept_once = Table(
    "kept_once",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("digest", Hash, nullable=False),  # SHA-256
    Column("created_at", Moment, nullable=False),
    Column(
        "content", LargeBinary, nullable=False
    ),  # a CRL, or a certificate of a CA or responder, DER, as some check read it
    PrimaryKeyConstraint("tenant_id", "digest"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("log_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("record", Text, nullable=False),  # RFC 8785
    PrimaryKeyConstraint("tenant_id", "evidence_id"),
)

evidence_leaves = Table(
    "evidence_leaves",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),  # a row from when the sequencer numbered the record
    PrimaryKeyConstraint("tenant_id", "evidence_id"),
    sqlite_with_rowid=False,
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

log_waiting = Table(
    "log_waiting",
    metadata,
    Column("log_id", Id, nullable=False),
    Column("evidence_id", Id, nullable=False),
    Column("tenant_id", Id, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),  # the record's leaf hash
    PrimaryKeyConstraint("log_id", "evidence_id"),
    sqlite_with_rowid=False,
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("log_id", Id, nullable=False),
    Column("tile", BigInteger, nullable=False),  # storey << 56 | place (`evidence.tiles`)
    Column("hashes", LargeBinary(512), nullable=False),  # up to sixteen nodes of the tree that lie side by side
    PrimaryKeyConstraint("log_id", "tile"),
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
