"""CMS SignedData made by asn1crypto, so that a test can make every mistake in it."""

import hashlib
from collections.abc import Callable
from typing import Any

from asn1crypto import algos, cms, core, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from tests.pki.signing import NOW, rsa_key

Sign = Callable[[bytes], bytes]
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"


def pkcs1(key: rsa.RSAPrivateKey | None = None, algorithm: hashes.HashAlgorithm | None = None) -> Sign:
    return lambda octets: (key or rsa_key()).sign(octets, padding.PKCS1v15(), algorithm or hashes.SHA256())


def pss(key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm, mask: hashes.HashAlgorithm, salt: int) -> Sign:
    return lambda octets: key.sign(octets, padding.PSS(padding.MGF1(mask), salt), algorithm)


def ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm) -> Sign:
    return lambda octets: key.sign(octets, ec.ECDSA(algorithm))


def attributes(
    content: bytes, *, digest: str = "sha256", content_type: str = "data", extra: list[Any] | None = None
) -> list[Any]:
    return [
        cms.CMSAttribute({"type": "content_type", "values": [content_type]}),
        cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": NOW})]}),
        cms.CMSAttribute({"type": "message_digest", "values": [hashlib.new(digest, content).digest()]}),
        *(extra or []),
    ]


def raw_attribute(oid: str, *values: bytes) -> cms.CMSAttribute:
    """An attribute whose values are DER as given."""
    content = core.ObjectIdentifier(oid).dump() + _tlv(0x31, b"".join(values))
    return cms.CMSAttribute.load(_tlv(0x30, content))


def signing_certificate_v2(certificate: bytes) -> cms.CMSAttribute:
    identifier = _tlv(0x30, _tlv(0x04, hashlib.sha256(certificate).digest()))
    return raw_attribute(SIGNING_CERTIFICATE_V2, _tlv(0x30, _tlv(0x30, identifier)))


def signer(
    certificate: bytes,
    signed: list[Any] | bytes,
    sign: Sign,
    *,
    digest: str = "sha256",
    algorithm: str | dict[str, Any] = "rsassa_pkcs1v15",
    by_key_id: bool = False,
) -> cms.SignerInfo:
    """A SignerInfo over signed attributes (a list), or over content (bytes) without them."""
    holder = x509.Certificate.load(certificate)
    named = (
        cms.SignerIdentifier("subject_key_identifier", holder.key_identifier_value)
        if by_key_id
        else cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": holder.issuer, "serial_number": holder.serial_number}
        )
    )
    chosen = algorithm if isinstance(algorithm, dict) else {"algorithm": algorithm}
    fields: dict[str, Any] = {
        "version": "v3" if by_key_id else "v1",
        "sid": named,
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "signature_algorithm": algos.SignedDigestAlgorithm(chosen),
    }
    if isinstance(signed, bytes):
        fields["signature"] = sign(signed)
    else:
        together = cms.CMSAttributes(signed)
        fields["signed_attrs"] = together
        fields["signature"] = sign(b"\x31" + together.dump()[1:])
    return cms.SignerInfo(fields)


def signed_data(
    content: bytes | None,
    signers: list[cms.SignerInfo],
    certificates: list[bytes],
    *,
    crls: list[bytes] | None = None,
) -> bytes:
    """A ContentInfo; content None for a detached signature."""
    inside: dict[str, Any] = {"content_type": "data"}
    if content is not None:
        inside["content"] = content
    fields: dict[str, Any] = {
        "version": "v1",
        "digest_algorithms": [info["digest_algorithm"] for info in signers],
        "encap_content_info": inside,
        "certificates": [cms.CertificateChoices("certificate", x509.Certificate.load(c)) for c in certificates],
        "signer_infos": signers,
    }
    if crls:
        fields["crls"] = [cms.RevocationInfoChoice.load(crl) for crl in crls]
    info = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(fields)})
    encoded: bytes = info.dump()
    return encoded


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


tlv = _tlv
