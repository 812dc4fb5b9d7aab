"""The two CAs of residence cards and the signers under them (other-documents sheet, sections 4.2, 4.3, 4.5).

RSA-2048 for the first generation; P-384 for the second, whose signatures name their algorithm with a NULL. A third CA,
`stranger`, has the name of the one it imitates and is nobody's anchor.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.strongroom import PrivateKey, kept, new_key, read_key, spki
from honnin.sandbox.world import World

__all__ = ["CardSigner", "Line", "ca_certificates", "card_signer", "delivery_key", "delivery_key_bytes"]

Line = Literal["rsa", "ec"]
NAMES: dict[Line, str] = {"rsa": "ZairyuCard CA", "ec": "ZairyuCard CA2"}
SUBJECT = (("2.5.4.10", "JPKI-TEST"), ("2.5.4.11", "honnin sandbox"))
ALGORITHMS: dict[Line, bytes] = {
    "rsa": der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null()),
    "ec": der.sequence(der.oid("1.2.840.10045.4.3.2"), der.null()),  # the NULL does not belong there; real ones have it
}
CA_YEARS, SIGNER_YEARS = 30, 11
COMPONENT = 48  # bytes of r and of s


class CardSigner:
    """Who signs cards in one year: its certificate and its key."""

    def __init__(self, certificate: bytes, key: PrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256: 256 bytes of PKCS#1 v1.5, or 96 of plain r‖s."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(COMPONENT) + s.to_bytes(COMPONENT)


def ca_certificates(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """Return subject key identifier and certificate (DER) of both CAs."""
    return tuple((_key_id(_key(world, f"ca-{line}", line)), _ca(world, line)) for line in NAMES)


def card_signer(world: World, line: Line, year: int, fault: str) -> CardSigner:
    """Return the signer of a year; for `wrong_issuer` and `forged_issuer` one whom a stranger certified."""
    stranger = fault in {"wrong_issuer", "forged_issuer"}
    issuer = _key(world, f"stranger-{line}" if stranger else f"ca-{line}", line)
    named = _key(world, f"ca-{line}", line) if fault == "forged_issuer" else issuer
    name = f"signer-{line}-{year}-{fault if stranger else ''}"
    key = _key(world, name, line)
    extensions = (
        _extension("2.5.29.35", der.sequence(der.tlv(0x80, _key_id(named)))),
        _extension("2.5.29.15", der.bit_string(b"\x80", 7), critical=True),
    )
    subject = der.name("JP", *SUBJECT, ("2.5.4.3", f"Zairyu {year}"))
    start = datetime(year, 1, 1, tzinfo=UTC)
    made = kept(
        world,
        f"immigration/{name}-certificate",
        lambda: _certificate(issuer, line, subject, key, start, SIGNER_YEARS, extensions),
    )
    return CardSigner(made, key)


def delivery_key(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """Return the public key to which a session key of a 特定在留カード is encrypted, as identifier and DER."""
    public = spki(read_key(delivery_key_bytes(world)))
    return ((sha256(public).digest(), public),)


def delivery_key_bytes(world: World) -> bytes:
    """Return its private half, PKCS#8, as every such card holds it."""
    return kept(world, "immigration/delivery", lambda: new_key("rsa"))


def _key(world: World, name: str, line: Line) -> PrivateKey:
    return read_key(kept(world, f"immigration/{name}", lambda: new_key(line)))


def _ca(world: World, line: Line) -> bytes:
    key = _key(world, f"ca-{line}", line)
    extensions = (
        _extension("2.5.29.14", der.octet_string(_key_id(key))),
        _extension("2.5.29.15", der.bit_string(b"\x06", 1), critical=True),
        _extension("2.5.29.19", der.sequence(b"\x01\x01\xff", der.integer(0)), critical=True),
    )
    start = datetime(world.born.year - 12, 4, 1, tzinfo=UTC)
    return kept(
        world,
        f"immigration/ca-{line}-certificate",
        lambda: _certificate(key, line, _ca_name(line), key, start, CA_YEARS, extensions),
    )


def _ca_name(line: Line) -> bytes:
    return der.name("JP", *SUBJECT, ("2.5.4.3", NAMES[line]))


def _certificate(
    issuer: PrivateKey,
    line: Line,
    subject: bytes,
    holder: PrivateKey,
    start: datetime,
    years: int,
    extensions: tuple[bytes, ...],
) -> bytes:
    public = spki(holder)
    tbs = der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(int.from_bytes(sha256(public + subject).digest()[:6])),
        ALGORITHMS[line],
        _ca_name(line),
        der.sequence(der.time(start), der.time(start + timedelta(days=365 * years))),
        subject,
        public,
        der.explicit(3, der.sequence(*extensions)),
    )
    if isinstance(issuer, rsa.RSAPrivateKey):
        signature = issuer.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = issuer.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der.sequence(tbs, ALGORITHMS[line], der.bit_string(signature))


def _extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(kind), b"\x01\x01\xff" if critical else b"", der.octet_string(value))


def _key_id(key: PrivateKey) -> bytes:
    return sha1(spki(key), usedforsecurity=False).digest()
