"""People as one tenant knows them: link hashes, and which certificates are its customers'."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from honnin.platform.store.schema.columns import Hash, Id, Moment, metadata

__all__ = [
    "certificate_ends",
    "customer_certificates",
    "pending_links",
    "person_certificates",
    "persons",
    "upkeep_cursors",
]

persons = Table(
    "persons",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("became", Id),  # the older person that this one turned out to be
    PrimaryKeyConstraint("tenant_id", "person_id"),
)

person_certificates = Table(
    "person_certificates",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("link_tag", Hash, nullable=False),  # keyed hash of issuer key id and serial, another key for every tenant
    Column("person_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "link_tag"),
    Index(None, "tenant_id", "person_id"),
)

pending_links = Table(
    "pending_links",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("link_tag", Hash, nullable=False),
    Column("verification_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "link_tag", "verification_id"),
)

customer_certificates = Table(
    "customer_certificates",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("serial", LargeBinary, nullable=False),  # sealed under the tenant's key (`customers`)
    Column("person_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial"),
    Index(None, "tenant_id", "person_id"),
    sqlite_with_rowid=False,  # rows lie in the order in which upkeep reads them
)

certificate_ends = Table(
    "certificate_ends",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("serial", LargeBinary, nullable=False),
    Column("reason", Integer, nullable=False),  # CRLReason, 255: none given
    Column("ended_at", Moment, nullable=False),
    Column("scope", Hash, nullable=False),  # SHA-256 of the scope of the list that said so
    PrimaryKeyConstraint("tenant_id", "issuer_key_id", "serial"),
    sqlite_with_rowid=False,
)

upkeep_cursors = Table(
    "upkeep_cursors",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("issuer_key_id", LargeBinary, nullable=False),
    Column("after", LargeBinary, nullable=False),  # the sealed serial up to which all was told
    Column("mark", Hash, nullable=False),  # of the lists that the run reads
    PrimaryKeyConstraint("tenant_id", "issuer_key_id"),
)
