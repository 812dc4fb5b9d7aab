"""Ports for foreign programs that cannot be given a bound socket.

A port that the system picked and that was closed again may be the source of somebody's connection a moment later; so
these lie below the range that the system picks from.
"""

import os
import random
import socket
from contextlib import ExitStack, suppress

__all__ = ["free_ports"]

PLACES = range(12_000, 32_000)  # the system picks from 32768 up (ip_local_port_range)
_chance = random.Random(os.getpid())  # noqa: S311 - each worker begins at another place


def free_ports(count: int = 1) -> int:
    """Return the first of `count` neighbouring loopback ports on which nobody listens."""
    while True:
        first = _chance.choice(PLACES)
        with ExitStack() as held, suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
