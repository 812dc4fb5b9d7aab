"""For how many days taps are kept, and the ways in which they are looked up to end them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the setting and the indexes."""
    op.add_column("tenants", sa.Column("tap_days", sa.Text()))
    op.create_index("ix_taps_tenant_id_created_at_tap_id", "taps", ["tenant_id", "created_at", "tap_id"])
    op.create_index("ix_taps_tenant_id_person_id", "taps", ["tenant_id", "person_id"])
