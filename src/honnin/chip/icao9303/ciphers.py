"""Block ciphers and MACs of ICAO Doc 9303-11 §9.8: two-key 3DES with retail MAC, AES with CMAC; ISO 9797-1 padding.

Keys come in as bytes and are not kept. Two-key 3DES is used because the chips that exist use it; nothing else here may.
"""

from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from honnin.errors import FormatError, InputError

__all__ = ["CipherName", "Suite", "pad", "suite", "suite_of_counter", "unpad"]

CipherName = Literal["3des", "aes-128", "aes-192", "aes-256"]
MAC_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher with its MAC. block, key_length: bytes; nonce_length: bytes of a PACE nonce (§4.4.3.3)."""

    name: CipherName
    block: int
    key_length: int
    nonce_length: int

    def encrypt(self, key: bytes, plain: bytes, iv: bytes | None = None) -> bytes:
        """CBC without padding; `iv` None is all zero. The length must be a multiple of the block."""
        work = self._cbc(key, iv).encryptor()
        return work.update(plain) + work.finalize()

    def decrypt(self, key: bytes, encrypted: bytes, iv: bytes | None = None) -> bytes:
        """CBC without padding; `iv` None is all zero. Raises FormatError `passport.ciphertext_malformed`."""
        if not encrypted or len(encrypted) % self.block:
            raise FormatError("passport.ciphertext_malformed", "Encrypted bytes are not of whole blocks.")
        work = self._cbc(key, iv).decryptor()
        return work.update(encrypted) + work.finalize()

    def mac(self, key: bytes, message: bytes) -> bytes:
        """Return 8 bytes: retail MAC (ISO 9797-1 algorithm 3) of whole blocks, or CMAC cut to 8 (SP 800-38B)."""
        self._check(key)
        if self.name != "3des":
            work = CMAC(AES(key))
            work.update(message)
            return work.finalize()[:MAC_LENGTH]
        chained = _des_cbc(key[:8], message)[-8:]
        return _des(key[:8], _des(key[8:16], chained, decrypt=True))

    def iv(self, k_enc: bytes, counter: bytes) -> bytes | None:
        """Return the IV of a message in secure messaging: zero for 3DES, the encrypted counter for AES (§9.8.6.2)."""
        if self.name == "3des":
            return None
        work = Cipher(AES(k_enc), modes.ECB()).encryptor()  # noqa: S305 - one block, as the standard says
        return work.update(counter) + work.finalize()

    def _cbc(self, key: bytes, iv: bytes | None) -> Cipher[modes.CBC]:
        self._check(key)
        mode = modes.CBC(iv or bytes(self.block))
        if self.name == "3des":
            return Cipher(TripleDES(key + key[:8]), mode)
        return Cipher(AES(key), mode)

    def _check(self, key: bytes) -> None:
        if len(key) != self.key_length:
            raise InputError("passport.key_length", f"A key of {self.name} has {self.key_length} bytes.")


_SUITES: Final[dict[str, Suite]] = {
    "3des": Suite("3des", 8, 16, 16),
    "aes-128": Suite("aes-128", 16, 16, 16),
    "aes-192": Suite("aes-192", 16, 24, 32),
    "aes-256": Suite("aes-256", 16, 32, 32),
}
_OTHER_NAMES: Final = {"des3": "3des", "desede": "3des", "tdes": "3des", "aes": "aes-128"}


def suite(name: str) -> Suite:
    """Return the suite of a name: `3des`, `aes-128`, `aes-192`, `aes-256`; case and hyphens do not matter.

    Raises InputError `passport.cipher_unknown`.
    """
    plain = name.lower().replace("_", "-")
    plain = _OTHER_NAMES.get(plain, plain)
    if plain.startswith("aes") and "-" not in plain:
        plain = f"aes-{plain[3:]}"
    found = _SUITES.get(plain)
    if found is None:
        raise InputError("passport.cipher_unknown", "No such cipher.", next=f"Use one of {', '.join(_SUITES)}.")
    return found


def suite_of_counter(k_enc: bytes, counter: bytes) -> Suite:
    """Return the suite that keys and send sequence counter belong to: 8 bytes of counter are 3DES, 16 are AES."""
    if len(counter) == 8 and len(k_enc) == 16:
        return _SUITES["3des"]
    if len(counter) == 16 and len(k_enc) in {16, 24, 32}:
        return _SUITES[f"aes-{8 * len(k_enc)}"]
    raise InputError(
        "passport.counter_length",
        "Keys and send sequence counter do not belong together.",
        next="Give 8 bytes of counter with 3DES keys, 16 bytes with AES keys.",
    )


def pad(message: bytes, block: int) -> bytes:
    """Append 80 and zeros up to a whole block (ISO 9797-1 padding method 2)."""
    return message + b"\x80" + bytes(-(len(message) + 1) % block)


def unpad(message: bytes) -> bytes:
    """Take padding method 2 off. Raises FormatError `passport.padding_malformed`."""
    kept = message.rstrip(b"\x00")
    if not kept.endswith(b"\x80"):
        raise FormatError("passport.padding_malformed", "Decrypted bytes do not end in their padding.")
    return kept[:-1]


def _des_cbc(key: bytes, message: bytes) -> bytes:
    if not message or len(message) % 8:
        raise InputError("passport.mac_length", "A retail MAC is made of whole blocks of 8 bytes.")
    work = Cipher(TripleDES(key * 3), modes.CBC(bytes(8))).encryptor()
    return work.update(message) + work.finalize()


def _des(key: bytes, block: bytes, *, decrypt: bool = False) -> bytes:
    cipher = Cipher(TripleDES(key * 3), modes.CBC(bytes(8)))
    work = cipher.decryptor() if decrypt else cipher.encryptor()
    return work.update(block) + work.finalize()
