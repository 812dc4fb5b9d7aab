"""Return codes of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns of a session's return code."""
    op.add_column("sessions", sa.Column("code_hash", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("code_until", sa.String(length=32), nullable=True))
    op.add_column("sessions", sa.Column("code_used_at", sa.String(length=32), nullable=True))
