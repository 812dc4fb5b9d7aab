"""What the AML law asks of a tenant: whether it is an obliged entity, and whether it applies the rules of 2027 now."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the two columns; NULL means that nobody has said."""
    op.add_column("tenants", sa.Column("obliged_entity", sa.Boolean()))
    op.add_column("tenants", sa.Column("apply_2027_rules", sa.Boolean()))
