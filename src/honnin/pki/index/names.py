"""Distribution point names (RFC 5280 §4.2.1.13, §5.2.5) as keys of the index.

A key is the DER of one GeneralName in hex, with directory names in the normal form of `rfc5280.names`, so that the name
in a certificate and the name in a CRL meet even where their string types differ.
"""

from collections.abc import Iterable
from typing import NamedTuple

from honnin.errors import FormatError, InputError
from honnin.pki.der import SEQUENCE, boolean, children, enclosed, encode, named_bits, read

__all__ = ["IssuingPoint", "certificate_points", "general_names", "issuing_point"]

DIRECTORY, URI = 0xA4, 0x86
REASONS_ALL = 0b1_1111_1110


class IssuingPoint(NamedTuple):
    """An issuingDistributionPoint: names (keys), kind of certificates, mask of reasons (None: all), indirect or not."""

    names: tuple[str, ...]
    kind: str
    reasons: int | None
    indirect: bool


def general_names(octets: bytes, start: int, stop: int) -> list[str]:
    """Return the keys of the GeneralNames between two offsets."""
    names = []
    at = start
    while at < stop:
        _, _, end = read(octets, at, stop)
        names.append(octets[at:end].hex())
        at = end
    return names


def issuing_point(value: bytes, issuer: bytes) -> IssuingPoint:
    """Read an issuingDistributionPoint (DER) of a CRL whose issuer is `issuer` (Name DER).

    Raises FormatError for one that is malformed or says two kinds at once.
    """
    start, stop = enclosed(value, 0, len(value), SEQUENCE)
    if stop != len(value):
        raise FormatError("index.malformed", "Something follows the issuing distribution point.")
    names: tuple[str, ...] = ()
    kinds: list[str] = []
    reasons: int | None = None
    indirect = False
    last = 0
    for tag, first, end in children(value, start, stop):
        if tag <= last & 0xFF and last:
            raise FormatError("index.malformed", "An issuing distribution point's members are out of order.")
        last = tag & 0x1F | 0x80
        number = tag & 0x1F
        if number == 0:
            names = tuple(sorted(_point_names(value, first, end, issuer)))
            if not names:
                raise FormatError("index.malformed", "An issuing distribution point has no name.")
        elif number == 1 and boolean(value, first, end):
            kinds.append("user")
        elif number == 2 and boolean(value, first, end):
            kinds.append("ca")
        elif number == 3:
            reasons = named_bits(value, first, end) & REASONS_ALL
        elif number == 4:
            indirect = boolean(value, first, end)
        elif number == 5 and boolean(value, first, end):
            kinds.append("attribute")
        elif number > 5:
            raise FormatError("index.malformed", "An issuing distribution point has an unknown member.")
    if len(kinds) > 1:
        raise FormatError("index.malformed", "An issuing distribution point names two kinds of certificates.")
    return IssuingPoint(names, kinds[0] if kinds else "all", reasons, indirect)


def _point_names(octets: bytes, start: int, stop: int, issuer: bytes | None) -> list[str]:
    """Return the keys of a DistributionPointName; a name relative to the CRL issuer needs that issuer."""
    tag, first, end = read(octets, start, stop)
    if tag == 0xA0:
        return general_names(octets, first, end)
    if tag == 0xA1 and issuer is not None:
        _, name_start, name_stop = read(issuer, 0, len(issuer))
        relative = encode(0x31, octets[first:end])
        return [encode(DIRECTORY, encode(SEQUENCE, issuer[name_start:name_stop], relative)).hex()]
    return []


def certificate_points(points: bytes | Iterable[bytes | str]) -> frozenset[str]:
    """Return the keys of a certificate's distribution points.

    points: the cRLDistributionPoints value (DER), or an iterable of GeneralName DER, Name DER, or URI as str.
    Raises InputError `index.points` for anything else.
    """
    try:
        if isinstance(points, bytes):
            return frozenset(_extension_points(points))
        return frozenset(_one(point) for point in points)
    except (FormatError, IndexError, TypeError) as error:
        raise InputError(
            "index.points",
            "The distribution points are not readable.",
            next="Give the certificate's cRLDistributionPoints value (DER), or its names.",
        ) from error


def _one(point: bytes | str) -> str:
    if isinstance(point, str):
        return encode(URI, point.encode("ascii", "replace")).hex()
    if point[:1] == b"\x30":
        return encode(DIRECTORY, point).hex()
    return point.hex()


def _extension_points(value: bytes) -> list[str]:
    tag, start, stop = read(value, 0, len(value))
    if tag in {DIRECTORY, URI}:
        return [value.hex()]
    names: list[str] = []
    for tag, first, end in children(value, start, stop):
        if tag == 0x31:  # a Name: a sequence of sets
            return [encode(DIRECTORY, value).hex()]
        for member, inner, inner_end in children(value, first, end):
            if member == 0xA0:
                names += _point_names(value, inner, inner_end, None)
    return names
