"""The card-face CAs of the sandbox J-LIS, the municipalities that sign under them, and how a chip writes keys.

My Number Card sheet, sections 3.3, 4.1: CV certificates without dates, RSA-2048, PKCS#1 v1.5 with SHA-256.
"""

from typing import Literal

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.hashes import SHA256

from honnin.sandbox.strongroom import kept_rsa, spki
from honnin.sandbox.world import World

__all__ = ["App", "Issuer", "ca_keys", "key_id", "obj", "public_object"]

App = Literal["card_face", "input_support"]
CA_NUMBERS: dict[App, str] = {"card_face": "7000023", "input_support": "7000033"}
STRANGER = "7000099"
DIGESTS_INFO = bytes.fromhex("3071300D06096086480165030402010500" + "0460")


def obj(tag: int, *parts: bytes, wide: bool = False) -> bytes:
    """Return a data object of a one- or two-byte tag; `wide` writes the length in two bytes even where one does."""
    content = b"".join(parts)
    size = len(content)
    name = tag.to_bytes(2 if tag > 0xFF else 1)
    if wide or size > 0xFF:
        return name + b"\x82" + size.to_bytes(2) + content
    return name + (bytes((size,)) if size < 0x80 else b"\x81" + bytes((size,))) + content


def public_object(key: rsa.RSAPrivateKey) -> bytes:
    """Return a public key as every application writes it: exponent under 90, modulus under 91, 265 bytes."""
    numbers = key.public_key().public_numbers()
    return obj(0x90, numbers.e.to_bytes(3)) + obj(0x91, numbers.n.to_bytes(256))


def key_id(number: str, kind: str) -> bytes:
    """Return the 16 bytes that name a key: seven digits, 08 05, three digits, four zero bytes."""
    return number.encode() + b"\x08\x05" + kind.encode() + bytes(4)


def ca_keys(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """Return key id and SubjectPublicKeyInfo of both CAs."""
    return tuple((key_id(number, "001"), spki(_ca(world, app))) for app, number in CA_NUMBERS.items())


def _ca(world: World, app: App | Literal["stranger"]) -> rsa.RSAPrivateKey:
    return kept_rsa(world, f"card-face-ca/{app}")


class Issuer:
    """The municipality that writes a card, for one application.

    stranger: a forger's CA signs in place of J-LIS's; claims: under the real one's key id.
    """

    def __init__(
        self, world: World, app: App, municipality: str, *, stranger: bool = False, claims: bool = False
    ) -> None:
        self._key = kept_rsa(world, f"card-face/{app}/{municipality}")
        ca = _ca(world, "stranger" if stranger else app)
        named = key_id(STRANGER if stranger and not claims else CA_NUMBERS[app], "001")
        subject = key_id(municipality + CA_NUMBERS[app][-2:], "000")
        body = named + subject + public_object(self._key)
        signature = ca.sign(body, padding.PKCS1v15(), SHA256())
        self.certificate = obj(0x7F21, obj(0x5F4E, body), obj(0x5F37, signature))

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256, 256 bytes."""
        return self._key.sign(message, padding.PKCS1v15(), SHA256())

    def sign_digests(self, *digests: bytes) -> bytes:
        """Sign three SHA-256 values as one octet string of 96 bytes behind the identifier of SHA-256 (section 4.4)."""
        return self._key.sign(DIGESTS_INFO + b"".join(digests), padding.PKCS1v15(), NoDigestInfo())
