"""Customers' certificates, what was told of their ends, and where an unfinished upkeep run stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of upkeep."""
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
