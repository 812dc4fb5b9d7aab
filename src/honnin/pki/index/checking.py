"""Whether a CRL that was read may be believed: its extensions understood, its signer found, its time right.

RFC 5280 §5.2, §6.3.3 (f), (g). Issuers are those that the caller believes; whether their own certificates are valid is
the caller's to know. What may be signed with which algorithm and key is the dated table of `rfc5280.algorithms`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from honnin.errors import FormatError, StateError
from honnin.pki import der
from honnin.pki.index.names import IssuingPoint, issuing_point, name_key
from honnin.pki.index.stream import Crl
from honnin.pki.rfc5280.algorithms import NEVER, key_good_until, signature_good_until
from honnin.pki.rfc5280.certificate import Certificate, Extension, parse_certificate, read_extensions
from honnin.pki.rfc5280.keys import PublicKey, scheme

__all__ = ["Believed", "Checked", "believed", "check", "issuer_key_id"]

NUMBER, DELTA, POINT, AUTHORITY = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"
UNDERSTOOD = {NUMBER, DELTA, POINT, AUTHORITY}


@dataclass(frozen=True, slots=True)
class Believed:
    """An issuer whose CRLs are believed.

    key_id: hex. name: key of its subject (`names`). key: None where it cannot be used; good_until: the last moment at
    which a signature by it may be relied on.
    """

    certificate: Certificate
    key_id: str
    name: str
    signs_crls: bool
    key: PublicKey | None
    good_until: datetime


@dataclass(slots=True)
class Checked:
    """A CRL whose signature holds, with its extensions understood."""

    source: str
    crl: Crl
    issuer: Believed
    number: int | None
    delta_base: int | None
    point: IssuingPoint


def issuer_key_id(octets: bytes) -> bytes:
    """Return an issuer certificate's key id: its subjectKeyIdentifier, else SHA-1 of its key (RFC 5280 §4.2.1.2)."""
    certificate = parse_certificate(octets)
    identifier = certificate.extensions.get("2.5.29.14")
    if identifier is not None:
        start, stop = der.whole(identifier.value, der.OCTET_STRING)
        return identifier.value[start:stop]
    start, stop = der.whole(certificate.spki, der.SEQUENCE)
    _, _, key_at = der.read(certificate.spki, start, stop)
    first, last = der.enclosed(certificate.spki, key_at, stop, der.BIT_STRING)
    return hashlib.sha1(certificate.spki[first + 1 : last], usedforsecurity=False).digest()


def believed(certificates: Iterable[bytes]) -> list[Believed]:
    """Return the issuers of these certificates (DER). Raises FormatError for one that is malformed."""
    found: dict[tuple[str, bytes], Believed] = {}
    for octets in certificates:
        certificate = parse_certificate(octets)
        usage = certificate.extensions.get("2.5.29.15")
        signs = usage is None or bool(der.named_bits(usage.value, *der.whole(usage.value, der.BIT_STRING)) >> 6 & 1)
        try:
            key = certificate.public_key()
        except FormatError:
            key = None
        until = NEVER if key is None else key_good_until(key)
        key_id, name = issuer_key_id(octets).hex(), name_key(certificate.subject)
        issuer = Believed(certificate, key_id, name, signs, key, until)
        if signs or (issuer.key_id, certificate.spki) not in found:
            found[issuer.key_id, certificate.spki] = issuer
    return list(found.values())


def check(source: str, crl: Crl, issuers: Iterable[Believed], at: datetime) -> Checked:
    """Understand a CRL's extensions, find its signer, check its signature and its times.

    Raises FormatError or StateError with an `index.` code for a CRL that may not be used.
    """
    try:
        extensions = {} if crl.extensions is None else read_extensions(crl.extensions, 0, len(crl.extensions))
        _understood(extensions)
        point = extensions.get(POINT)
        issuing = IssuingPoint() if point is None else issuing_point(point.value, crl.issuer)
        number, delta_base = _number(extensions.get(NUMBER)), _number(extensions.get(DELTA))
        issuer = _signer(crl, name_key(crl.issuer), _authority_key(extensions.get(AUTHORITY)), issuers, at)
    except FormatError as error:
        if error.code.startswith("index."):
            raise
        raise FormatError("index.malformed", f"The CRL is malformed: {error.message}") from error
    if crl.issuers and not issuing.indirect:
        raise FormatError("index.malformed", "Entries name another issuer in a CRL that is not indirect.")
    if crl.this_update > at:
        raise StateError("index.not_yet", "The CRL is not valid yet.", next="Check the clock.")
    if crl.next_update is None:
        raise FormatError("index.no_next_update", "The CRL does not say how long it holds.")
    if crl.next_update < at:
        raise StateError("index.stale", "The CRL's next update has passed.", next="Fetch the current one.")
    return Checked(source, crl, issuer, number, delta_base, issuing)


def _understood(extensions: dict[str, Extension]) -> None:
    for name, extension in extensions.items():
        if extension.critical and name not in UNDERSTOOD:
            raise FormatError("index.critical", f"The CRL has the critical extension {name}, which is not known.")


def _signer(crl: Crl, name: str, key_id: str | None, issuers: Iterable[Believed], at: datetime) -> Believed:
    named = [issuer for issuer in issuers if issuer.name == name]
    if not named:
        raise FormatError("index.issuer_unknown", "None of the given issuers has the CRL's issuer name.")
    if signature_good_until(crl.signature_algorithm) < at:
        raise FormatError("index.algorithm", "The CRL is signed with an algorithm that is no longer good enough.")
    for issuer in [issuer for issuer in named if issuer.key_id == key_id] or named:
        if issuer.key is None or not _signed_by(crl, issuer.key):
            continue
        if not issuer.signs_crls:
            raise FormatError("index.issuer_not_allowed", "The issuer's certificate does not allow signing CRLs.")
        if issuer.good_until < at:
            raise FormatError("index.algorithm", "The CRL is signed with a key that is no longer long enough.")
        return issuer
    raise FormatError("index.signature", "The CRL's signature is not its issuer's.")


def _signed_by(crl: Crl, key: PublicKey) -> bool:
    """Check the signature over the digest that the pass computed."""
    how = scheme(crl.signature_algorithm)
    if how.hash is None:
        return False
    prehashed = Prehashed(how.hash)
    try:
        if how.family == "rsa" and isinstance(key, rsa.RSAPublicKey) and how.rsa_padding is not None:
            key.verify(crl.signature, crl.tbs_digest, how.rsa_padding, prehashed)
        elif how.family == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(crl.signature, crl.tbs_digest, ec.ECDSA(prehashed))
        elif how.family == "dsa" and isinstance(key, dsa.DSAPublicKey):
            key.verify(crl.signature, crl.tbs_digest, prehashed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _number(extension: Extension | None) -> int | None:
    """Return a cRLNumber or BaseCRLNumber (RFC 5280 §5.2.3: at most 20 octets)."""
    if extension is None:
        return None
    number = der.integer(extension.value, *der.whole(extension.value, der.INTEGER))
    if number < 0 or number.bit_length() > 160:
        raise FormatError("index.malformed", "A CRL number is negative or longer than 20 octets.")
    return number


def _authority_key(extension: Extension | None) -> str | None:
    if extension is None:
        return None
    start, stop = der.whole(extension.value, der.SEQUENCE)
    for tag, first, end in der.children(extension.value, start, stop):
        if tag == 0x80:
            return extension.value[first:end].hex()
    return None
