"""Where a certificate's CRL is filed: the names of its distribution points (My Number Card sheet, section 6.1)."""

from dataclasses import dataclass
from itertools import islice

from honnin.errors import FormatError, ServiceError
from honnin.pki import der
from honnin.pki.jpki import distinguished_name
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier, distribution_points

__all__ = ["Point", "crl_points", "whole_object"]

DIRECTORY_NAME = 0xA4
MOST_POINTS = 2  # J-LIS names one (section 6.1); each is a download


@dataclass(frozen=True, slots=True)
class Point:
    """One distribution point.

    name: raw Name (DER). directory_name: the same in the string form of RFC 4514.
    issuer_key_id: the certificate's authority key identifier, as one name serves every generation of CA keys.
    """

    name: bytes
    directory_name: str
    issuer_key_id: bytes


def crl_points(certificate: bytes) -> tuple[Point, ...]:
    """Return a certificate's (DER) first distribution points, each once and `MOST_POINTS` at most.

    Raises ServiceError `jlis.no_address`, FormatError.
    """
    parsed = parse_certificate(certificate)
    identifier = authority_key_identifier(parsed)
    key_id = (identifier.key_identifier if identifier else None) or b""
    names = dict.fromkeys(
        name.content
        for point in distribution_points(parsed)
        if point.name is not None
        for name in point.name.full_names
        if name.tag == DIRECTORY_NAME
    )
    found = tuple(Point(name, distinguished_name(name), key_id) for name in islice(names, MOST_POINTS))
    if not found:
        raise ServiceError("jlis.no_address", "The certificate names no directory entry for a CRL.")
    return found


def whole_object(content: bytes) -> bytes:
    """Return DER that is one whole SEQUENCE. Raises ServiceError `jlis.answer_malformed` for cut or other bytes."""
    try:
        der.whole(content, der.SEQUENCE)
    except FormatError as error:
        raise ServiceError(
            "jlis.answer_malformed",
            "What came is not a whole CRL.",
            next="Ask again, or ask another source.",
            retryable=True,
        ) from error
    return content
