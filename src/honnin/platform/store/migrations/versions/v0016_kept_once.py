"""Certificates of CAs and responders kept once beside the revocation lists: the table gets a name that says both."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Rename the table; what older checks sealed stays with them as it is."""
    op.rename_table("revocation_lists", "kept_once")
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps the name of a key with the table's first text
        op.execute("ALTER TABLE kept_once RENAME CONSTRAINT pk_revocation_lists TO pk_kept_once")
