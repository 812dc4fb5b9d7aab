"""JPKI certificates as typed values (my-number-card.md §5; the profile itself is data: `profiles.json`).

Every field of a distinguished name and every attribute is optional, unknown otherNames are passed over, and dates may
be partial. Trust is not judged here: whether a certificate is real or a test one is decided by its anchor.
"""

import json
import re
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from honnin.errors import FormatError
from honnin.identity.dates import from_certificate
from honnin.identity.four_items import SEX_CODES, FourItems, substituted_positions
from honnin.pki import der
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.keys import PublicKey
from honnin.pki.rfc5280.names import DIRECTORY_NAME, OTHER_NAME, URI, GeneralName

__all__ = [
    "Carrier",
    "JpkiCertificate",
    "PolicyProfile",
    "Purpose",
    "claimed_purpose",
    "distinguished_name",
    "four_items",
    "jpki_certificate",
    "key_name",
    "parse_jpki_certificate",
    "plain_attributes",
    "policy_profile",
    "purpose_by_key_usage",
]

Purpose = Literal["signature", "user_authentication"]
Carrier = Literal["card", "mobile"]
Environment = Literal["real", "test"]

OCSP = "1.3.6.1.5.5.7.48.1"
_OID_OCTETS = 12  # of an attribute's OID in DER; all have one length

# Attribute types of the names that J-LIS writes (RFC 4519), and the keywords of RFC 4514 §3.
_KEYWORDS = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}


class PolicyProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the policy table: what a certificate under this OID is for. purpose None: the key usage tells."""

    purpose: Purpose | None
    carrier: Carrier
    environment: Environment
    confidence: str
    source: str


class JpkiCertificate(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A holder's certificate, read. Its repr shows its purpose and carrier only.

    serial: 発行番号. issuer_key_id: authorityKeyIdentifier, empty where absent. key: `rsa-2048`, `ec-secp384r1` …
    prefecture, municipality: romanised, from the subject of a signature certificate. municipality_code: five digits.
    distribution_points: raw Names (DER) of the CRL distribution points.
    four_items: of a signature certificate; None where there are none.
    """

    purpose: Purpose
    carrier: Carrier
    environment: Environment
    generation: str
    policy: str
    serial: int
    issuer_key_id: bytes
    subject_key_id: bytes | None
    not_before: datetime
    not_after: datetime
    key: str
    prefecture: str | None = None
    municipality: str | None = None
    municipality_code: str | None = None
    distribution_points: tuple[bytes, ...] = ()
    ocsp_url: str | None = None
    four_items: FourItems | None = None

    def __repr__(self) -> str:
        return f"<JpkiCertificate {self.purpose} {self.carrier} {self.environment}>"


@cache
def _profiles() -> Any:
    return json.loads(files("honnin.pki").joinpath("profiles.json").read_text(encoding="utf-8"))


@cache
def _policies() -> dict[str, PolicyProfile]:
    return msgspec.convert(_profiles()["policies"], dict[str, PolicyProfile])


@lru_cache(maxsize=256)
def policy_profile(policies: frozenset[str] | tuple[str, ...]) -> tuple[str, PolicyProfile] | None:
    """Return the JPKI policy OID among a certificate's policies with its row; None where there is none.

    Raises FormatError `jpki.policy_unknown` for an OID of the JPKI arc that the table does not know, or for several.
    """
    table, arc = _policies(), _profiles()["policy_arc"] + "."
    known = [oid for oid in sorted(policies) if oid in table]
    if len(known) > 1 or any(oid.startswith(arc) and oid not in table for oid in policies):
        raise FormatError(
            "jpki.policy_unknown",
            "The certificate is under a JPKI policy that the profile table does not know, or under several.",
            next="Update the profile table, or refuse the certificate.",
        )
    return (known[0], table[known[0]]) if known else None


def parse_jpki_certificate(octets: bytes) -> JpkiCertificate:
    """Read a holder's certificate (DER).

    Raises FormatError `certificate.malformed`, `jpki.not_jpki`, `jpki.policy_unknown`, `jpki.attribute_malformed`.
    """
    return jpki_certificate(parse_certificate(octets))


def jpki_certificate(certificate: Certificate) -> JpkiCertificate:
    """Read a holder's certificate that has been parsed. Raises FormatError as `parse_jpki_certificate`."""
    try:
        return _read(certificate)
    except FormatError as error:
        if not error.code.startswith("der."):
            raise
        raise FormatError(
            "certificate.malformed",
            f"An extension of the certificate is malformed: {error.message}",
            next="Give one certificate in DER, as it was issued.",
        ) from None


