"""Certificates and revocation data that a CMS signature keeps in its attributes, for later (material, never trust).

ETSI EN 319 122-1 §A.1 (certificate-values, revocation-values); ISO 32000-2 §12.8.3.3.2 (adbe-revocationInfoArchival).
What cannot be read counts as absent.
"""

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.rfc5652 import SignerInfo

__all__ = ["CERTIFICATE_VALUES", "REVOCATION_VALUES", "kept", "ocsp_response"]

CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23"
REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24"
ARCHIVED = "1.2.840.113583.1.1.8"
MOST = 256
_BASIC = der.encode_oid("1.3.6.1.5.5.7.48.1.1")

Kept = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]


def kept(signer: SignerInfo) -> Kept:
    """Return certificates, CRLs and OCSP answers (DER each) that a signer's attributes keep."""
    certificates: list[bytes] = []
    crls: list[bytes] = []
    ocsp: list[bytes] = []
    for value in signer.unsigned_values(CERTIFICATE_VALUES):
        certificates += _parts(value)
    for value in signer.unsigned_values(REVOCATION_VALUES):
        crls += _tagged(value, 0xA0)
        ocsp += [ocsp_response(basic) for basic in _tagged(value, 0xA1)]
    archived = signer.attribute(ARCHIVED)
    for value in archived.values if archived else ():
        crls += _tagged(value, 0xA0)
        ocsp += _tagged(value, 0xA1)
    return tuple(certificates[:MOST]), tuple(crls[:MOST]), tuple(ocsp[:MOST])


def ocsp_response(basic: bytes) -> bytes:
    """Return an OCSPResponse (RFC 6960 §4.2.1) around a BasicOCSPResponse, which is how CAdES keeps it."""
    inner = der.encode(der.SEQUENCE, _BASIC, der.encode(der.OCTET_STRING, basic))
    return der.encode(der.SEQUENCE, b"\x0a\x01\x00", der.encode(0xA0, inner))


def _parts(value: bytes) -> list[bytes]:
    try:
        start, stop = der.whole(value, der.SEQUENCE)
        return [value[at:end] for at, end in _spans(value, start, stop)]
    except FormatError:
        return []


def _tagged(value: bytes, tag: int) -> list[bytes]:
    """Return the members of the SEQUENCE under one context tag."""
    try:
        start, stop = der.whole(value, der.SEQUENCE)
        while start < stop:
            found, inner, end = der.read(value, start, stop)
            if found == tag:
                first, last = der.enclosed(value, inner, end, der.SEQUENCE)
                return [value[at:after] for at, after in _spans(value, first, last)]
            start = end
    except FormatError:
        pass
    return []


def _spans(value: bytes, at: int, end: int) -> list[tuple[int, int]]:
    spans = []
    while at < end:
        _, _, after = der.read(value, at, end)
        spans.append((at, after))
        at = after
    return spans
