"""What all tables share: their metadata, and the types of ids, moments and hashes."""

from sqlalchemy import MetaData, String

__all__ = ["Hash", "Id", "Moment", "metadata"]

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

Id = String(40)
Moment = String(32)
Hash = String(64)
