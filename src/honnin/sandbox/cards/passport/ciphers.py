"""The chip's ciphers: DES and AES in CBC, the two MACs, key derivation (ICAO Doc 9303-11 §9.7, §9.8)."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

__all__ = ["SessionKeys", "block_of", "cbc", "checksum", "derive", "fill", "mac_length", "strip"]

KEY_LENGTHS = {"3des": 16, "aes-128": 16, "aes-192": 24, "aes-256": 32}
mac_length = 8


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """A cipher with the two keys of a session."""

    cipher: str
    encryption: bytes
    authentication: bytes

    def __repr__(self) -> str:
        return f"SessionKeys({self.cipher})"

    @classmethod
    def of(cls, secret: bytes, cipher: str) -> "SessionKeys":
        """Derive both keys from a shared secret."""
        return cls(cipher, derive(secret, 1, cipher), derive(secret, 2, cipher))


def derive(secret: bytes, number: int, cipher: str) -> bytes:
    """Return the key of a purpose: 1 encryption, 2 authentication, 3 password."""
    size = KEY_LENGTHS[cipher]
    digest = hashlib.sha256 if size > 16 else hashlib.sha1
    key = digest(secret + number.to_bytes(4)).digest()[:size]
    if cipher != "3des":
        return key
    even = (octet & 0xFE for octet in key)
    return bytes(octet if octet.bit_count() % 2 else octet | 1 for octet in even)


def block_of(cipher: str) -> int:
    """Return the block length in bytes."""
    return 8 if cipher == "3des" else 16


def cbc(cipher: str, key: bytes, text: bytes, iv: bytes = b"", *, decrypt: bool = False) -> bytes:
    """Encrypt or decrypt whole blocks; no IV means zero."""
    algorithm = TripleDES(key + key[:8]) if cipher == "3des" else algorithms.AES(key)
    work = Cipher(algorithm, modes.CBC(iv or bytes(block_of(cipher))))
    run = work.decryptor() if decrypt else work.encryptor()
    return run.update(text) + run.finalize()


def fill(text: bytes, block: int) -> bytes:
    """Append one bit 1 and then zeros."""
    text += b"\x80"
    while len(text) % block:
        text += b"\x00"
    return text


def strip(text: bytes) -> bytes:
    """Take that away again. Raises ValueError."""
    at = text.rindex(b"\x80")
    if any(text[at + 1 :]):
        raise ValueError
    return text[:at]


def checksum(cipher: str, key: bytes, text: bytes) -> bytes:
    """Return the MAC of whole blocks (retail MAC), or of anything (CMAC), 8 bytes."""
    if cipher != "3des":
        work = CMAC(algorithms.AES(key))
        work.update(text)
        return work.finalize()[:mac_length]
    left, right = key[:8] * 3, key[8:] * 3
    state = bytes(8)
    for at in range(0, len(text), 8):
        mixed = bytes(a ^ b for a, b in zip(state, text[at : at + 8], strict=True))
        state = _single(left, mixed)
    return _single(left, _single(right, state, decrypt=True))


def _single(key: bytes, block: bytes, *, decrypt: bool = False) -> bytes:
    work = Cipher(TripleDES(key), modes.CBC(bytes(8)))
    run = work.decryptor() if decrypt else work.encryptor()
    return run.update(block) + run.finalize()
