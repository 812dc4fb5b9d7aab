"""What a killed client leaves at PostgreSQL: its backend may still commit what it was sent before it notices."""

import os
from typing import Any

import psycopg
from tests.waiting import until

__all__ = ["as_killed", "gone"]

NAME = "honnin-killed"


def as_killed() -> dict[str, str]:
    """Return the environment of a process that will be killed: its connections bear a name (libpq's PGAPPNAME)."""
    return {**os.environ, "PGAPPNAME": NAME}


def gone(database_url: str | None) -> None:
    """Wait until no backend of a killed process is left; nothing where the store is SQLite, whose locks die at once."""
    if database_url is None:
        return
    with psycopg.connect(database_url, autocommit=True) as db:

        def none() -> bool:
            left: Any = db.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (NAME,))
            return left.fetchone() == (0,)

        until(none, "a backend outlives its client")
