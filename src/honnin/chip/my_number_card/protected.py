"""Secure messaging of the input support application: AES-128-CBC without a MAC (sheet §4.6).

The host chooses a seed and gives it under the card's key; its first 16 bytes are the session key. A counter makes each
message's IV, the same for command and answer. It hides what is on the air and proves nothing.
"""

from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from honnin.chip.icao9303.ciphers import pad, unpad
from honnin.chip.icao9303.tlv import child, encode
from honnin.chip.iso7816 import LONGEST_LE, Command
from honnin.chip.readers.reader import Reader
from honnin.chip.rsa_keys import rsa_key
from honnin.errors import CardError, FormatError, ReaderError

__all__ = ["ProtectedReader", "SessionCipher", "deliver"]

BLOCK: Final = 16
SEED: Final = 32
CIPHERED: Final = 0x86
EXPECTED: Final = 0x96
PADDED: Final = b"\x01"
SECURE: Final = 0x08
READ_BINARY: Final = 0xB0
PROTECTED: Final = frozenset({0x20, 0x24, 0xA4, READ_BINARY})
SELECT: Final = 0xA4
BY_NAME: Final = 0x04


class SessionCipher:
    """The key of one session and its counter, which every protected command moves on, refused or not."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    @classmethod
    def of_seed(cls, seed: bytes) -> Self:
        """Take the first 16 bytes of the seed that the card was given."""
        return cls(seed[:BLOCK])

    def protect(self, apdu: bytes) -> bytes:
        """Return a plain command APDU (data without extended length) as the protected one."""
        self._counter += 1
        ins, p1, p2 = apdu[1:4]
        if ins == READ_BINARY:
            le = apdu[4] or 256
            content, expected = encode(EXPECTED, b"\0" + le.to_bytes(2, "big")), LONGEST_LE
        else:
            data = apdu[5 : 5 + apdu[4]] if len(apdu) > 5 else b""
            content = encode(CIPHERED, PADDED + self._cbc(pad(data, BLOCK), decrypt=False)) if data else b""
            expected = 0
        return Command(SECURE, ins, p1, p2, content, expected).encode()

    def open(self, answer: bytes) -> bytes:
        """Return the plain answer. Raises FormatError for an answer of another form."""
        content, sw = answer[:-2], answer[-2:]
        if not content:
            return sw
        ciphered = child(content, CIPHERED)
        if ciphered is None or ciphered[:1] != PADDED or len(ciphered) % BLOCK != 1 or len(ciphered) == 1:
            raise FormatError("chip.object_malformed", "A protected answer is none.")
        return unpad(self._cbc(ciphered[1:], decrypt=True)) + sw

    def _cbc(self, octets: bytes, *, decrypt: bool) -> bytes:
        first = Cipher(AES(self._key), modes.CBC(bytes(BLOCK))).encryptor()
        cipher = Cipher(AES(self._key), modes.CBC(first.update(self._counter.to_bytes(BLOCK, "big"))))
        work = cipher.decryptor() if decrypt else cipher.encryptor()
        return work.update(octets) + work.finalize()


def deliver(spki: bytes, seed: bytes) -> bytes:
    """Return the cryptogram that gives the card a seed of 32 bytes: RSA-OAEP with SHA-256."""
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return rsa_key(spki).encrypt(encode(0xA0, encode(0x80, seed)), scheme)


class ProtectedReader:
    """A reader that protects commands while a session is open; selecting an application by its name ends it.

    After an answer that is not protected as it must be nothing goes out until the session is over: a command meant for
    a session never falls back to plain.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._session: SessionCipher | None = None
        self._broken = False

    @property
    def name(self) -> str:
        """The reader's name."""
        return self._reader.name

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self._reader.atr

    @property
    def protected(self) -> bool:
        """Tell whether a session is open."""
        return self._session is not None

    def open_session(self, session: SessionCipher) -> None:
        """Protect everything from here on."""
        self._session, self._broken = session, False

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command, protected while a session is open. Raises CardError `card.session_broken`."""
        if apdu[1] == SELECT and apdu[2] == BY_NAME:
            self._session, self._broken = None, False
        if self._broken:
            raise _broken()
        if self._session is None or apdu[1] not in PROTECTED or (len(apdu) == 4 and apdu[1] == 0x20):
            return self._reader.transmit(apdu)
        try:
            return self._session.open(self._reader.transmit(self._session.protect(apdu)))
        except FormatError:
            self._session, self._broken = None, True
            raise _broken() from None
        except ReaderError:
            self._session, self._broken = None, True
            raise

    def reset(self) -> None:
        """Power the card off and on."""
        self._session, self._broken = None, False
        self._reader.reset()

    def close(self) -> None:
        """Let go of the reader."""
        self._session, self._broken = None, False
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _broken() -> CardError:
    return CardError(
        "card.session_broken",
        "The protected session with the card is over.",
        next="Take the card off, put it back and unlock it anew.",
        retryable=True,
    )
