"""Random octets for what is unique and no secret, ids and nonces, asked of the system in larger pieces.

Every question to the system lets go of the interpreter, which another thread then takes; a check asked ten times. Each
thread has its piece, and a forked process none of its parent's. Keys are asked of the system one by one.
"""

import os
import threading

__all__ = ["unique_octets"]

PIECE = 4096


class _Mine(threading.local):
    piece = b""
    at = 0


def unique_octets(size: int) -> bytes:
    """Return `size` (at most PIECE) octets of the system's, given to nobody else."""
    at = _mine.at
    if at + size > len(_mine.piece):
        _mine.piece, at = os.urandom(PIECE), 0
    _mine.at = at + size
    return _mine.piece[at : at + size]


def _forget() -> None:
    global _mine  # noqa: PLW0603
    _mine = _Mine()


_mine = _Mine()
os.register_at_fork(after_in_child=_forget)
