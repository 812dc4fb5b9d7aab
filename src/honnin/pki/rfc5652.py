"""CMS SignedData (RFC 5652 §5, §11): read into plain values over the bytes that came, attached or detached.

Reads form and what contradicts itself inside one signer; the cryptography is in `cms_signature`, trust in `judging`.
Streamed BER (indefinite lengths) is made definite first. Unsigned attributes are read when asked for, in `carried`.
"""

from datetime import datetime

import msgspec

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.ber import definite
from honnin.pki.der import malformed

__all__ = ["DATA", "SIGNED_DATA", "Attribute", "SignedData", "SignerInfo", "looks_like_cms", "read_signed_data"]

SIGNED_DATA = "1.2.840.113549.1.7.2"
DATA = "1.2.840.113549.1.7.1"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # RFC 5940: revocation data in `crls`

# One file costs about a path and two public-key operations a signer; more than these is an attack or a mistake.
MOST_SIGNERS = 32
MOST_CERTIFICATES = 256
MOST_ATTRIBUTES = 256

_PKCS7 = bytes.fromhex("06092a864886f70d0107")
_ATTRIBUTES = ((CONTENT_TYPE, 0x06), (MESSAGE_DIGEST, 0x04))


class Attribute(msgspec.Struct, frozen=True):
    """One signed attribute: its values as raw DER."""

    oid: str
    values: tuple[bytes, ...]


class SignerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One signer. issuer, serial or key_id names its certificate; algorithms are raw AlgorithmIdentifier DER.

    signed_attributes: None where there are none; signed_octets: what was signed then, the attributes as a SET OF.
    unsigned: the content of the unsigned attributes, not read yet.
    """

    issuer: bytes | None = None
    serial: int | None = None
    key_id: bytes | None = None
    digest_algorithm: bytes
    signature_algorithm: bytes
    signature: bytes
    signed_attributes: tuple[Attribute, ...] | None = None
    signed_octets: bytes | None = None
    unsigned: bytes | None = None

    def attribute(self, oid: str) -> Attribute | None:
        """Return a signed attribute by its OID; no OID occurs twice."""
        return next((found for found in self.signed_attributes or () if found.oid == oid), None)

    def unsigned_values(self, oid: str) -> tuple[bytes, ...]:
        """Return the values (DER) of an unsigned attribute; what cannot be read counts as absent."""
        found: list[bytes] = []
        octets = self.unsigned or b""
        try:
            for start, stop in der.items(octets, 0, len(octets), der.SEQUENCE):
                first, after = der.enclosed(octets, start, stop, der.OID)
                if der.oid(octets, first, after) != oid:
                    continue
                at, end = der.enclosed(octets, after, stop, der.SET)
                while at < end and len(found) < MOST_ATTRIBUTES:
                    _, _, value_stop = der.read(octets, at, end)
                    found.append(octets[at:value_stop])
                    at = value_stop
        except FormatError:
            pass
        return tuple(found)

    def one_value(self, oid: str, tag: int) -> bytes | None:
        """Return the content of an attribute's only value; None where absent, several or of another type."""
        found = self.attribute(oid)
        if found is None or len(found.values) != 1 or found.values[0][0] != tag:
            return None
        start, stop = der.whole(found.values[0], tag)
        return found.values[0][start:stop]

    @property
    def signing_time(self) -> datetime | None:
        """The time that the signer claims (§11.3); proof of nothing."""
        found = self.attribute(SIGNING_TIME)
        if found is None or len(found.values) != 1:
            return None
        try:
            return der.time(found.values[0], *der.read(found.values[0], 0, len(found.values[0])))
        except FormatError:
            return None


