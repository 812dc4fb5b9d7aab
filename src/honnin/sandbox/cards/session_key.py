"""The input support application's secure messaging: SET SESSION KEY and class 08 (My Number Card sheet, section 4.6).

AES-128-CBC without a MAC; the IV is the encrypted number of the command, which counts every protected command, refused
ones too. A wrong data object ends the session.
"""

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.status import BAD_CONTENT, OBJECTS_MISSING, OBJECTS_WRONG, Refusal
from honnin.sandbox.strongroom import read_key

__all__ = ["SessionKey", "accept"]

BLOCK = 16
SEED_HEADER = bytes.fromhex("A0228020")
COMMAND_OBJECT, LENGTH_OBJECT, ANSWER_OBJECT = 0x86, 0x96, 0x86
PLAIN_CLASS = 0x00


@dataclass(slots=True)
class SessionKey:
    """Key and counter of one session."""

    key: bytes
    number: int = 0

    def __repr__(self) -> str:
        return "SessionKey(…)"

    def opened(self, command: Command) -> Command:
        """Return what a protected command means. Raises Refusal 6987 or 6988, which end the session."""
        self.number += 1
        if not command.body:
            raise Refusal(OBJECTS_MISSING)
        tag, value = _only_object(command.body)
        plain = replace(command, cla=PLAIN_CLASS, body=b"", extended=False)
        if tag == LENGTH_OBJECT and len(value) == 3 and value[0] == 0:
            return replace(plain, le=int.from_bytes(value[1:]) or 65536)
        if tag == COMMAND_OBJECT and value[:1] == b"\x01" and len(value) > 1 and (len(value) - 1) % BLOCK == 0:
            return replace(plain, body=self._stripped(value[1:]), le=None)
        raise Refusal(OBJECTS_WRONG)

    def closed(self, answer: bytes) -> bytes:
        """Return the data object of an answer; nothing for an empty one."""
        if not answer:
            return b""
        filled = answer + b"\x80"
        filled += bytes(-len(filled) % BLOCK)
        value = b"\x01" + self._cipher().encryptor().update(filled)
        size = len(value)
        if size < 0x80:
            return bytes((ANSWER_OBJECT, size)) + value
        if size < 0x100:
            return bytes((ANSWER_OBJECT, 0x81, size)) + value
        return bytes((ANSWER_OBJECT, 0x82)) + size.to_bytes(2) + value

    def _stripped(self, hidden: bytes) -> bytes:
        filled = self._cipher().decryptor().update(hidden)
        content, mark, zeros = filled.rpartition(b"\x80")
        if not mark or any(zeros):
            raise Refusal(OBJECTS_WRONG)
        return content

    def _cipher(self) -> "Cipher[modes.CBC]":
        zero = Cipher(algorithms.AES(self.key), modes.CBC(bytes(BLOCK))).encryptor()
        return Cipher(algorithms.AES(self.key), modes.CBC(zero.update(self.number.to_bytes(BLOCK))))


def accept(pkcs8: bytes, cryptogram: bytes) -> SessionKey:
    """Open what a terminal encrypted to the delivery key (RSAES-OAEP, SHA-256). Raises Refusal 6A80."""
    key = read_key(pkcs8)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101
    scheme = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    try:
        plain = key.decrypt(cryptogram, scheme)
    except ValueError:
        raise Refusal(BAD_CONTENT) from None
    if plain[:4] != SEED_HEADER or len(plain) != 36:
        raise Refusal(BAD_CONTENT)
    return SessionKey(plain[4:20])


def _only_object(body: bytes) -> tuple[int, bytes]:
    """Return tag and value of exactly one data object. Raises Refusal 6988."""
    if len(body) < 2:
        raise Refusal(OBJECTS_WRONG)
    size, at = body[1], 2
    if size in {0x81, 0x82}:
        at = size - 0x80 + 2
        size = int.from_bytes(body[2:at])
    if len(body) != at + size:
        raise Refusal(OBJECTS_WRONG)
    return body[0], body[at:]
