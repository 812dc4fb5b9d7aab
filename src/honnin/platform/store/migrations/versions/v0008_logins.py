"""Logins with the user authentication certificate."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of logins."""
    op.create_table(
        "logins",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("login_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("verification_id", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "login_id", name=op.f("pk_logins")),
    )
    op.create_index(
        "ix_logins_open",
        "logins",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
