"""EF.SOD (ICAO Doc 9303-10 §4.6.2): the signed list of the data groups' digests, and its signature.

Reads the document security object and asks one signature; whether its signer is a State's is `passive`.
"""

import hashlib
from typing import Final

import msgspec

from honnin.chip.icao9303.tlv import only
from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.cms_signature import check_signer
from honnin.pki.facts import SignatureFacts
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5652 import SignedData, SignerInfo, read_signed_data
from honnin.pki.signed_content import SignedContent

__all__ = ["OTHER_CERTIFICATE", "WRONG_SIGNATURE", "SecurityObject", "parse_security_object", "signer_of"]

# id-icao-mrtd-security-ldsSecurityObject, and the two that early passports wrote in its place.
CONTENT_TYPES: Final = frozenset({"2.23.136.1.1.1", "1.3.27.1.1.1", "1.2.528.1.1006.1.20.1"})
HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
GROUPS: Final = range(1, 17)
WRONG_SIGNATURE: Final = "proof.signature_wrong"
OTHER_CERTIFICATE: Final = "proof.signer_other"
NO_CERTIFICATE: Final = "proof.signer_missing"
UNSUPPORTED: Final = "proof.signature_unsupported"


class SecurityObject(msgspec.Struct, frozen=True, kw_only=True):
    """The list of digests. digests: by data group number; lds_version: None in version 0."""

    version: int
    hash: str
    digests: dict[int, bytes]
    lds_version: str | None
    signed: SignedData

    def matches(self, group: int, content: bytes) -> bool:
        """Tell whether a data group's bytes have the digest that was signed for it."""
        digest = hashlib.new(self.hash, content, usedforsecurity=False).digest()
        return self.digests.get(group) == digest


def parse_security_object(content: bytes) -> SecurityObject:
    """Read EF.SOD (77{CMS}) or the CMS alone. Raises FormatError `passport.sod_malformed`."""
    try:
        signed = read_signed_data(content if content[:1] == b"\x30" else only(content, 0x77))
        if signed.content_type not in CONTENT_TYPES or signed.content is None:
            raise der.malformed("It signs something else than a list of digests.")
        version, name, digests, lds_version = _listed(signed.content)
    except FormatError as error:
        raise FormatError(
            "passport.sod_malformed",
            f"The chip's security object cannot be read: {error.message}",
            next="Place the document again; if it stays so, the chip is faulty or forged.",
        ) from None
    return SecurityObject(version=version, hash=name, digests=digests, lds_version=lds_version, signed=signed)


def signer_of(signed: SignedData, others: tuple[bytes, ...] = ()) -> tuple[Certificate | None, str]:
    """Return the document signer whose signature over the content holds, and the code of why there is none.

    signed: of EF.SOD or EF.CardSecurity. others: document signer certificates (DER) from elsewhere, for a file that
    carries none.
    """
    content = SignedContent(signed.content)
    certificates = [_readable(octets) for octets in (*signed.certificates, *others)]
    known = [certificate for certificate in certificates if certificate is not None]
    code = NO_CERTIFICATE if len(known) < len(certificates) or not known else OTHER_CERTIFICATE
    for signer in signed.signers:
        for candidate in (certificate for certificate in known if _is_named(signer, certificate)):
            facts = _checked(signer, signed, content, candidate)
            if facts.result == "valid":
                return candidate, ""
            code = UNSUPPORTED if facts.result == "unsupported" else WRONG_SIGNATURE
    return None, code


def _checked(
    signer: SignerInfo, signed: SignedData, content: SignedContent, certificate: Certificate
) -> SignatureFacts:
    try:
        return check_signer(signer, signed, content, certificate.public_key(), certificate)
    except FormatError:
        return SignatureFacts(result="unsupported", problem="key_unsupported", covers=content.covers)


def _readable(octets: bytes) -> Certificate | None:
    try:
        return parse_certificate(octets)
    except FormatError:
        return None


def _is_named(signer: SignerInfo, certificate: Certificate) -> bool:
    """Tell whether a signer names a certificate: by key identifier, or by issuer and serial number."""
    try:
        if signer.key_id is not None:
            return extensions.subject_key_identifier(certificate) == signer.key_id
        return signer.serial == certificate.serial_number and names_equal(signer.issuer or b"", certificate.issuer)
    except FormatError:
        return False


def _listed(octets: bytes) -> tuple[int, str, dict[int, bytes], str | None]:
    """Read LDSSecurityObject: version, hash, digests, LDS version."""
    start, stop = der.whole(octets, der.SEQUENCE)
    first, at = der.enclosed(octets, start, stop, der.INTEGER)
    version = der.integer(octets, first, at)
    algorithm, after = der.enclosed(octets, at, stop, der.SEQUENCE)
    oid_start, oid_stop = der.enclosed(octets, algorithm, after, der.OID)
    name = HASHES.get(der.oid(octets, oid_start, oid_stop))
    first, end = der.enclosed(octets, after, stop, der.SEQUENCE)
    if version not in {0, 1} or name is None:
        raise der.malformed("Its version or hash is not known.")
    digests: dict[int, bytes] = {}
    for item, item_end in der.items(octets, first, end, der.SEQUENCE):
        number_start, number_end = der.enclosed(octets, item, item_end, der.INTEGER)
        digest_start, digest_end = der.enclosed(octets, number_end, item_end, der.OCTET_STRING)
        number = der.integer(octets, number_start, number_end)
        if number not in GROUPS or number in digests or digest_end != item_end:
            raise der.malformed("A data group is listed twice, or is none.")
        digests[number] = octets[digest_start:digest_end]
    lds_version = None
    if end < stop:
        inside, _ = der.enclosed(octets, end, stop, der.SEQUENCE)
        text, text_end = der.enclosed(octets, inside, stop, 0x13)
        lds_version = octets[text:text_end].decode("ascii", "replace")
    return version, name, digests, lds_version
