"""Bringing a store to the present schema, by Alembic; an installed product migrates itself when it opens a store.

Processes that start together take turns: SQLite by its write lock, PostgreSQL by an advisory lock. A store from a
newer honnin is refused rather than guessed at.
"""

from sqlalchemy import Connection, Engine, inspect, text

from honnin.errors import StateError

__all__ = ["HEAD", "migrate"]

HEAD = "0016"
ADVISORY_LOCK = 0x686F6E6E696E  # "honnin"


def migrate(engine: Engine) -> None:
    """Bring the store to `HEAD`. Raises StateError `store.newer` for a revision that this version does not know."""
    with engine.connect() as connection, connection.begin():
        if _revision(connection) == HEAD:
            return
    with engine.connect().execution_options(honnin_write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            for waits in ("lock_timeout", "idle_in_transaction_session_timeout"):  # a migration takes what it takes
                connection.execute(text(f"SET LOCAL {waits} = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        present = _revision(connection)
        if present != HEAD:
            _upgrade(connection, present)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade(connection: Connection, present: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "honnin.platform.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise StateError(
            "store.newer",
            "The store was made by a newer honnin.",
            next="Install that version, or use another data folder.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
