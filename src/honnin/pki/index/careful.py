"""Entries of a CRL read one after the other, whatever shape they have (RFC 5280 §5.1.2.6, §5.3).

The measure of the readers that look at many entries at once (`entries`): what these cannot prove comes here.
"""

from dataclasses import dataclass

import numpy as np

from honnin.errors import FormatError
from honnin.pki.der import (
    BOOLEAN,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    boolean,
    children,
    enclosed,
    integer,
    oid,
    read,
    time,
)
from honnin.pki.index.table import ABSENT, EPOCH_1950, FAR, NO_DATE, Columns

__all__ = ["REASONS_KNOWN", "SERIAL_OCTETS", "Odd", "columns_of", "entry_length", "read_entry"]

SERIAL_OCTETS = 20
LOW64 = (1 << 64) - 1

REASONS_KNOWN = np.zeros(256, dtype=bool)
REASONS_KNOWN[[0, 1, 2, 3, 4, 5, 6, 8, 9, 10]] = True  # RFC 5280 §5.3.1; 7 is not used


@dataclass(frozen=True, slots=True)
class Odd:
    """One entry as the careful reader gives it; times in seconds since 1950-01-01 UTC."""

    serial: int
    date: int
    reason: int
    invalidity: int | None
    issuer: bytes | None


def entry_length(view: memoryview, start: int, end: int) -> int | None:
    """Octets of the entry that starts at `start`, header included; None when its header is cut short."""
    if end - start < 2:
        return None
    if view[start] != 0x30:
        raise FormatError("index.entry", "An entry of the list is not a SEQUENCE.")
    first = view[start + 1]
    if first < 0x80:
        return 2 + first
    octets = first & 0x7F
    if not 1 <= octets <= 4:
        raise FormatError("index.entry", "An entry's length is indefinite or absurd.")
    if end - start < 2 + octets:
        return None
    return 2 + octets + int.from_bytes(view[start + 2 : start + 2 + octets], "big")


def read_entry(octets: bytes, *, extensible: bool = True) -> Odd:
    """Read one whole entry, whatever extensions it has, if it may have any.

    Raises FormatError `index.entry` for one that is not DER, whose serial is negative or longer than 20 octets, or that
    has a critical extension that is not known (RFC 5280 §5.3: such a CRL must not be used).
    """
    try:
        return _careful_entry(octets, extensible=extensible)
    except FormatError as error:
        if error.code == "index.entry":
            raise
        raise FormatError("index.entry", f"An entry of the list is not DER: {error.message}") from error


def _careful_entry(octets: bytes, *, extensible: bool) -> Odd:
    start, stop = enclosed(octets, 0, len(octets), SEQUENCE)
    first, at = enclosed(octets, start, stop, INTEGER)
    serial = integer(octets, first, at)
    if serial < 0 or at - first > SERIAL_OCTETS:
        raise FormatError("index.entry", "A serial number is negative or longer than 20 octets.")
    tag, first, at = read(octets, at, stop)
    date = int(time(octets, tag, first, at).timestamp()) - EPOCH_1950
    reason, invalidity, issuer = ABSENT, None, None
    if at < stop:
        if not extensible:
            raise FormatError("index.entry", "An entry of a list of version 1 has extensions.")
        first, last = enclosed(octets, at, stop, SEQUENCE)
        if last != stop:
            raise FormatError("index.entry", "Something follows an entry's extensions.")
        reason, invalidity, issuer = _careful_extensions(octets, first, last)
    return Odd(serial, date, reason, invalidity, issuer)


def _careful_extensions(octets: bytes, start: int, stop: int) -> tuple[int, int | None, bytes | None]:
    """Read crlEntryExtensions: reason, invalidity date (seconds since 1950), certificateIssuer (GeneralNames DER)."""
    reason, invalidity, issuer = ABSENT, None, None
    seen: set[str] = set()
    for kind, first, last in children(octets, start, stop):
        if kind != SEQUENCE:
            raise FormatError("index.entry", "An extension of an entry is not a SEQUENCE.")
        name_start, at = enclosed(octets, first, last, OID)
        name = oid(octets, name_start, at)
        critical = False
        if at < last and octets[at] == BOOLEAN:
            _, value, at = read(octets, at, last)
            critical = boolean(octets, value, at)
        value, end = enclosed(octets, at, last, OCTET_STRING)
        if end != last or name in seen:
            raise FormatError("index.entry", "An extension of an entry is malformed or stands twice.")
        seen.add(name)
        if name == "2.5.29.21":
            code_at, code_end = enclosed(octets, value, end, ENUMERATED)
            reason = integer(octets, code_at, code_end)
            if code_end != end or not 0 <= reason < ABSENT or not REASONS_KNOWN[reason]:
                raise FormatError("index.entry", "A reason code is none of RFC 5280's.")
        elif name == "2.5.29.24":
            time_kind, when, when_end = read(octets, value, end)
            if time_kind != GENERALIZED_TIME or when_end != end:
                raise FormatError("index.entry", "An invalidity date is not a GeneralizedTime.")
            invalidity = int(time(octets, time_kind, when, when_end).timestamp()) - EPOCH_1950
        elif name == "2.5.29.29":
            issuer = octets[value:end]
        elif critical:
            raise FormatError("index.entry", f"An entry has the critical extension {name}, which is not known.")
    return reason, invalidity, issuer


def columns_of(odds: list[Odd]) -> Columns:
    """Turn carefully read entries into columns."""
    wide = any(odd.serial >> 64 for odd in odds)
    dated = any(odd.invalidity is not None for odd in odds)
    near = [0 <= odd.date < FAR for odd in odds]
    return Columns(
        low=np.array([odd.serial & LOW64 for odd in odds], dtype=np.uint64),
        middle=np.array([odd.serial >> 64 & LOW64 for odd in odds], dtype=np.uint64) if wide else None,
        high=np.array([odd.serial >> 128 for odd in odds], dtype=np.uint32) if wide else None,
        date=np.array([odd.date if close else FAR for odd, close in zip(odds, near, strict=True)], dtype=np.uint32),
        far=tuple((row, odd.date) for row, (odd, close) in enumerate(zip(odds, near, strict=True)) if not close),
        reason=np.array([odd.reason for odd in odds], dtype=np.uint8),
        invalidity=np.array(
            [NO_DATE if odd.invalidity is None else min(max(odd.invalidity, 0), NO_DATE - 1) for odd in odds],
            dtype=np.uint32,
        )
        if dated
        else None,
        issuers=tuple((row, odd.issuer) for row, odd in enumerate(odds) if odd.issuer is not None),
    )
