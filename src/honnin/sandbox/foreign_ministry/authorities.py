"""Country signing CAs and document signers (ICAO Doc 9303-12 §7), with the oddities of Japan's (other-documents §5.4).

Two generations under one name: RSA with PSS, and P-384 whose keys are written with explicit curve parameters and whose
signatures name their algorithm with a NULL. A third, `stranger`, has the same name and is nobody's anchor.
"""

from datetime import datetime, timedelta
from hashlib import sha1, sha256
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.foreign_ministry.curve import P384
from honnin.sandbox.strongroom import PrivateKey, kept, new_key, read_key
from honnin.sandbox.world import World

__all__ = ["Signer", "csca_certificates", "csca_keys", "document_signer", "sign"]

Line = Literal["rsa", "ec", "stranger"]
POLICY = "1.2.392.100350.6.5.1.1.1"
CSCA_YEARS, SIGNER_YEARS = 16, 11
RSA_BITS = {"csca": 3072, "signer": 2048}
SUBJECT = (("2.5.4.10", "JPKI-TEST"), ("2.5.4.11", "honnin sandbox"))


class Signer:
    """A CA or a document signer: its certificate, its key, and which algorithms it signs with."""

    def __init__(self, line: Line, certificate: bytes, pkcs8: bytes) -> None:
        self.line = line
        self.certificate = certificate
        self.key = read_key(pkcs8)


def csca_certificates(world: World) -> tuple[bytes, ...]:
    """Return the certificates (DER) that an operator trusts: both generations."""
    return tuple(certificate for _, certificate in csca_keys(world))


def csca_keys(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """Return subject key identifier and certificate of both generations."""
    found = [_csca(world, line) for line in ("rsa", "ec")]
    return tuple((_key_id(_spki(csca.key, csca.line)), csca.certificate) for csca in found)


def document_signer(world: World, line: Line, *, age_days: int = 800, claims: Line | None = None) -> Signer:
    """Return the document signer of a line.

    age_days: how long before the world's birth its certificate began; it ends eleven years later.
    claims: the line whose CSCA its certificate names as its issuer's key, where that is not the truth.
    """
    name = f"signer-{line}-{age_days}-{claims}"
    pkcs8 = kept(world, f"{name}-key", lambda: new_key(_key_kind(line), RSA_BITS["signer"]))
    start = world.born - timedelta(days=age_days)

    def make() -> bytes:
        issuer = _csca(world, line)
        named = issuer if claims is None else _csca(world, claims)
        extensions = [
            _extension("2.5.29.35", der.sequence(der.tlv(0x80, _key_id(_spki(named.key, named.line))))),
            _extension("2.5.29.14", der.octet_string(_key_id(_spki(read_key(pkcs8), line)))),
            _extension("2.5.29.15", der.bit_string(b"\x80", 7), critical=True),
            _extension("2.5.29.32", der.sequence(der.sequence(der.oid(POLICY)))),
        ]
        subject = der.name("JP", *SUBJECT, ("2.5.4.3", f"e-passportDS {line} {age_days}"))
        return _certificate(issuer.key, line, subject, read_key(pkcs8), start, SIGNER_YEARS, extensions)

    return Signer(line, kept(world, f"{name}-certificate", make), pkcs8)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign as a line of this kind of key does: RSASSA-PSS with SHA-256, or ECDSA with SHA-384."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return key.sign(message, ec.ECDSA(hashes.SHA384()))


def signature_algorithm(line: Line) -> bytes:
    """Return the AlgorithmIdentifier that a line writes."""
    if line == "ec":
        return der.sequence(der.oid("1.2.840.10045.4.3.3"), der.null())
    digest = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.null())
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), digest)
    parameters = der.sequence(der.explicit(0, digest), der.explicit(1, mask), der.explicit(2, der.integer(32)))
    return der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters)


def _key_kind(line: Line) -> Literal["rsa", "ec"]:
    return "ec" if line == "ec" else "rsa"


def _csca(world: World, line: Line) -> Signer:
    pkcs8 = kept(world, f"csca-{line}-key", lambda: new_key(_key_kind(line), RSA_BITS["csca"]))
    key = read_key(pkcs8)
    key_id = _key_id(_spki(key, line))
    extensions = [
        _extension("2.5.29.35", der.sequence(der.tlv(0x80, key_id))),
        _extension("2.5.29.14", der.octet_string(key_id)),
        _extension("2.5.29.15", der.bit_string(b"\x06", 1), critical=True),
        _extension("2.5.29.19", der.sequence(b"\x01\x01\xff", der.integer(0)), critical=True),
        _extension("2.5.29.32", der.sequence(der.sequence(der.oid(POLICY)))),
    ]
    start = world.born - timedelta(days=6200)

    def make() -> bytes:
        return _certificate(key, line, _csca_name(), key, start, CSCA_YEARS * 2, extensions)

    return Signer(line, kept(world, f"csca-{line}-certificate", make), pkcs8)


def _csca_name() -> bytes:
    return der.name("JP", *SUBJECT, ("2.5.4.3", "e-passportCSCA"))


def _certificate(
    issuer: PrivateKey,
    line: Line,
    subject: bytes,
    holder: PrivateKey,
    start: datetime,
    years: int,
    extensions: list[bytes],
) -> bytes:
    end = start + timedelta(days=365 * years)
    spki = _spki(holder, line)
    tbs = der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(int.from_bytes(sha256(spki + subject).digest()[:8]) >> 1 | 1),
        signature_algorithm(line),
        _csca_name(),
        der.sequence(der.time(start), der.time(end)),
        subject,
        spki,
        der.explicit(3, der.sequence(*extensions)),
    )
    return der.sequence(tbs, signature_algorithm(line), der.bit_string(sign(issuer, tbs)))


def _extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(kind), b"\x01\x01\xff" if critical else b"", der.octet_string(value))


def _spki(key: PrivateKey, line: Line) -> bytes:
    """Return a SubjectPublicKeyInfo; of the `ec` line with every number of the curve written out."""
    if line != "ec" or isinstance(key, rsa.RSAPrivateKey):
        return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return der.sequence(der.sequence(der.oid("1.2.840.10045.2.1"), P384.written_out()), der.bit_string(point))


def _key_id(spki: bytes) -> bytes:
    return sha1(spki, usedforsecurity=False).digest()
