"""The two clocks: live tenants judge by the machine's, test tenants by the sandbox world's."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["JAPAN", "Clock", "from_text", "japanese_day", "machine_clock", "moment"]

Clock = Callable[[], datetime]
JAPAN = ZoneInfo("Asia/Tokyo")


def machine_clock() -> datetime:
    """Return the machine's time, UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=256)  # a check writes its moment three times, and those of one sitting share it
def moment(at: datetime) -> str:
    """Return a time as stored and signed: RFC 3339, UTC, microseconds, `Z`; such texts sort as times do."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """Return the time that `moment` wrote."""
    return datetime.fromisoformat(text)


def japanese_day(at: datetime) -> date:
    """Return the calendar day in Japan, the day a law counts by."""
    return at.astimezone(JAPAN).date()
