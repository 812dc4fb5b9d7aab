"""The signed records of the card face and input support applications: BER with private tags (sheet §1.4, §3.3, §3.4).

Digests and signatures run over the objects as they are stored, so each is kept with its tag and length. An object that
stands there twice is refused: one could be signed and the other shown.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from honnin.chip.icao9303.tlv import elements, only
from honnin.errors import FormatError

__all__ = ["Record", "parse_record", "read_text", "rsa_public_key"]

EXPONENT = 0x90
MODULUS = 0x91
SMALLEST_MODULUS = 256  # bytes


class Record(NamedTuple):
    """The objects in one constructed object. stored: each with tag and length, in order; values: without."""

    stored: dict[int, bytes]
    values: dict[int, bytes]

    def __repr__(self) -> str:
        return f"Record({', '.join(f'{tag:X}' for tag in self.values)})"

    def joined(self, *tags: int) -> bytes:
        """Return objects as stored, one behind the other. Raises FormatError `chip.object_malformed`."""
        return b"".join(self.need(tag, self.stored) for tag in tags)

    def value(self, tag: int) -> bytes:
        """Return an object's value. Raises FormatError `chip.object_malformed` where it is not there."""
        return self.need(tag, self.values)

    @staticmethod
    def need(tag: int, found: dict[int, bytes]) -> bytes:
        """Return the entry of a tag. Raises FormatError `chip.object_malformed`."""
        if tag not in found:
            raise FormatError("chip.object_malformed", f"Data object {tag:X} is not there.")
        return found[tag]


def parse_record(content: bytes, outer: int) -> Record:
    """Read a file's record; what follows the outer object is filler. Raises FormatError `chip.object_malformed`."""
    inner = only(content, outer)
    stored: dict[int, bytes] = {}
    values: dict[int, bytes] = {}
    at = 0
    for element in elements(inner):
        if element.tag in values:
            raise FormatError("chip.object_malformed", f"Data object {element.tag:X} stands there twice.")
        stored[element.tag] = inner[at : element.end]
        values[element.tag] = element.value
        at = element.end
    return Record(stored, values)


def rsa_public_key(content: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of `90 03 010001 91 820100 …`. Raises FormatError `chip.object_malformed`."""
    found = {element.tag: element.value for element in elements(content)}
    exponent, modulus = found.get(EXPONENT, b""), found.get(MODULUS, b"")
    if len(modulus.lstrip(b"\0")) < SMALLEST_MODULUS:
        raise FormatError("chip.object_malformed", "A public key on the card is too short.")
    try:
        numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
        key = numbers.public_key()
    except ValueError:
        raise FormatError("chip.object_malformed", "A public key on the card is none.") from None
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_text(octets: bytes) -> str:
    """Read UTF-8. Raises FormatError `chip.object_malformed`."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("chip.object_malformed", "A text on the card cannot be read.") from None
