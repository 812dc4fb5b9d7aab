"""The first schema: tenants, checks, people, sessions, events, evidence and its log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "data_keys",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("data_key_id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("retention", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "data_key_id", name=op.f("pk_data_keys")),
    )
    op.create_index(
        "ix_data_keys_expiring",
        "data_keys",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("wrapped IS NOT NULL"),
        postgresql_where=sa.text("wrapped IS NOT NULL"),
    )
    op.create_index(
        "ix_data_keys_subject",
        "data_keys",
        ["tenant_id", "subject", "retention"],
        unique=True,
        sqlite_where=sa.text("wrapped IS NOT NULL"),
        postgresql_where=sa.text("wrapped IS NOT NULL"),
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_tenant_id_event_id"), "events", ["tenant_id", "event_id"], unique=True)
    op.create_table(
        "evidence",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "evidence_id", name=op.f("pk_evidence")),
    )
    op.create_index(
        "ix_evidence_unsequenced",
        "evidence",
        ["log_id", "created_at", "evidence_id"],
        unique=False,
        sqlite_where=sa.text("leaf_index IS NULL"),
        postgresql_where=sa.text("leaf_index IS NULL"),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_id", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "log_heads",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("tree_size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("time", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "tree_size", name=op.f("pk_log_heads")),
    )
    op.create_table(
        "log_leaves",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "leaf_index", name=op.f("pk_log_leaves")),
    )
    op.create_table(
        "log_nodes",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "level", "position", name=op.f("pk_log_nodes")),
    )
    op.create_table(
        "logs",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("shard", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("tree_size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_logs")),
        sa.UniqueConstraint("shard"),
    )
    op.create_table(
        "pending_links",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("link_tag", sa.String(length=64), nullable=False),
        sa.Column("verification_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "link_tag", "verification_id", name=op.f("pk_pending_links")),
    )
    op.create_table(
        "person_certificates",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("link_tag", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "link_tag", name=op.f("pk_person_certificates")),
    )
    op.create_index(
        op.f("ix_person_certificates_tenant_id_person_id"),
        "person_certificates",
        ["tenant_id", "person_id"],
        unique=False,
    )
    op.create_table(
        "persons",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("became", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", name=op.f("pk_persons")),
    )
    op.create_table(
        "sealed",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("sealed_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("data_key_id", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sealed_id", "kind", name=op.f("pk_sealed")),
    )
    op.create_index(op.f("ix_sealed_tenant_id_data_key_id"), "sealed", ["tenant_id", "data_key_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("page_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("verification_id", sa.String(length=40), nullable=True),
        sa.Column("four_items_until", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "session_id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_sessions_open",
        "sessions",
        ["tenant_id", "expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        op.f("ix_sessions_tenant_id_created_at_session_id"),
        "sessions",
        ["tenant_id", "created_at", "session_id"],
        unique=False,
    )
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("verifier_status", sa.String(length=16), nullable=False),
        sa.Column("verifier_from", sa.String(length=10), nullable=True),
        sa.Column("verifier_to", sa.String(length=10), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("certificate_ground", sa.Text(), nullable=True),
        sa.Column("number_handler", sa.Boolean(), nullable=False),
        sa.Column("return_urls", sa.Text(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "verifications",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("verification_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=True),
        sa.Column("person_status", sa.String(length=8), nullable=False),
        sa.Column("evidence_id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "verification_id", name=op.f("pk_verifications")),
    )
    op.create_index(
        op.f("ix_verifications_tenant_id_created_at_verification_id"),
        "verifications",
        ["tenant_id", "created_at", "verification_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_verifications_tenant_id_evidence_id"), "verifications", ["tenant_id", "evidence_id"], unique=False
    )
    op.create_index(
        op.f("ix_verifications_tenant_id_person_id"), "verifications", ["tenant_id", "person_id"], unique=False
    )