def _read(certificate: Certificate) -> JpkiCertificate:
    found = policy_profile(extensions.certificate_policies(certificate) or frozenset())
    if found is None:
        raise FormatError(
            "jpki.not_jpki",
            "The certificate is under no policy of JPKI.",
            next="Give a signature or user authentication certificate of a My Number Card.",
        )
    policy, profile = found
    purpose = profile.purpose or purpose_by_key_usage(extensions.key_usage(certificate))
    subject = _attributes(certificate.subject)
    places = subject.get("2.5.4.7", ())
    identifier = extensions.authority_key_identifier(certificate)
    key = key_name(certificate.public_key())
    code = re.search(_profiles()["municipality_code"]["pattern"], subject.get("2.5.4.3", ("",))[0])
    return JpkiCertificate(
        purpose=purpose,
        carrier=profile.carrier,
        environment=_environment(certificate.issuer, profile),
        generation="next" if key.startswith("ec-") else "current",
        policy=policy,
        serial=certificate.serial_number,
        issuer_key_id=(identifier and identifier.key_identifier) or b"",
        subject_key_id=extensions.subject_key_identifier(certificate),
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key=key,
        prefecture=places[0] if len(places) > 1 else None,
        municipality=places[-1] if places else None,
        municipality_code=code["code"] if code else None,
        distribution_points=tuple(
            name.content
            for point in extensions.distribution_points(certificate)
            if point.name
            for name in point.name.full_names
            if name.tag == DIRECTORY_NAME
        ),
        ocsp_url=next(
            (
                place.content.decode("ascii", "replace")
                for method, place in extensions.access_descriptions(certificate)
                if method == OCSP and place.tag == URI
            ),
            None,
        ),
        four_items=four_items(certificate),
    )


def claimed_purpose(certificate: Certificate) -> Purpose | None:
    """Return which kind of JPKI certificate one claims to be, by policy and key usage; None where it claims neither.

    Remembered with the certificate's template, all of whose certificates say the same.
    """
    memory = (certificate.template or certificate).memory
    if "claimed_purpose" not in memory:
        memory["claimed_purpose"] = _claimed(certificate)
    claimed: Purpose | None = memory["claimed_purpose"]
    return claimed


def _claimed(certificate: Certificate) -> Purpose | None:
    try:
        found = policy_profile(extensions.certificate_policies(certificate) or frozenset())
        return found and (found[1].purpose or purpose_by_key_usage(extensions.key_usage(certificate)))
    except FormatError:
        return None


def purpose_by_key_usage(usage: int | None) -> Purpose:
    """Return what key usage bits say a JPKI certificate is for (§5.2, §5.3). Raises FormatError `jpki.not_jpki`."""
    if usage == extensions.DIGITAL_SIGNATURE | extensions.NON_REPUDIATION:
        return "signature"
    if usage == extensions.DIGITAL_SIGNATURE:
        return "user_authentication"
    raise FormatError(
        "jpki.not_jpki",
        "The key usage is that of neither kind of JPKI certificate.",
        next="Give a signature or user authentication certificate of a My Number Card.",
    )


