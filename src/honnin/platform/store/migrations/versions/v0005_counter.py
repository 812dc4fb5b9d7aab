"""Checks at the counter."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of checks at the counter."""
    op.create_table(
        "counter_checks",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("check_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "check_id", name=op.f("pk_counter_checks")),
    )
    for columns in (["tenant_id", "created_at", "check_id"], ["tenant_id", "evidence_id"]):
        op.create_index(op.f(f"ix_counter_checks_{'_'.join(columns)}"), "counter_checks", columns, unique=False)
