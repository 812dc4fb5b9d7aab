"""Tap use: terminals, and nonces until they are used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables of tap use."""
    op.create_table(
        "tap_terminals",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("terminal_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "terminal_id", name=op.f("pk_tap_terminals")),
    )
    op.create_table(
        "tap_nonces",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("nonce_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "nonce_hash", name=op.f("pk_tap_nonces")),
    )
