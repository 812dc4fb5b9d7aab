"""When a webhook is sent again, and how long things last; the figures are data (`schedule.json`)."""

from functools import cache
from importlib.resources import files

import msgspec

__all__ = ["Schedule", "schedule"]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"dated": "date"}):
    """Seconds, unless said.

    waits: after the first, second … failed try; a try that fails after the last of them is given up.
    spread: part of a wait by which it may be longer, so that endpoints that were down are not met all at once.
    timeout: of one try. lease: how long a worker has a delivery to itself; longer than a try.
    overlap: how long the secret before still signs, if nothing else is asked for.
    keep_days: days for which what was delivered is listed.
    """

    source: str
    dated: str
    waits: tuple[int, ...]
    spread: float
    timeout: float
    lease: int
    overlap: int
    keep_days: int


@cache
def schedule() -> Schedule:
    """Return the schedule in force."""
    content = files(__package__).joinpath("schedule.json").read_bytes()
    return msgspec.json.decode(content, type=Schedule)
