"""How every command reads a moment: RFC 3339 with a zone (CONTRACTS), `T` and `Z` in either case (RFC 3339 §5.6)."""

from datetime import UTC, datetime

from honnin.errors import InputError

__all__ = ["moment", "moment_or_now"]


def moment(text: str) -> datetime:
    """Return a moment, in UTC. Raises InputError `input.time`."""
    try:
        read = datetime.fromisoformat(text.upper())
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InputError(
        "input.time", f"{text[:60]!r} is not a time with zone.", next="For example 2026-11-21T09:00:00+09:00."
    )


def moment_or_now(text: str | None) -> datetime:
    """Return the moment of an option, now where it was not given. Raises InputError `input.time`."""
    return datetime.now(UTC) if text is None else moment(text)
