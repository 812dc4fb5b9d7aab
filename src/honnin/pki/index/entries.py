"""Revoked-certificate entries of a CRL (RFC 5280 §5.1.2.6, §5.3) as columns, read block by block.

    SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions SEQUENCE OF Extension OPTIONAL }

Three readers give the same columns. The careful one (`careful`) reads one entry after the other and knows every shape.
The uniform one takes a run of entries of one length and one shape as a matrix: each row says by its own length that the
next one is where the matrix has it. The wide one looks at a whole block of mixed entries at once: it proposes where
they lie from the one pattern that every entry with a UTCTime has, `17 0D` with a `Z` twelve octets on, and then
*proves* the proposal: the first entry starts where the list starts; and whenever an entry starts where it should, its
own length octets and the length octet of its INTEGER must lead exactly to the proposed time and to the proposed end,
which is the start of the next. By induction every octet of the block is accounted for. An attacker's serial that
imitates the pattern breaks the chain and costs speed, never truth: from the first entry that is not proven the careful
reader goes on.

Not done here: the list's header, trailer and signature (`stream`), and what an entry's issuer means (`building`).
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from honnin.errors import FormatError
from honnin.pki.index.careful import REASONS_KNOWN, SERIAL_OCTETS, Odd, columns_of, entry_length, read_entry
from honnin.pki.index.table import ABSENT, EPOCH_1950, NO_DATE, Columns

__all__ = ["SLACK", "read_block", "read_uniform"]

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
DAY = 86_400

# Octets before and after a block that may be looked at, never used: a 24-octet load that ends at a time, a length of
# 127 octets behind one.
SLACK = 192
# A careful step returns to the wide reader; a block that needs more of them than this is read carefully to its end.
RESUMPTIONS = 16
UNIFORM = 16  # entries of one shape from which on the reader of matrices is worth its while


def _months() -> tuple[U32, U64]:
    """By two-digit year × 100 + month: seconds from 1950 to the day before its first, modulo 2^32, and its hours."""
    starts = np.zeros(10_000, np.uint32)
    hours = np.zeros(10_000, np.uint64)
    for yy in range(100):
        year = 1900 + yy if yy >= 50 else 2000 + yy  # RFC 5280 §4.1.2.5.1
        for month in range(1, 13):
            first = datetime(year, month, 1, tzinfo=UTC)
            after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            starts[yy * 100 + month] = (int(first.timestamp()) - EPOCH_1950 - DAY) & 0xFFFFFFFF
            hours[yy * 100 + month] = (after - first).days * 24
    return starts, hours


_MONTH_START, _MONTH_HOURS = _months()


def read_block(
    block: bytearray, start: int, end: int, *, final: bool, extensible: bool = True
) -> tuple[list[Columns], int]:
    """Read the entries of `block[start:end]`; return their columns and where the first unread entry starts.

    The buffer must hold SLACK octets before `start` and after `end`. Unless `final`, the last entry may be cut short
    and is left unread. extensible: False where entries must have no extensions (a CRL of version 1).
    Raises FormatError `index.entry` for an entry that no reader accepts.
    """
    whole = np.frombuffer(block, dtype=np.uint8)
    view = memoryview(block)
    parts: list[Columns] = []
    resumptions = 0
    while start < end:
        columns, start = read_uniform(whole, start, end, extensible=extensible)
        if columns is not None:
            parts.append(columns)
            length = None if start >= end else entry_length(view, start, end)
            if start >= end or ((length is None or start + length > end) and not final):
                break
        if resumptions <= RESUMPTIONS:
            columns, start = _read_wide(whole, start, end, final=final, extensible=extensible)
            if columns is not None:
                parts.append(columns)
        if start >= end:
            break
        odds: list[Odd] = []
        while start < end:
            length = entry_length(view, start, end)
            if length is None or start + length > end:
                break
            odds.append(read_entry(bytes(view[start : start + length]), extensible=extensible))
            start += length
            if resumptions < RESUMPTIONS:
                break
        if not odds:
            if final:
                raise FormatError("index.entry", f"The entry at octet {start} of its block runs past the list's end.")
            break
        parts.append(columns_of(odds))
        resumptions += 1
    return parts, start


# --- uniform


def read_uniform(block: npt.NDArray[np.uint8], start: int, end: int, *, extensible: bool) -> tuple[Columns | None, int]:
    """Read the longest run of entries of `block[start:end]` that have the shape of the first; return it and its end.

    Needs SLACK octets before `start`. Entries whose serial numbers have one length are a matrix: what the wide reader
    gathers lies in its columns here.
    """
    if end - start < UNIFORM * 20 or not 1 <= block[start + 3] <= SERIAL_OCTETS:
        return None, start
    width, octets = int(block[start + 1]) + 2, int(block[start + 3])
    clock = 4 + octets  # where the time starts in an entry
    extended = width == clock + 29
    if width != clock + 15 and (not extended or not extensible):
        return None, start
    rows = (end - start) // width

    def load(offset: int, form: str = ">u8") -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = np.ndarray((rows,), form, block.data, start + offset, (width,))
        return column.astype(form[1:])

    head = load(0, ">u4") == (0x30000200 | width - 2 << 16 | octets)
    if rows < UNIFORM or not head[:UNIFORM].all():
        return None, start
    time = load(clock)  # 17 0D YYMMDD
    date, good = _moments((time >> np.uint64(16)).astype(np.uint32), load(clock + 6))
    wrong = time >> np.uint64(48)
    wrong ^= np.uint64(0x170D)
    if extended:
        value = load(clock + 21)
        reason = value.astype(np.uint8)
        good &= REASONS_KNOWN.take(reason)
        value &= ~np.uint64(0xFF)
        value ^= _REASON_VALUE
        wrong |= value
        ending = load(clock + 14)
        ending ^= np.uint64(0x5A) << np.uint64(56) | _REASON_ALONE >> np.uint64(8)  # whose last octet `value` has too
        wrong |= ending
    else:
        reason = np.full(rows, ABSENT, np.uint8)
        wrong |= load(clock + 14, ">u1") ^ np.uint8(0x5A)
    good &= head
    good &= wrong == 0
    if octets > 1:
        first = load(4, ">u2")
        first -= np.uint16(0x80)  # below: a needless zero octet, which wraps; from 0x8000 on: negative
        good &= first < 0x7F80
    else:
        good &= load(4, ">u1") < 0x80
    keep = _prefix(good)
    if not keep:
        return None, start
    middle = high = None
    if octets > 8:
        middle = _lowest(load(clock - 16)[:keep], octets - 8)
        high = _lowest(load(clock - 24)[:keep], octets - 16).astype(np.uint32)
        if not (middle.any() or high.any()):
            middle = high = None
    return (
        Columns(
            low=_lowest(load(clock - 8)[:keep], octets),
            date=date[:keep],
            reason=reason[:keep],
            middle=middle,
            high=high,
        ),
        start + keep * width,
    )


def _lowest(words: U64, octets: int) -> U64:
    """Keep the last `octets` octets (none below 0, all above 8) of words."""
    words &= np.uint64((1 << 8 * min(max(octets, 0), 8)) - 1)
    return words


# --- wide


def _loads(block: npt.NDArray[np.uint8]) -> U64:
    """Return a view of the big-endian 64-bit number that starts at every octet."""
    return np.ndarray(shape=(len(block) - 7,), dtype=">u8", buffer=block.data, strides=(1,))


def _read_wide(
    block: npt.NDArray[np.uint8], start: int, end: int, *, final: bool, extensible: bool
) -> tuple[Columns | None, int]:
    """Read the longest run of entries from `start` that can be proven; return it and where it ends."""
    times = np.flatnonzero(block[start:end] == 0x17) + start
    times = times[(times + 15 <= end) & (times >= start + 5)]
    times = times[(block[times + 1] == 0x0D) & (block[times + 14] == 0x5A)]
    if not len(times):
        return None, start
    # Behind the time stands either the extensions' SEQUENCE, whose first content is a SEQUENCE, or the next entry's,
    # whose first content is an INTEGER.
    extended = (block[times + 15] == 0x30) & (block[times + 17] == 0x30) & (times + 15 < end)
    ends = times + 15 + np.where(extended, 2 + (block[times + 16].astype(np.int64) & 0x7F), 0)
    starts = np.concatenate(([start], ends[:-1]))
    starts = np.minimum(starts, end)
    serial_length = block[starts + 3].astype(np.int64)
    lengths = ends - starts - 2
    proven = (
        (block[starts] == 0x30)
        & (block[starts + 1] == lengths)
        & (lengths < 0x80)
        & (block[starts + 2] == 0x02)
        & (serial_length >= 1)
        & (serial_length <= SERIAL_OCTETS)
        & (serial_length == times - starts - 4)
        & (ends <= end)
    )
    # What follows an entry at the very end of the block is not seen: it may be the entry's own extensions.
    if not final:
        proven &= times + 18 <= end
    count = _prefix(proven)
    if not count:
        return None, start
    times, starts, ends = times[:count], starts[:count], ends[:count]
    serial_length, extended = serial_length[:count], extended[:count]
    loads = _loads(block)
    date, good = _times(loads, times)
    reason, invalidity, shaped = _extensions(loads, times, extended)
    first = block[starts + 4]
    if not extensible:
        good &= ~extended
    good &= shaped & (first < 0x80) & ~((first == 0) & (serial_length > 1) & (block[starts + 5] < 0x80))
    keep = _prefix(good)
    if not keep:
        return None, start
    middle = high = None
    if int(serial_length[:keep].max()) > 8:
        middle = _octets(loads, times[:keep] - 16, serial_length[:keep] - 8)
        high = _octets(loads, times[:keep] - 24, serial_length[:keep] - 16).astype(np.uint32)
        if not (middle.any() or high.any()):
            middle = high = None
    return (
        Columns(
            low=_octets(loads, times[:keep] - 8, serial_length[:keep]),
            date=date[:keep],
            reason=reason[:keep],
            middle=middle,
            high=high,
            invalidity=None if invalidity is None else invalidity[:keep],
        ),
        int(ends[keep - 1]),
    )


def _octets(loads: U64, at: I64, count: I64) -> U64:
    """Return the last `count` octets (none below 0, all above 8) of the numbers at these offsets."""
    bits = (np.clip(count, 0, 8) * 8).astype(np.uint64)
    # A shift by 64 is not defined; two shifts by at most 32 are.
    half = (np.uint64(64) - bits) >> np.uint64(1)
    rest = np.uint64(64) - bits - half
    word: U64 = loads[at].astype(np.uint64)
    return np.asarray(((word << half) << rest) >> half >> rest, dtype=np.uint64)


def _prefix(flags: npt.NDArray[np.bool_]) -> int:
    """How many flags are true before the first false one."""
    return len(flags) if flags.all() else int(np.argmin(flags))


# Eight digits at once: an octet less than ten does not reach its highest bit when 0x76 is added, any other does, or has
# it already. Two digits become a number in a lane of 16 bits, and lanes are added up, each with its weight, by one
# multiplication: times (weight + 2^16), a lane holds its own content weighted plus that of the lane below.
_ASCII = np.uint64(0x3030303030303030)
_BEYOND_NINE = np.uint64(0x7676767676767676)
_HIGHEST = np.uint64(0x8080808080808080)
_PAIR = np.uint64(0x00FF00FF00FF00FF)
_ASCII4, _BEYOND_NINE4, _HIGHEST4 = np.uint32(0x30303030), np.uint32(0x76767676), np.uint32(0x80808080)
_PAIR4 = np.uint32(0x00FF00FF)
_BEYOND_CLOCK = np.uint64(128 - 24 << 32 | 128 - 60 << 16 | 128 - 60)  # reaches 128 from 24 h, 60 min, 60 s on
_BY_100 = np.uint32(1 << 16 | 100)
_BY_24 = np.uint64(1 << 16 | 24)
_BY_60 = np.uint64(1 << 16 | 60)


def _times(loads: U64, times: I64) -> tuple[U32, npt.NDArray[np.bool_]]:
    """Read `17 0D YYMMDDHHMMSSZ` at each offset; seconds since 1950 and which are dates that exist."""
    return _moments((loads[times] >> np.uint64(16)).astype(np.uint32), loads[times + 6].astype(np.uint64))


def _moments(months: U32, rest: U64) -> tuple[U32, npt.NDArray[np.bool_]]:
    """Turn the octets YYMM and DDHHMMSS into seconds since 1950; tell which are dates that exist. Uses up its input."""
    month, good = _months_of(months)
    rest ^= _ASCII
    wrong = rest + _BEYOND_NINE
    wrong |= rest
    pairs = rest >> np.uint64(8)
    pairs *= np.uint64(10)
    pairs += rest
    pairs &= _PAIR
    wrong |= pairs + _BEYOND_CLOCK
    wrong &= _HIGHEST
    good &= wrong == 0
    hours = pairs * _BY_24
    hours >>= np.uint64(48)  # 24 × day + hour
    pairs *= _BY_60
    pairs >>= np.uint64(16)
    seconds = pairs.astype(np.uint16).astype(np.uint32)  # 60 × minute + second
    seconds += hours.astype(np.uint32) * np.uint32(3600)
    seconds += _MONTH_START.take(month)
    hours -= np.uint64(24)  # a day 0 wraps
    good &= hours < _MONTH_HOURS.take(month)
    return seconds, good


def _months_of(digits: U32) -> tuple[U32, npt.NDArray[np.bool_]]:
    """Turn the octets YYMM into 100 × year + month, 0 where they are no digits; tell which are."""
    digits = digits ^ _ASCII4
    wrong = digits + _BEYOND_NINE4
    wrong |= digits
    wrong &= _HIGHEST4
    good = wrong == 0
    pairs = digits >> np.uint32(8)
    pairs *= np.uint32(10)
    pairs += digits
    pairs &= _PAIR4
    pairs *= _BY_100
    pairs >>= np.uint32(16)
    pairs *= good
    return pairs, good


# 30 0C 30 0A 06 03 55 1D | 55 1D 15 04 03 0A 01 rr                                              reasonCode alone
# 30 26 30 0A 06 03 55 1D | 55 1D 15 04 03 0A 01 rr | 30 18 06 03 55 1D 18 04 | 11 18 0F time    and invalidityDate
_REASON_ALONE = np.uint64(0x300C300A0603551D)
_REASON_FIRST = np.uint64(0x3026300A0603551D)
_REASON_VALUE = np.uint64(0x551D1504030A0100)
_INVALIDITY = np.uint64(0x30180603551D1804)
_INVALIDITY_TIME = np.uint64(0x11180F)


def _extensions(
    loads: U64, times: I64, extended: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32] | None, npt.NDArray[np.bool_]]:
    """Read reason and invalidity date of the two usual shapes; tell which rows have no other shape."""
    reason = np.full(len(times), ABSENT, dtype=np.uint8)
    good = np.ones(len(times), dtype=bool)
    rows = np.flatnonzero(extended)
    if not len(rows):
        return reason, None, good
    at = times[rows] + 15
    head = loads[at].astype(np.uint64)
    value = loads[at + 6].astype(np.uint64)
    code = (value & np.uint64(0xFF)).astype(np.uint8)
    shaped = ((value & ~np.uint64(0xFF)) == _REASON_VALUE) & REASONS_KNOWN[code]
    known = shaped & (head == _REASON_ALONE)
    both = np.flatnonzero(shaped & (head == _REASON_FIRST))
    invalidity = None
    if len(both):
        where = at[both] + 14
        dated = loads[where].astype(np.uint64) == _INVALIDITY
        dated &= loads[where + 8].astype(np.uint64) >> np.uint64(40) == _INVALIDITY_TIME
        seconds, exists = _generalized(loads, at[both] + 25)
        known[both] = dated & exists
        invalidity = np.full(len(times), NO_DATE, dtype=np.uint32)
        invalidity[rows[both]] = seconds
    good[rows] = known
    reason[rows] = code
    return reason, invalidity, good


def _generalized(loads: U64, at: I64) -> tuple[U32, npt.NDArray[np.bool_]]:
    """Read `YYYYMMDDHHMMSSZ` at each offset when the year is 1950–2049; others are left to the careful reader."""
    years = loads[at].astype(np.uint64)
    year, century_good = _months_of((years >> np.uint64(32)).astype(np.uint32))
    seconds, good = _moments((years >> np.uint64(16)).astype(np.uint32), loads[at + 6].astype(np.uint64))
    zulu = (loads[at + 7].astype(np.uint64) & np.uint64(0xFF)) == np.uint64(0x5A)
    return seconds, good & century_good & zulu & (year >= 1950) & (year < 2050)
