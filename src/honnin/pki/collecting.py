"""Collecting facts: all parsing and all cryptography of a verification (STYLE: facts first, verdict second).

    1. Tell by its first bytes what was signed: PDF, XML, CMS, a raw signature, or a format that is not understood.
    2. For each signature find the signer's certificate and check the value over the content.
    3. Read the certificate, look for its path, ask for its revocation.

Nothing here decides. A wrong signature is a fact; an error is raised only where the call itself cannot be right.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from honnin import __version__
from honnin.errors import FormatError, InputError
from honnin.pki.facts import Facts, Kind, SignatureFacts, SignerFacts
from honnin.pki.holder import Trust, signer_facts
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.keys import family_of
from honnin.pki.rfc5652 import looks_like_cms
from honnin.pki.rfc8017 import check_rsa
from honnin.pki.signed_content import SignedContent, digest_from

__all__ = ["collect", "gather"]

SOFTWARE = f"honnin {__version__}"
_TEXT_BEGINS = frozenset({b"%", b"<", b"-", b"\xef", b"\xff", b"\xfe", b"P", b"M", b"{", b" ", b"\n", b"\r", b"\t"})
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo (RFC 3161 §2.4.2)
_CONTENT_TYPE_WITHIN = 256
_PDF = re.compile(rb"%PDF-[0-9]")
_PDF_SEARCHED = 1024  # readers look for a header within the first kilobyte
_XML = re.compile(
    rb"(\xef\xbb\xbf)?\s*<(\?xml[ \t]|[!A-Za-z_][\x09\x0a\x0d\x20-\x7e]{30})"
    rb"|\xff\xfe<\x00|\xfe\xff\x00<"
)
_NOT_YET = {
    "a ZIP container": re.compile(rb"PK\x03\x04.{4}[\x00\x08]\x00", re.DOTALL),
    "S/MIME": re.compile(rb"MIME-Version:", re.IGNORECASE),
    "JSON": re.compile(rb"\{\s*\"[\x20-\x7e]{8}"),
}
_LONGEST_VALUE = 2048  # bytes: RSA with a modulus of 16,384 bits
_PEM = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----(.{1,90000000}?)-----END \1-----\s*\Z", re.DOTALL)


def collect(
    signed: bytes,
    *,
    content: bytes | None = None,
    certificate: bytes | None = None,
    digest: bytes | str | None = None,
    anchors: Iterable[bytes] | None = None,
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp: Iterable[bytes] = (),
    at: datetime,
    existed_at: datetime | None = None,
) -> Facts:
    """Return the facts of one verification; arguments and errors as `honnin.verify`."""
    trust = Trust(tuple(anchors or ()), tuple(intermediates), tuple(crls), tuple(ocsp))
    facts, _ = gather(signed, content, digest, certificate, trust, at, existed_at)
    return facts


def gather(
    signed: bytes,
    content: bytes | None,
    digest: bytes | str | None,
    certificate: bytes | Certificate | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[Facts, list[Certificate | None]]:
    """Return the facts with each signer's certificate, which the facts themselves do not hold."""
    if content is not None and digest is not None:
        raise InputError(
            "signature.content_and_digest",
            "Both the content and its digest were given.",
            next="Give one of them.",
        )
    given = None if digest is None else digest_from(digest)
    kind, octets = _told_apart(signed)
    beside = certificate if certificate is None or isinstance(certificate, bytes) else certificate.raw
    try:
        if kind == "raw":
            signer, found = _raw(octets, content, given, certificate, trust, at, existed_at)
            signers: tuple[SignerFacts, ...] = (signer,)
            certificates: list[Certificate | None] = [found]
        elif kind == "time_stamp":
            from honnin.pki.time_stamps import lone_stamp

            stamp, signers, certificates = lone_stamp(octets, content, given, beside, trust, at, existed_at)
            return Facts(
                software=SOFTWARE, kind=kind, at=at, existed_at=existed_at, signers=signers, time_stamp=stamp
            ), certificates
        elif kind == "cms":
            from honnin.pki.cms_signers import cms_signers

            signers, certificates = cms_signers(octets, content, given, beside, trust, at, existed_at)
        elif kind == "pdf":
            from honnin.pki.pdf_signers import pdf_signers

            signers, certificates = pdf_signers(octets, beside, trust, at, existed_at)
        else:
            from honnin.pki.xml_signers import xml_signers

            signers, certificates = xml_signers(octets, content, given, beside, trust, at, existed_at)
    except FormatError as error:
        malformed = Facts(software=SOFTWARE, kind=kind, at=at, existed_at=existed_at, malformed=error.code)
        return malformed, []
    return Facts(software=SOFTWARE, kind=kind, at=at, existed_at=existed_at, signers=signers), certificates


