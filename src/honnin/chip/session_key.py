"""Messaging under a session key that the host delivers: AES-128-CBC without a MAC (my-number-card sheet §4.6).

Of the input support application, and taken for that of a 特定在留カード too (other-documents sheet §4.4).

The host chooses a seed and gives it under the card's key; its first 16 bytes are the session key. A counter makes each
message's IV, the same for command and answer. It hides what is on the air and proves nothing.
"""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from honnin.chip.icao9303.ciphers import pad, unpad
from honnin.chip.icao9303.tlv import child, encode
from honnin.chip.iso7816 import LONGEST_LE, Command
from honnin.chip.rsa_keys import rsa_key
from honnin.errors import CardError, FormatError

__all__ = ["SessionCipher", "deliver"]

BLOCK: Final = 16
SEED: Final = 32
CIPHERED: Final = 0x86
EXPECTED: Final = 0x96
PADDED: Final = b"\x01"
SECURE: Final = 0x08
READ_BINARY: Final = 0xB0
SELECT: Final = 0xA4
VERIFY: Final = 0x20
PROTECTED: Final = frozenset({VERIFY, 0x24, SELECT, READ_BINARY})
BY_NAME: Final = 0x04


class SessionCipher:
    """The key of one session and its counter, which every protected command moves on, refused or not.

    key: 16 bytes. over: the error of a session that was broken. outlives_selection: whether selecting an application
    by its name leaves the session as it is.
    """

    def __init__(self, key: bytes, over: Callable[[], CardError], *, outlives_selection: bool = False) -> None:
        self._key = key
        self._counter = 0
        self._outlives_selection = outlives_selection
        self.over = over

    @staticmethod
    def key_of(seed: bytes) -> bytes:
        """Return the session key: the first 16 bytes of the seed that the card was given."""
        return seed[:BLOCK]

    def ends_with(self, apdu: bytes) -> bool:
        """Tell whether a command selects an application by its name."""
        return not self._outlives_selection and _selects_by_name(apdu)

    def carries(self, apdu: bytes) -> bool:
        """Tell whether a command is protected: PINs, files, selection of files; a query of tries is not."""
        return apdu[1] in PROTECTED and not _selects_by_name(apdu) and not (len(apdu) == 4 and apdu[1] == VERIFY)

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


def _selects_by_name(apdu: bytes) -> bool:
    return apdu[1] == SELECT and apdu[2] == BY_NAME


def deliver(spki: bytes, seed: bytes) -> bytes:
    """Return the cryptogram that gives the card a seed of 32 bytes: RSA-OAEP with SHA-256."""
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return rsa_key(spki).encrypt(encode(0xA0, encode(0x80, seed)), scheme)
