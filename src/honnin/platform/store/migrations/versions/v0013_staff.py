"""Staff with a password of their own, the terminals that they sign in at, and every try to do so."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "staff",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.String(length=40), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("password_since", sa.String(length=32), nullable=False),
        sa.Column("password_until", sa.String(length=32)),
        sa.PrimaryKeyConstraint("tenant_id", "staff_id", name=op.f("pk_staff")),
    )
    op.create_index("ix_staff_tenant_id_login", "staff", ["tenant_id", "login"], unique=True)
    op.create_table(
        "counter_terminals",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("terminal_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("code_until", sa.String(length=32)),
        sa.PrimaryKeyConstraint("tenant_id", "terminal_id", name=op.f("pk_counter_terminals")),
    )
    op.create_index("ix_counter_terminals_tenant_id_key_hash", "counter_terminals", ["tenant_id", "key_hash"])
    op.create_table(
        "staff_sign_ins",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("sign_in_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.String(length=40)),
        sa.Column("terminal_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.String(length=64)),
        sa.Column("seen_at", sa.String(length=32)),
        sa.Column("ended_at", sa.String(length=32)),
        sa.Column("ending", sa.String(length=16)),
        sa.PrimaryKeyConstraint("tenant_id", "sign_in_id", name=op.f("pk_staff_sign_ins")),
    )
    for columns in (("tenant_id", "staff_id", "created_at"), ("tenant_id", "address", "created_at")):
        op.create_index(f"ix_staff_sign_ins_{'_'.join(columns)}", "staff_sign_ins", columns)
    is_open = sa.text("key_hash IS NOT NULL AND ended_at IS NULL")
    op.create_index(
        "ix_staff_sign_ins_open",
        "staff_sign_ins",
        ["tenant_id", "terminal_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
