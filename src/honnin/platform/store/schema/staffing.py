"""Who works at a tenant's counters: staff, the terminals in front of them, and every try to sign in."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table, Text, text

from honnin.platform.store.schema.columns import Hash, Id, Moment, metadata

__all__ = ["counter_terminals", "staff", "staff_sign_ins"]

staff = Table(
    "staff",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("staff_id", Id, nullable=False),
    Column("login", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("password", Text, nullable=False),  # Argon2id, PHC string; keyed with a key of the platform
    Column("password_since", Moment, nullable=False),
    Column("password_until", Moment),  # of one that was given and must be changed
    PrimaryKeyConstraint("tenant_id", "staff_id"),
    Index(None, "tenant_id", "login", unique=True),
)

counter_terminals = Table(
    "counter_terminals",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("terminal_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("key_hash", Hash, nullable=False),  # of the browser's key, or of the code while one waits to be typed
    Column("code_until", Moment),
    PrimaryKeyConstraint("tenant_id", "terminal_id"),
    Index(None, "tenant_id", "key_hash"),
)

staff_sign_ins = Table(
    "staff_sign_ins",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("sign_in_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("staff_id", Id),  # NULL: nobody has that name; what was typed is not kept
    Column("terminal_id", Id, nullable=False),
    Column("address", Hash, nullable=False),  # keyed hash
    Column("outcome", String(16), nullable=False),
    Column("key_hash", Hash),  # of the session that began
    Column("seen_at", Moment),
    Column("ended_at", Moment),
    Column("ending", String(16)),
    PrimaryKeyConstraint("tenant_id", "sign_in_id"),
    Index(None, "tenant_id", "staff_id", "created_at"),
    Index(None, "tenant_id", "address", "created_at"),
    Index(
        "ix_staff_sign_ins_open",
        "tenant_id",
        "terminal_id",
        sqlite_where=text("key_hash IS NOT NULL AND ended_at IS NULL"),
        postgresql_where=text("key_hash IS NOT NULL AND ended_at IS NULL"),
    ),
)