class SignedData(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a SignedData. content is None where it is detached; certificates, crls and ocsp are DER."""

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def looks_like_cms(octets: bytes) -> bool:
    """Tell whether bytes begin like a ContentInfo of PKCS #7 or CMS, whole or cut off."""
    if octets[:1] != b"\x30" or len(octets) < 2 or octets[1] > 0x84:
        return False
    at = 2 + (octets[1] & 0x7F if octets[1] > 0x80 else 0)
    return _PKCS7.startswith(octets[at : at + len(_PKCS7)])


def read_signed_data(octets: bytes) -> SignedData:
    """Read a ContentInfo that holds SignedData. Raises FormatError `signature.cms_malformed`."""
    try:
        try:
            return _content_info(octets)
        except FormatError:
            return _content_info(definite(octets))
    except FormatError as error:
        raise FormatError(
            "signature.cms_malformed",
            f"Not a CMS SignedData of RFC 5652: {error.message}",
            next="Give the whole file as the signing program wrote it.",
        ) from None


def is_attribute_set(octets: bytes) -> bool:
    """Tell whether content is itself a SET of signed attributes.

    A signature over attributes, shown again without them, would otherwise pass for one over such content.
    """
    if octets[:1] != b"\x31":
        return False
    try:
        attributes = _attributes(octets, *der.whole(octets, der.SET))
    except FormatError:
        return False
    return {oid for oid, _ in _ATTRIBUTES} <= {attribute.oid for attribute in attributes}


def _content_info(octets: bytes) -> SignedData:
    start, stop = der.whole(octets, der.SEQUENCE)
    first, at = der.enclosed(octets, start, stop, der.OID)
    if der.oid(octets, first, at) != SIGNED_DATA:
        raise malformed("The content is of another type than SignedData.")
    inner, end = der.enclosed(octets, at, stop, 0xA0)
    at, last = der.enclosed(octets, inner, end, der.SEQUENCE)
    if end != stop or last != end:
        raise malformed("Something follows the SignedData.")
    version, at = der.enclosed(octets, at, last, der.INTEGER)
    if der.integer(octets, version, at) not in (1, 3, 4, 5):
        raise malformed("The version is none of RFC 5652.")
    _, at = der.enclosed(octets, at, last, der.SET)  # digestAlgorithms: a hint for one pass, not needed here
    content_type, content, at = _encapsulated(octets, at, last)
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    if at < last and octets[at] == 0xA0:
        first, at = der.enclosed(octets, at, last, 0xA0)
        certificates = _certificates(octets, first, at)
    if at < last and octets[at] == 0xA1:
        first, at = der.enclosed(octets, at, last, 0xA1)
        crls, ocsp = _revocation(octets, first, at)
    first, at = der.enclosed(octets, at, last, der.SET)
    if at != last:
        raise malformed("Something follows the signers.")
    return SignedData(
        content_type=content_type,
        content=content,
        certificates=certificates,
        crls=crls,
        ocsp=ocsp,
        signers=_signers(octets, first, at),
    )


def _encapsulated(octets: bytes, at: int, end: int) -> tuple[str, bytes | None, int]:
    """Read EncapsulatedContentInfo (§5.2): the type, the content or None, and where it ends."""
    start, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    first, at = der.enclosed(octets, start, stop, der.OID)
    content_type = der.oid(octets, first, at)
    if at == stop:
        return content_type, None, stop
    first, inner_end = der.enclosed(octets, at, stop, 0xA0)
    first, last = der.enclosed(octets, first, inner_end, der.OCTET_STRING)
    if inner_end != stop or last != inner_end:
        raise malformed("Something follows the content.")
    return content_type, octets[first:last], stop


def _certificates(octets: bytes, at: int, end: int) -> tuple[bytes, ...]:
    """Return the X.509 certificates of a CertificateSet; attribute and other certificates are left out."""
    found: list[bytes] = []
    count = 0
    while at < end:
        tag, _, stop = der.read(octets, at, end)
        count += 1
        if count > MOST_CERTIFICATES:
            raise malformed(f"There are more than {MOST_CERTIFICATES} certificates.")
        if tag == der.SEQUENCE:
            found.append(octets[at:stop])
        at = stop
    return tuple(found)


def _revocation(octets: bytes, at: int, end: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the CRLs and the OCSP answers of RevocationInfoChoices (§10.2.1, RFC 5940)."""
    crls: list[bytes] = []
    ocsp: list[bytes] = []
    count = 0
    while at < end:
        tag, start, stop = der.read(octets, at, end)
        if tag == der.SEQUENCE:
            crls.append(octets[at:stop])
        elif tag == 0xA1:
            first, after = der.enclosed(octets, start, stop, der.OID)
            if der.oid(octets, first, after) == OCSP_RESPONSE:
                ocsp.append(octets[after:stop])
        at = stop
        count += 1
        if count > MOST_CERTIFICATES:
            raise malformed(f"There are more than {MOST_CERTIFICATES} revocation lists and answers.")
    return tuple(crls), tuple(ocsp)


def _signers(octets: bytes, at: int, end: int) -> tuple[SignerInfo, ...]:
    signers: list[SignerInfo] = []
    for start, stop in der.items(octets, at, end, der.SEQUENCE):
        if len(signers) == MOST_SIGNERS:
            raise malformed(f"There are more than {MOST_SIGNERS} signers.")
        signers.append(_signer(octets, start, stop))
    if not signers:
        raise malformed("Nobody signed: it only carries certificates.")
    return tuple(signers)


def _signer(octets: bytes, at: int, end: int) -> SignerInfo:
    version, at = der.enclosed(octets, at, end, der.INTEGER)
    if der.integer(octets, version, at) not in (1, 3):
        raise malformed("A signer's version is none of RFC 5652.")
    issuer = serial = key_id = None
    tag, first, stop = der.read(octets, at, end)
    if tag == der.SEQUENCE:
        _, name_stop = der.enclosed(octets, first, stop, der.SEQUENCE)
        issuer = octets[first:name_stop]
        number, number_stop = der.enclosed(octets, name_stop, stop, der.INTEGER)
        serial = der.integer(octets, number, number_stop)
        if number_stop != stop:
            raise malformed("A signer's identifier has more than issuer and serial.")
    elif tag == 0x80:
        key_id = octets[first:stop]
    else:
        raise malformed("A signer's identifier is of an unknown kind.")
    _, algorithm_stop = der.enclosed(octets, stop, end, der.SEQUENCE)
    digest_algorithm = octets[stop:algorithm_stop]
    at = algorithm_stop
    attributes: tuple[Attribute, ...] | None = None
    signed_octets = None
    if at < end and octets[at] == 0xA0:
        first, stop = der.enclosed(octets, at, end, 0xA0)
        attributes = _attributes(octets, first, stop)
        signed_octets = b"\x31" + octets[at + 1 : stop]
        at = stop
    _, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    signature_algorithm = octets[at:stop]
    first, at = der.enclosed(octets, stop, end, der.OCTET_STRING)
    signature = octets[first:at]
    unsigned = None
    if at < end:
        first, at = der.enclosed(octets, at, end, 0xA1)
        unsigned = octets[first:at]
    if at != end:
        raise malformed("Something follows a signer.")
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest_algorithm=digest_algorithm,
        signature_algorithm=signature_algorithm,
        signature=signature,
        signed_attributes=attributes,
        signed_octets=signed_octets,
        unsigned=unsigned,
    )


def _attributes(octets: bytes, at: int, end: int) -> tuple[Attribute, ...]:
    """Read SignedAttributes (§5.3): at least one, each OID once (§11)."""
    found: dict[str, Attribute] = {}
    count = 0
    for start, stop in der.items(octets, at, end, der.SEQUENCE):
        first, after = der.enclosed(octets, start, stop, der.OID)
        oid = der.oid(octets, first, after)
        if count == MOST_ATTRIBUTES:
            raise malformed(f"There are more than {MOST_ATTRIBUTES} signed attributes.")
        values_at, values_stop = der.enclosed(octets, after, stop, der.SET)
        if values_stop != stop:
            raise malformed("A signed attribute has more than values.")
        values: list[bytes] = []
        while values_at < values_stop and len(values) <= MOST_ATTRIBUTES:
            _, _, value_stop = der.read(octets, values_at, values_stop)
            values.append(octets[values_at:value_stop])
            values_at = value_stop
        found[oid] = Attribute(oid, tuple(values))
        count += 1
    if not found or count != len(found):
        raise malformed("There are no signed attributes in their place, or one occurs twice.")
    return tuple(found.values())
