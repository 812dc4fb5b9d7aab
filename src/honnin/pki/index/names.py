"""Which CRL is about which certificate (RFC 5280 §4.2.1.13, §5.2.5, §6.3.3 (b)): distribution points as keys.

A key is the SHA-256 of one GeneralName; of a directory name, its form prepared for comparison (`rfc5280.names`), so
that the name in a certificate and the name in a CRL meet even where their string types, case or spaces differ.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from honnin.errors import FormatError, InputError
from honnin.pki import der
from honnin.pki.rfc5280.crl import Scope, read_scope
from honnin.pki.rfc5280.extensions import DistributionPoint, PointName, read_distribution_points
from honnin.pki.rfc5280.names import DIRECTORY_NAME, URI, GeneralName, general_names, prepared

__all__ = ["IssuingPoint", "Point", "certificate_points", "issuing_point", "name_key", "unreadable_points"]


class IssuingPoint(NamedTuple):
    """An issuingDistributionPoint: names (keys), kind of certificates, mask of reasons (None: all), indirect or not."""

    names: tuple[str, ...] = ()
    kind: str = "all"
    reasons: int | None = None
    indirect: bool = False


class Point(NamedTuple):
    """A distribution point of a certificate: names (keys), mask of reasons (None: all), names of its cRLIssuer (keys).

    Where cRLIssuer stands, only an indirect CRL of that issuer is meant; None where it does not.
    """

    names: frozenset[str]
    reasons: int | None = None
    crl_issuers: frozenset[str] | None = None


@lru_cache(maxsize=1024)
def name_key(name: bytes) -> str:
    """Return the key of a Name (DER). Raises FormatError `der.malformed`."""
    return _key(GeneralName(DIRECTORY_NAME, name))


def _key(name: GeneralName) -> str:
    content: object = name.content
    if name.tag == DIRECTORY_NAME:
        content = [sorted(map(repr, relative)) for relative in prepared(name.content)]
    return hashlib.sha256(repr((name.tag, content)).encode()).hexdigest()


def issuing_point(value: bytes, issuer: bytes) -> IssuingPoint:
    """Read an issuingDistributionPoint (DER) of a CRL whose issuer is `issuer` (Name DER).

    Raises FormatError for one that is malformed or says two kinds at once.
    """
    scope: Scope = read_scope(value)
    kinds = {"user": scope.only_users, "ca": scope.only_authorities, "attribute": scope.only_attributes}
    named = [kind for kind, only in kinds.items() if only]
    if len(named) > 1:
        raise FormatError("index.malformed", "An issuing distribution point names two kinds of certificates.")
    names = tuple(sorted(_names(scope.name, issuer)))
    return IssuingPoint(names, named[0] if named else "all", scope.reasons, scope.indirect)


def _names(name: PointName | None, base: bytes) -> frozenset[str]:
    """Return the keys of a DistributionPointName; a relative one continues the Name `base`."""
    if name is None:
        return frozenset()
    if name.relative is None:
        return frozenset(map(_key, name.full_names))
    start, stop = der.whole(base, der.SEQUENCE)
    return frozenset({name_key(der.encode(der.SEQUENCE, base[start:stop], der.encode(der.SET, name.relative)))})


def certificate_points(points: bytes | str | Iterable[bytes | str], issuer: bytes) -> tuple[Point, ...]:
    """Return a certificate's distribution points; `issuer` is its issuer (Name DER).

    points: the cRLDistributionPoints value (DER), or names of points: GeneralName DER, Name DER, or URI as str; one or
    an iterable of them. Raises InputError `index.points` for anything else.
    """
    try:
        if isinstance(points, bytes) and _is_extension(points):
            return tuple(_point(point, issuer) for point in read_distribution_points(points))
        if isinstance(points, bytes | str):
            points = (points,)
        return tuple(Point(frozenset({_key(_one(point))})) for point in points)
    except (FormatError, ValueError, TypeError) as error:
        raise unreadable_points() from error


def unreadable_points() -> InputError:
    """Return the error for distribution points of no known form."""
    return InputError(
        "index.points",
        "The distribution points are not readable.",
        next="Give the certificate's cRLDistributionPoints value (DER), or its names.",
    )


def _is_extension(octets: bytes) -> bool:
    """Tell a sequence of points from a Name, which is a sequence of sets, and from a GeneralName."""
    start, stop = der.whole(octets, octets[0] if octets else der.SEQUENCE)
    return octets[0] == der.SEQUENCE and (start == stop or octets[start] != der.SET)


def _point(point: DistributionPoint, issuer: bytes) -> Point:
    directories = [name.content for name in point.crl_issuer if name.tag == DIRECTORY_NAME]
    bases = directories or [issuer]
    names = _names(point.name, bases[0])
    if point.name is not None and point.name.relative is not None and len(bases) > 1:
        names = frozenset()  # relative to which of them is not said
    if point.name is None:
        names = frozenset(map(_key, point.crl_issuer))
    crl_issuers = frozenset(map(name_key, directories)) if point.crl_issuer else None
    return Point(names, point.reasons, crl_issuers)


def _one(point: bytes | str) -> GeneralName:
    if isinstance(point, str):
        return GeneralName(URI, point.encode("ascii"))
    if point[:1] == b"\x30":
        der.whole(point, der.SEQUENCE)
        return GeneralName(DIRECTORY_NAME, point)
    (name,) = general_names(point, 0, len(point))
    return name