def _raw(
    signature: bytes,
    content: bytes | None,
    digest: bytes | None,
    certificate: bytes | Certificate | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[SignerFacts, Certificate]:
    if len(signature) > _LONGEST_VALUE:
        raise FormatError("signature.not_understood", "This is no signature in a format that is understood.")
    if certificate is None:
        raise InputError(
            "signature.certificate_missing",
            "A raw signature does not carry the signer's certificate.",
            next="Give the certificate that the card gave together with the signature.",
        )
    if content is None and digest is None:
        raise InputError(
            "signature.content_missing",
            "A raw signature does not carry what was signed.",
            next="Give the signed content, or its digest.",
        )
    parsed = parse_certificate(certificate) if isinstance(certificate, bytes) else certificate
    checked = _value(parsed, signature, SignedContent(content, digest))
    return signer_facts(parsed, checked, trust, at, existed_at), parsed


def _value(certificate: Certificate, signature: bytes, signed: SignedContent) -> SignatureFacts:
    try:
        key: Any = certificate.public_key()
    except FormatError:
        return SignatureFacts(result="unsupported", problem="key_unsupported", covers=signed.covers)
    family = family_of(key)
    if family == "rsa":
        return check_rsa(key, signature, signed)
    if family == "ec":
        from honnin.pki.ecdsa import check_ecdsa

        return check_ecdsa(key, signature, signed)
    return SignatureFacts(result="unsupported", problem="key_unsupported", covers=signed.covers)


def _is_short_xml(signed: bytes) -> bool:
    """Tell whether bytes are text from the first bracket to the last, which no signature value ever is."""
    text = signed.strip()
    if text[:1] != b"<" or text[-1:] != b">" or b"\0" in text:
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cms_kind(octets: bytes) -> Kind:
    """Tell a time stamp from other CMS by the type of its content, which stands near the beginning."""
    return "time_stamp" if _TST_INFO in octets[:_CONTENT_TYPE_WITHIN] else "cms"


def _told_apart(signed: bytes) -> tuple[Kind, bytes]:
    """Return what the signed bytes are, and those bytes in DER or BER.

    A raw signature may begin with any octet, so a format is believed only when its whole mark is there.
    Raises FormatError `signature.format_unknown`.
    """
    first = signed[:1]
    if first == b"\x30":
        if looks_like_cms(signed):
            return _cms_kind(signed), signed
        if signed[:6].count(b"\x30") > 1:
            from honnin.pki.time_stamps import token_in

            if (token := token_in(signed)) is not None:
                return "time_stamp", token
    if first in _TEXT_BEGINS:
        if pem := _PEM.match(signed):
            try:
                decoded = b64decode(pem[2], validate=False)
                return _cms_kind(decoded), decoded
            except ValueError:
                return "cms", b""
        if _PDF.match(signed):
            return "pdf", signed
        if _XML.match(signed) or _is_short_xml(signed):
            return "xml", signed
        for name, mark in _NOT_YET.items():
            if mark.match(signed):
                raise FormatError(
                    "signature.format_unknown",
                    f"This looks like {name}; understood are PDF, XML, raw signatures and CMS SignedData.",
                    next="Give a signed PDF or XML file, CMS, or a raw signature with content and certificate.",
                )
    if len(signed) > _LONGEST_VALUE and _PDF.search(signed, 0, _PDF_SEARCHED):
        return "pdf", signed
    return "raw", signed