def key_name(key: PublicKey) -> str:
    """Return a key's kind and size or curve: `rsa-2048`, `ec-secp384r1`; other kinds by their own name."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ec-{key.curve.name}"
    size = getattr(key, "key_size", None)
    kind = type(key).__name__.removesuffix("PublicKey").lower()
    return f"{kind}-{size}" if size else kind


def four_items(certificate: Certificate) -> FourItems | None:
    """Return the four items of a certificate's subjectAltName (§5.4); None where it has none of them.

    Raises FormatError `jpki.attribute_malformed`; a missing attribute is no error. Remembered with the certificate.
    """
    memory = certificate.memory
    if "four_items" in memory:
        remembered: FourItems | None = memory["four_items"]
        return remembered
    try:
        found = plain_attributes(certificate)
        if found is None:
            found = _other_names(extensions.subject_alternative_names(certificate))
        read = _four_items(found)
    except (FormatError, ValueError):
        raise FormatError(
            "jpki.attribute_malformed",
            "An attribute of the holder is not in the form that the profile prescribes.",
            next="Refuse the certificate; report it to its issuer.",
        ) from None
    memory["four_items"] = read
    return read


def _four_items(found: dict[str, str]) -> FourItems | None:
    if not found:
        return None
    birth_date = found.get("birth_date")
    return FourItems(
        name=found.get("name"),
        address=found.get("address"),
        birth_date=None if birth_date is None else from_certificate(birth_date),
        sex=SEX_CODES.get(found.get("sex", "")),
        name_substituted=substituted_positions(found.get("name_substituted", "")),
        address_substituted=substituted_positions(found.get("address_substituted", "")),
    )


def plain_attributes(certificate: Certificate) -> dict[str, str] | None:
    """Return the known attributes in subjectAltName by name, where it is made of nothing else, each at most once.

    None where there is anything else, or a text of more than 111 octets: `subject_alternative_names` reads all there
    can be. Remembered with the certificate.
    """
    memory = certificate.memory
    if "attributes" not in memory:
        extension = certificate.extensions.get(extensions.SUBJECT_ALTERNATIVE_NAME)
        memory["attributes"] = {} if extension is None else _plain_attributes(extension.value)
    found: dict[str, str] | None = memory["attributes"]
    return found


def _plain_attributes(value: bytes) -> dict[str, str] | None:
    headers = _attribute_headers()
    end = len(value)
    at = (2 if value[1] < 0x80 else value[1] - 0x7E) if end > 1 else end
    if at >= end or value[:at] != _begins(end - at):
        return None
    found: dict[str, str] = {}
    count = 0
    try:
        while at < end:
            text = at + _HEADER
            header = headers.get(value[at:text])
            if header is None:
                return None
            name, length = header
            at += length
            found[name] = value[text:at].decode()
            count += 1
    except UnicodeDecodeError:
        return None
    return found if at == end and count == len(found) else None


_HEADER = 18


@cache
def _attribute_headers() -> dict[bytes, tuple[str, int]]:
    """Return the attribute's name and the length of the whole by all that can stand before a text of 0 to 111 octets.

    otherName: A0 size, the OID, A0 size - 14, 0C size - 16, the text.
    """
    return {
        bytes((0xA0, size)) + oid + bytes((0xA0, size - 14, 0x0C, size - 16)): (name, size + 2)
        for oid, name in _attribute_names().items()
        for size in range(16, 0x80)
    }


@lru_cache(maxsize=1024)
def _begins(length: int) -> bytes:
    """Return the tag and length that a SEQUENCE of so many octets begins with."""
    return der.encode(der.SEQUENCE, bytes(length))[:-length]


def _other_names(names: tuple[GeneralName, ...]) -> dict[str, str]:
    """Return the known attributes among general names by name: otherName { OID, [0] UTF8String }."""
    known = _attribute_names()
    found: dict[str, str] = {}
    for general in names:
        content = general.content
        # An attribute's OID has one length: it is compared as it stands, and only then is the rest read.
        name = known.get(content[:_OID_OCTETS]) if general.tag == OTHER_NAME else None
        if name is None:
            continue
        if name in found:
            raise der.malformed("An attribute occurs twice.")
        found[name] = _text(content)
    return found


def _text(content: bytes) -> str:
    """Return the [0] UTF8String that follows an attribute's OID and ends the otherName."""
    end = len(content)
    # Up to 125 octets there is one header that is right, and most texts are as short.
    if 16 <= end < 142 and content[12:16] == bytes((0xA0, end - 14, 0x0C, end - 16)):
        return content[16:].decode("utf-8")
    start, stop = der.enclosed(content, _OID_OCTETS, end, 0xA0)
    text, last = der.enclosed(content, start, stop, 0x0C)
    if stop != end or last != end:
        raise der.malformed("Something follows an attribute's value.")
    return content[text:].decode("utf-8")


@cache
def _attribute_names() -> dict[bytes, str]:
    """Return the attributes' names by their OID in DER."""
    return {der.encode_oid(oid): name for oid, name in _profiles()["attributes"].items()}


@lru_cache(maxsize=256)
def _environment(issuer: bytes, profile: PolicyProfile) -> Environment:
    organisations = _attributes(issuer).get("2.5.4.10", ())
    real = profile.environment == "real" and set(organisations) <= set(_profiles()["organisations"]["real"])
    return "real" if real and organisations else "test"


def _attributes(name: bytes) -> dict[str, tuple[str, ...]]:
    """Return a Name's attribute values by type OID, in their order; undecodable characters are replaced."""
    found: dict[str, tuple[str, ...]] = {}
    for oid, text in _pairs(name):
        found[oid] = (*found.get(oid, ()), text)
    return found


def _pairs(name: bytes) -> list[tuple[str, str]]:
    pairs = []
    for first, last in der.items(name, *der.whole(name, der.SEQUENCE), der.SET):
        for start, stop in der.items(name, first, last, der.SEQUENCE):
            oid_start, at = der.enclosed(name, start, stop, der.OID)
            _, text, end = der.read(name, at, stop)
            pairs.append((der.oid(name, oid_start, at), name[text:end].decode("utf-8", "replace")))
    return pairs


def distinguished_name(name: bytes) -> str:
    """Return a Name (DER) in the string form of RFC 4514, last attribute first. Raises FormatError `der.malformed`."""
    return ",".join(f"{_KEYWORDS.get(oid, oid)}={_escaped(text)}" for oid, text in reversed(_pairs(name)))


def _escaped(text: str) -> str:
    escaped = re.sub(r'([,+"\\<>;=])', r"\\\1", text).replace("\0", r"\00")
    if escaped[:1] in {" ", "#"}:
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if escaped.endswith(" ") and len(escaped) > 1 else escaped
