"""Tables of verification records and their entries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "records",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=40), nullable=False),
        sa.Column("verification_id", sa.String(length=40), nullable=False),
        sa.Column("law", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("retention", sa.String(length=40), nullable=False),
        sa.Column("relation_ended", sa.String(length=10)),
        sa.Column("keep_until", sa.String(length=10)),
        sa.Column("ended_at", sa.String(length=32)),
        sa.PrimaryKeyConstraint("tenant_id", "record_id", name=op.f("pk_records")),
    )
    op.create_index("ix_records_check", "records", ["tenant_id", "verification_id", "law"], unique=True)
    op.create_index(
        op.f("ix_records_tenant_id_created_at_record_id"), "records", ["tenant_id", "created_at", "record_id"]
    )
    op.create_table(
        "record_entries",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("item_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "record_id", "number", name=op.f("pk_record_entries")),
    )
