"""Certificate revocation lists over their original bytes (RFC 5280 §5): form, scope and entries.

Says what a list states, not whether it may be believed: signature, signer and time are for `honnin.pki.revocation`.
Entries are walked once for their form and remembered by serial number only when somebody asks for one.
"""

import re
from datetime import datetime
from typing import Any

import msgspec

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.der import malformed, read
from honnin.pki.rfc5280.certificate import Extension, read_extensions
from honnin.pki.rfc5280.extensions import PointName, point_name
from honnin.pki.rfc5280.names import DIRECTORY_NAME, general_names, prepared

__all__ = [
    "ALL_REASONS",
    "REASONS",
    "Crl",
    "Entry",
    "Scope",
    "effective_moment",
    "entries_for",
    "invalidity_date",
    "parse_crl",
    "read_scope",
]

CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
INVALIDITY_DATE = "2.5.29.24"
DELTA_CRL_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"

REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
ALL_REASONS = 0b1_1111_1110  # ReasonFlags 1 to 8; bit 0 is unused


class Entry(msgspec.Struct, frozen=True):
    """A revoked certificate: when, why, and (raw Name) whose certificate where the list is indirect.

    invalid_since: invalidityDate (§5.3.2), None where the entry has none.
    """

    revoked_at: datetime
    reason: str
    issuer: bytes | None
    invalid_since: datetime | None = None

    @property
    def effective(self) -> datetime:
        """From when on the certificate counts as revoked."""
        return effective_moment(self.revoked_at, self.reason, self.invalid_since)


def effective_moment(revoked_at: datetime, reason: str | None, invalid_since: datetime | None) -> datetime:
    """Return from when on a revocation counts: for a lost key, from when the issuer says that it was lost."""
    if invalid_since is not None and reason in {"keyCompromise", "cACompromise"}:
        return min(revoked_at, invalid_since)
    return revoked_at


def invalidity_date(stated: dict[str, Extension]) -> datetime | None:
    """Return invalidityDate among extensions, None where it is absent. Raises FormatError `der.malformed`."""
    extension = stated.get(INVALIDITY_DATE)
    if extension is None:
        return None
    start, stop = der.whole(extension.value, der.GENERALIZED_TIME)
    return der.time(extension.value, der.GENERALIZED_TIME, start, stop)


class Scope(msgspec.Struct, frozen=True):
    """issuingDistributionPoint (§5.2.5). `reasons` as named bits, None for all."""

    name: PointName | None = None
    only_users: bool = False
    only_authorities: bool = False
    only_attributes: bool = False
    reasons: int | None = None
    indirect: bool = False


