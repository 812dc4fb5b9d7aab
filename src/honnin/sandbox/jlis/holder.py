"""Holders' certificates, built byte for byte as sections 5.2 to 5.4 of the My Number Card sheet describe them."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from honnin.sandbox.jlis.authorities import Authority, key_usage, sign_certificate
from honnin.sandbox.jlis.keys import PrivateKey
from honnin.sandbox.jlis.names import authority_name_ja, distribution_point, holder_name
from honnin.sandbox.jlis.profile import KindProfile, profile

__all__ = ["Holder", "attributes", "build", "common_name", "ocsp_url"]

CN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """What a municipality's counter knows of a person at the moment of issuing.

    birth: nine characters `EYYYYMMDD` as the certificate writes them.
    name, address: as written in the certificate, non-standard glyphs already replaced.
    name_substituted, address_substituted: a string of `0` and `1`, one a character.
    """

    name: str
    address: str
    birth: str
    sex: str
    municipality: str
    name_substituted: str
    address_substituted: str


def common_name(kind: str, serial: int, municipality: str) -> str:
    """Return the issue identifier: 14 letters and digits, municipality, three digits, one letter; new each time."""
    digest = int.from_bytes(sha256(f"{kind}/{serial}".encode()).digest())
    characters = []
    for _ in range(14):
        digest, at = divmod(digest, len(CN_LETTERS))
        characters.append(CN_LETTERS[at])
    digest, number = divmod(digest, 1000)
    return f"{''.join(characters)}{municipality}{number:03d}{CN_LETTERS[digest % 26]}"


def attributes(holder: Holder) -> x509.SubjectAlternativeName:
    """Return the six otherNames in the order .1 .4 .3 .5 .2 .6."""
    values = {
        "name": holder.name,
        "birth_date": holder.birth,
        "sex": profile().sex[holder.sex],
        "address": holder.address,
        "name_substituted": holder.name_substituted,
        "address_substituted": holder.address_substituted,
    }
    return x509.SubjectAlternativeName(
        [
            x509.OtherName(x509.ObjectIdentifier(oid), _utf8_string(values[attribute]))
            for attribute, oid in profile().attributes.items()
        ]
    )


def ocsp_url(kind: KindProfile) -> str:
    """Return the address that a certificate names for OCSP."""
    return f"http://{kind.host}{profile().ocsp.path}"


def build(
    issuer: Authority, serial: int, holder: Holder, key: PrivateKey, not_before: datetime, not_after: datetime
) -> bytes:
    """Return one holder's certificate as DER."""
    shape = issuer.profile
    signature = shape.purpose == "signature"
    name = holder_name(shape, holder.municipality, common_name(issuer.kind, serial, holder.municipality))
    point = x509.DirectoryName(distribution_point(shape, holder.municipality))
    policy = x509.PolicyInformation(x509.ObjectIdentifier(shape.policy), [profile().cps])
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url(shape)))
    builder = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .issuer_name(issuer.certificate.subject)
        .subject_name(name)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .public_key(key.public_key())
        .add_extension(key_usage(digital_signature=True, content_commitment=signature), critical=True)
    )
    if signature:
        builder = builder.add_extension(attributes(holder), critical=False)
    builder = (
        builder.add_extension(x509.CertificatePolicies([policy]), critical=True)
        .add_extension(x509.IssuerAlternativeName([x509.DirectoryName(authority_name_ja(shape))]), critical=False)
        .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint([point], None, None, None)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.key_id, None, None), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return sign_certificate(builder, issuer.key, issuer.line_profile).public_bytes(Encoding.DER)


def _utf8_string(text: str) -> bytes:
    content = text.encode()
    size = len(content)
    if size < 0x80:
        return bytes((0x0C, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((0x0C, 0x80 | len(length))) + length + content
