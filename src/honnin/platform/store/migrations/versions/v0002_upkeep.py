"""Tables of upkeep; on SQLite the log's rows lie in the order of their keys, so that each is written once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


LOG_TABLES: dict[str, tuple[sa.schema.SchemaItem, ...]] = {
    "log_leaves": (
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "leaf_index", name="pk_log_leaves"),
    ),
    "log_nodes": (
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "level", "position", name="pk_log_nodes"),
    ),
}


def upgrade() -> None:
    """Make the tables of upkeep, and the log's anew where the engine is SQLite."""
    if op.get_bind().dialect.name == "sqlite":
        for name, columns in LOG_TABLES.items():
            op.rename_table(name, f"{name}_before")
            op.create_table(name, *columns, sqlite_with_rowid=False)
            op.execute(f"INSERT INTO {name} SELECT * FROM {name}_before")  # noqa: S608 - names of our own tables
            op.drop_table(f"{name}_before")
    op.create_table(
        "customer_certificates",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("issuer_key_id", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial", name=op.f("pk_customer_certificates")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_certificates_tenant_id_person_id"),
        "customer_certificates",
        ["tenant_id", "person_id"],
        unique=False,
    )
    op.create_table(
        "certificate_ends",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("issuer_key_id", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial", name=op.f("pk_certificate_ends")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "upkeep_cursors",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("issuer_key_id", sa.LargeBinary(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "issuer_key_id", name=op.f("pk_upkeep_cursors")),
    )