class Crl(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The fields of a CRL as it was issued; names and algorithm are raw DER. `entries` are offsets into `raw`.

    base_number: deltaCRLIndicator's number; None for a complete list. fault: why the list may not be used, whatever
    its signature says.
    """

    raw: bytes
    tbs: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    entries: tuple[int, int]
    extensions: dict[str, Extension]
    signature_algorithm: bytes
    signature_value: bytes
    scope: Scope
    number: int | None
    base_number: int | None
    fault: str | None
    memory: dict[str, Any] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Crl of {len(self.raw)} bytes>"


def parse_crl(octets: bytes) -> Crl:
    """Return the CRL in `octets` (DER); its entries are read later. Raises FormatError `crl.malformed`."""
    try:
        return _crl(octets)
    except FormatError as error:
        raise _malformed(error) from None


def _malformed(error: FormatError) -> FormatError:
    return FormatError(
        "crl.malformed",
        f"Not a CRL of RFC 5280: {error.message}",
        next="Fetch the CRL again.",
    )


def _crl(octets: bytes) -> Crl:
    start, end = der.whole(octets, der.SEQUENCE)
    at, tbs_stop = der.enclosed(octets, start, end, der.SEQUENCE)
    _, algorithm_stop = der.enclosed(octets, tbs_stop, end, der.SEQUENCE)
    signature_start, signature_stop = der.enclosed(octets, algorithm_stop, end, der.BIT_STRING)
    if signature_stop != end:
        raise malformed("Something follows the signature.")
    algorithm = octets[tbs_stop:algorithm_stop]
    version = 1
    if at < tbs_stop and octets[at] == der.INTEGER:
        first, at = der.enclosed(octets, at, tbs_stop, der.INTEGER)
        if octets[first:at] != b"\x01":
            raise malformed("The version is not 2.")
        version = 2
    _, inner_stop = der.enclosed(octets, at, tbs_stop, der.SEQUENCE)
    if octets[at:inner_stop] != algorithm:
        raise malformed("The signed algorithm and the outer one differ.")
    _, issuer_stop = der.enclosed(octets, inner_stop, tbs_stop, der.SEQUENCE)
    issuer = octets[inner_stop:issuer_stop]
    if not prepared(issuer):
        raise malformed("The issuer has no name.")
    span = read(octets, issuer_stop, tbs_stop)
    this_update, at = der.time(octets, *span), span[2]
    next_update = None
    if at < tbs_stop and octets[at] in {der.UTC_TIME, der.GENERALIZED_TIME}:
        span = read(octets, at, tbs_stop)
        next_update, at = der.time(octets, *span), span[2]
    entries = (at, at)
    if at < tbs_stop and octets[at] == der.SEQUENCE:
        entries = der.enclosed(octets, at, tbs_stop, der.SEQUENCE)
        at = entries[1]
    stated: dict[str, Extension] = {}
    if at < tbs_stop:
        first, at = der.enclosed(octets, at, tbs_stop, 0xA0)
        if version != 2 or at != tbs_stop:
            raise malformed("Extensions stand in a list of version 1, or something follows them.")
        stated = read_extensions(octets, first, at)
    point = stated.get(ISSUING_DISTRIBUTION_POINT)
    scope = Scope() if point is None else read_scope(point.value)
    return Crl(
        raw=octets,
        tbs=octets[start:tbs_stop],
        issuer=issuer,
        this_update=this_update,
        next_update=next_update,
        entries=entries,
        extensions=stated,
        signature_algorithm=algorithm,
        signature_value=der.bits(octets, signature_start, signature_stop),
        scope=scope,
        number=_number(stated, CRL_NUMBER),
        base_number=_number(stated, DELTA_CRL_INDICATOR),
        fault=_fault(stated, scope),
        memory={"version": version},
    )


def _number(stated: dict[str, Extension], oid: str) -> int | None:
    if oid not in stated:
        return None
    value = stated[oid].value
    number = der.integer(value, *der.whole(value, der.INTEGER))
    if number < 0 or number.bit_length() > 160:
        raise malformed("A list's number is negative or longer than 20 octets.")
    return number


def read_scope(value: bytes) -> Scope:
    """Return what an issuingDistributionPoint (DER) says. Raises FormatError `der.malformed`."""
    found: dict[int, Any] = {}
    for tag, start, stop in der.children(value, *der.whole(value, der.SEQUENCE)):
        if any(tag & 0x1F <= earlier & 0x1F for earlier in found):
            raise malformed("An issuing distribution point is out of order.")
        if tag == 0xA0:
            found[tag] = point_name(value, start, stop)
        elif tag == 0x83:
            found[tag] = der.named_bits(value, start, stop)
        elif tag in {0x81, 0x82, 0x84, 0x85}:
            found[tag] = der.boolean(value, start, stop)
            if not found[tag]:
                raise malformed("A default value is written out.")
        else:
            raise malformed("An issuing distribution point has an unknown field.")
    return Scope(
        name=found.get(0xA0),
        only_users=0x81 in found,
        only_authorities=0x82 in found,
        reasons=found.get(0x83),
        indirect=0x84 in found,
        only_attributes=0x85 in found,
    )


def _fault(stated: dict[str, Extension], scope: Scope) -> str | None:
    for oid, extension in stated.items():
        if extension.critical and oid not in {ISSUING_DISTRIBUTION_POINT, DELTA_CRL_INDICATOR}:
            return f"The list has the critical extension {oid}, which is not understood or must not be critical."
    if scope.only_users + scope.only_authorities + scope.only_attributes > 1:
        return "The list's scope names more than one kind of certificate (§5.2.5)."
    return None


def entries_for(crl: Crl, serial_number: int) -> tuple[Entry, ...]:
    """Return the entries that carry a serial number, in list order.

    Raises FormatError `crl.malformed` for entries of a wrong form and `crl.entry_unknown` where any entry has a
    critical extension that is not understood: then the list says nothing of any certificate (§5.3).
    """
    table: dict[int, list[int]] | None = crl.memory.get("entries")
    try:
        if table is None:
            table = crl.memory["entries"] = _table(crl)
        found = table.get(serial_number)
        if found is None:
            return ()
        issuers: dict[int, bytes] = crl.memory.get("issuers", {})
        return tuple(_entry_at(crl, at, issuers.get(at)) for at in found)
    except FormatError as error:
        if error.code == "crl.entry_unknown":
            raise
        raise _malformed(error) from None


def _table(crl: Crl) -> dict[int, list[int]]:
    """Return where the entries of each serial number stand, after judging the form of all.

    Nearly all entries of a list have one of two shapes, which are told by their lengths: serial number and UTCTime,
    with or without a reason. Others are read value by value.
    """
    octets = crl.raw
    at, stop = crl.entries
    shape = (_PLAIN if crl.memory["version"] == 2 else _PLAINEST).fullmatch
    plain = not crl.scope.indirect
    table: dict[int, list[int]] = {}
    issuer: bytes | None = None
    from_bytes = int.from_bytes
    while at < stop:
        start = at
        size = octets[at + 3]
        number = at + 4
        at += octets[at + 1] + 2
        if (
            plain
            and at <= stop
            and 0 < size < 0x60
            and octets[start] == 0x30
            and octets[start + 2] == 0x02
            and shape(octets, number + size, at)
            and (size == 1 or not _PADDED.match(octets, number))
        ):
            serial = from_bytes(octets[number : number + size], "big", signed=True)
        else:
            serial, at, issuer = _walk(crl, start, stop, issuer)
        found = table.get(serial)
        if found is None:
            table[serial] = [start]
        else:
            found.append(start)
    return table


# What follows the serial number of a plain entry: UTCTime, and in version 2 perhaps a reasonCode that is not critical.
_PLAINEST = re.compile(rb"\x17\x0d[0-9]{12}Z")
_PLAIN = re.compile(
    _PLAINEST.pattern + rb"(?:\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01[\x00-\x06\x08-\x0a])?"
)
_PADDED = re.compile(rb"\x00[\x00-\x7f]|\xff[\x80-\xff]")  # an INTEGER with a superfluous first octet


def _walk(crl: Crl, at: int, end: int, issuer: bytes | None) -> tuple[int, int, bytes | None]:
    """Read one entry value by value; returns its serial number, where it ends, and whose entries follow."""
    octets = crl.raw
    first, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    number, number_stop = der.enclosed(octets, first, stop, der.INTEGER)
    span = read(octets, number_stop, stop)
    der.time(octets, *span)
    if span[2] < stop:
        if crl.memory["version"] != 2:
            raise malformed("Entries of a list of version 1 have extensions.")
        _, named, _ = _entry_extensions(read_extensions(octets, span[2], stop))
        if named is not None:
            if not crl.scope.indirect:
                raise malformed("An entry names a certificate issuer in a list that is not indirect.")
            issuer = named
    if issuer is not None:
        crl.memory.setdefault("issuers", {})[at] = issuer
    return der.integer(octets, number, number_stop), stop, issuer


def _entry_at(crl: Crl, at: int, issuer: bytes | None) -> Entry:
    octets = crl.raw
    _, first, stop = read(octets, at, crl.entries[1])
    span = read(octets, read(octets, first, stop)[2], stop)
    reason, since = "unspecified", None
    if span[2] < stop:
        reason, _, since = _entry_extensions(read_extensions(octets, span[2], stop))
    return Entry(der.time(octets, *span), reason, issuer, since)


def _entry_extensions(stated: dict[str, Extension]) -> tuple[str, bytes | None, datetime | None]:
    reason, issuer = "unspecified", None
    for oid, extension in stated.items():
        value = extension.value
        if oid == CERTIFICATE_ISSUER:
            names = [n for n in general_names(value, *der.whole(value, der.SEQUENCE)) if n.tag == DIRECTORY_NAME]
            if len(names) != 1:
                raise malformed("An entry's certificate issuer is not one directory name.")
            issuer = names[0].content
        elif extension.critical and oid != REASON_CODE:
            raise FormatError(
                "crl.entry_unknown",
                f"An entry has the critical extension {oid}, which is not understood.",
                next="Use another source of revocation data.",
            )
        elif oid == REASON_CODE:
            code = der.integer(value, *der.whole(value, der.ENUMERATED))
            if code not in REASONS:
                raise malformed("An entry has an unknown reason.")
            reason = REASONS[code]
    return reason, issuer, invalidity_date(stated)
