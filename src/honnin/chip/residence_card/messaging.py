"""The computations of residence cards: mutual authentication, and what hides the data (sheet §4.2, §4.3).

First generation 3DES and retail MAC, second AES-128 and CMAC cut to 8 bytes; key derivation by SHA-1 in both. Random
numbers are arguments. Answers carry no MAC: they are confidential, not authentic; that is the signature's work.
"""

from hashlib import sha1
from hmac import compare_digest
from typing import Final

from honnin.chip.icao9303.ciphers import Suite, pad, suite, unpad
from honnin.chip.icao9303.tlv import encode, only
from honnin.errors import CardError, FormatError

__all__ = ["Authentication", "Session"]

NUMBER_BLOCK: Final = 16
PADDED: Final = b"\x01"
CIPHERED: Final = 0x86


class Session:
    """The one key of a session: encrypts the card number, decrypts what is read."""

    def __init__(self, cipher: str, key: bytes) -> None:
        self._suite = suite(cipher)
        self._key = key

    def number(self, octets: bytes) -> bytes:
        """Return the data field of VERIFY for the number's 12 bytes."""
        return encode(CIPHERED, PADDED + self._suite.encrypt(self._key, pad(octets, NUMBER_BLOCK)))

    def open(self, answer: bytes) -> bytes:
        """Return what a protected READ BINARY brought. Raises FormatError for an answer of another form."""
        content = only(answer, CIPHERED)
        if content[:1] != PADDED:
            raise FormatError("chip.object_malformed", "A protected answer is none.")
        return unpad(self._suite.decrypt(self._key, content[1:]))


class Authentication:
    """One mutual authentication. number: 12 ASCII bytes; rnd_ifd: 8 random bytes; k_ifd: 16."""

    def __init__(self, cipher: str, number: bytes, rnd_icc: bytes, rnd_ifd: bytes, k_ifd: bytes) -> None:
        self._cipher = cipher
        self._suite = suite(cipher)
        self._key = sha1(number, usedforsecurity=False).digest()[:16]
        self._rnd_icc, self._rnd_ifd, self._k_ifd = rnd_icc, rnd_ifd, k_ifd

    def command(self) -> bytes:
        """Return E_IFD ‖ M_IFD, 40 bytes, for MUTUAL AUTHENTICATE."""
        encrypted = self._suite.encrypt(self._key, self._rnd_ifd + self._rnd_icc + self._k_ifd)
        return encrypted + _mac(self._suite, self._key, encrypted)

    def session(self, answer: bytes) -> Session:
        """Check the card's E_ICC ‖ M_ICC and return the session. Raises CardError `residence.chip_not_authentic`."""
        encrypted, mac = answer[:-8], answer[-8:]
        if len(answer) != 40 or not compare_digest(_mac(self._suite, self._key, encrypted), mac):
            raise _not_authentic()
        plain = self._suite.decrypt(self._key, encrypted)
        if not compare_digest(plain[:16], self._rnd_icc + self._rnd_ifd):
            raise _not_authentic()
        seed = bytes(a ^ b for a, b in zip(self._k_ifd, plain[16:], strict=True))
        return Session(self._cipher, sha1(seed + b"\0\0\0\1", usedforsecurity=False).digest()[:16])


def _mac(chosen: Suite, key: bytes, message: bytes) -> bytes:
    return chosen.mac(key, pad(message, 8) if chosen.name == "3des" else message)


def _not_authentic() -> CardError:
    return CardError(
        "residence.chip_not_authentic",
        "The chip's answer does not fit the card number.",
        next="Check the number, then put the card back.",
    )
