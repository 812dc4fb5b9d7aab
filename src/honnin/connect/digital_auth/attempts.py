"""Where attempts wait for the person's return: on the server, bound to one browser, taken out once.

Two returns at the same moment, in one process or several, get one attempt between them. A return in another browser
(somebody was sent a link: login CSRF) is refused and leaves the attempt where it is.
"""

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

from honnin.connect.digital_auth.attempt import Attempt
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.returning import state_of
from honnin.errors import StateError

__all__ = ["Attempts"]

TABLE = "CREATE TABLE IF NOT EXISTS attempts (state TEXT PRIMARY KEY, browser TEXT, ends INTEGER, attempt BLOB)"
TAKE = "DELETE FROM attempts WHERE state = ? AND browser = ? RETURNING ends, attempt"
MOST_WAITING = 100_000


class Attempts:
    """Attempts in a SQLite file (mode 0600) that all processes of a service provider share; in memory without one."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            str(path) if path else ":memory:", timeout=10, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.execute(TABLE)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(self, attempt: Attempt, browser: str) -> None:
        """Keep an attempt. browser: a secret that this browser alone holds (your session's id).

        Raises StateError `digital_auth.too_many_attempts`.
        """
        ends = attempt.begun + profile().lifetimes.attempt_seconds
        with self._lock:
            self._db.execute("DELETE FROM attempts WHERE ends < ?", (attempt.begun,))
            if self._db.execute("SELECT count(*) FROM attempts").fetchone()[0] >= MOST_WAITING:
                raise StateError(
                    "digital_auth.too_many_attempts",
                    "Too many attempts are waiting.",
                    next="Try again later.",
                    retryable=True,
                )
            row = (_digest(attempt.state), _digest(browser), ends, attempt.encode())
            self._db.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", row)

    def take(self, query: str, browser: str) -> Attempt:
        """Take out the attempt that a return belongs to. query: the query string (or URL) of the return, as it came.

        Raises what `read_return` raises of the query's form, and StateError `digital_auth.state` when no attempt of
        this browser waits under its state: unknown, used before, or another browser's.
        """
        state = _digest(state_of(query))
        with self._lock:
            row = self._db.execute(TAKE, (state, _digest(browser))).fetchone()
        if row is None:
            raise StateError(
                "digital_auth.state",
                "No attempt of this browser waits for this return.",
                next="Start again, in the same browser.",
            )
        return Attempt.decode(row[1])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
