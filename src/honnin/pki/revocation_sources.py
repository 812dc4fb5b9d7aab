"""What revocation is judged by: CRLs and OCSP answers at hand, how old they may be, who may have signed a list.

How old is data: `revocation.json`. A list or answer that cannot be read is counted, because it might have told.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

import msgspec

from honnin.errors import FormatError, InputError
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.crl import Crl, parse_crl
from honnin.pki.rfc6960 import OcspResponse, parse_ocsp_response
from honnin.pki.verdict import Status

__all__ = [
    "Finding",
    "Revocation",
    "Signers",
    "age_fault",
    "clock_skew",
    "earliest",
    "ocsp_age",
    "read_revocation",
    "require_zone",
]


class Signers(msgspec.Struct, frozen=True):
    """How a CRL that the certificate's issuer did not sign itself finds a signer that may be believed.

    named: certificates whose subject is a name. trusted: whether one has a valid path to the same anchor.
    """

    named: Callable[[bytes], Sequence[Certificate]]
    trusted: Callable[[Certificate], bool]


class Revocation(msgspec.Struct, frozen=True):
    """What there is to judge by: parsed CRLs and answers, how many could not be read, and how old they may be."""

    crls: tuple[Crl, ...] = ()
    ocsp: tuple[OcspResponse, ...] = ()
    unreadable: int = 0
    max_age: timedelta | None = None


class Finding(msgspec.Struct, frozen=True):
    """The status, and whether any data that should have told it were there at all."""

    status: Status
    present: bool


def earliest(revoked: Sequence[Finding]) -> Finding:
    """Return the finding with the earliest revocation; one without a time counts as earliest of all."""
    return min(revoked, key=lambda found: found.status.revoked_at or _EVER)


_EVER = datetime.min.replace(tzinfo=UTC)


@cache
def _seconds() -> dict[str, int]:
    table: dict[str, int] = json.loads(files(__package__).joinpath("revocation.json").read_text(encoding="utf-8"))
    return table


@cache
def clock_skew() -> timedelta:
    """Return how far thisUpdate may lie after the moment asked about."""
    return timedelta(seconds=_seconds()["clock_skew_seconds"])


@cache
def ocsp_age() -> timedelta:
    """Return how old an answer without nextUpdate may be where the caller does not say."""
    return timedelta(seconds=_seconds()["ocsp_without_next_update_seconds"])


# Lists serve many judgements, so the last ones are remembered by their bytes, with their entries once walked.
_REMEMBERED_LISTS, _REMEMBERED_OCTETS = 128, 64 << 20
_lists: dict[bytes, Crl] = {}


def _remember(crl: Crl) -> Crl:
    if len(crl.raw) <= _REMEMBERED_OCTETS // 4:
        while _lists and (
            len(_lists) >= _REMEMBERED_LISTS or sum(map(len, _lists)) + len(crl.raw) > _REMEMBERED_OCTETS
        ):
            _lists.pop(next(iter(_lists)), None)
        _lists[crl.raw] = crl
    return crl


def require_zone(at: datetime) -> None:
    """Raise InputError `certificate.time_without_zone` for a moment without a zone."""
    if at.tzinfo is None:
        raise InputError(
            "certificate.time_without_zone", "The moment of judgement has no time zone.", next="Give an aware datetime."
        )


def read_revocation(
    crls: Iterable[bytes], ocsp: Iterable[bytes], max_age: timedelta | float | None = None
) -> Revocation:
    """Parse CRLs and OCSP answers (DER); what cannot be read is counted. max_age: seconds or timedelta.

    Raises InputError `certificate.max_age` for one that is no length of time.
    """
    limit = None if max_age is None else _limit(max_age)
    lists: list[Crl] = []
    answers: list[OcspResponse] = []
    unreadable = 0
    for octets in crls:
        known = _lists.get(octets)
        if known is None:
            try:
                known = _remember(parse_crl(octets))
            except FormatError:
                unreadable += 1
                continue
        lists.append(known)
    for octets in ocsp:
        try:
            answers.append(parse_ocsp_response(octets))
        except FormatError:
            unreadable += 1
    return Revocation(tuple(lists), tuple(answers), unreadable, limit)


def _limit(max_age: timedelta | float) -> timedelta:
    try:
        limit = max_age if isinstance(max_age, timedelta) else timedelta(seconds=max_age)
        if limit >= timedelta(0):
            return limit
    except (ValueError, OverflowError):  # no number, or no end
        pass
    raise InputError(
        "certificate.max_age",
        "How old revocation data may be is no length of time.",
        next="Give seconds, from 0 on; leave it out to take what the data say themselves.",
    )


def age_fault(this_update: datetime, next_update: datetime | None, at: datetime, limit: timedelta | None) -> str | None:
    if this_update > at + clock_skew():
        return "The revocation data are from after the moment asked about."
    if next_update is not None and at > next_update:
        return "The revocation data are past their next update."
    if limit is not None and at - this_update > limit:
        return "The revocation data are older than allowed."
    return None
