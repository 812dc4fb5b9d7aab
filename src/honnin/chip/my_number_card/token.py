"""EF 0006 of the JPKI application: PKCS#11 CK_TOKEN_INFO, 160 bytes, 32-bit big-endian integers (sheet §3.1)."""

import struct
from dataclasses import dataclass

from honnin.errors import FormatError

__all__ = ["TokenInfo", "parse_token_info"]

LAYOUT = struct.Struct(">32s32s16s16s11I2s2s16s")


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What the chip says of itself. Texts are stripped of padding; carrier is `unknown` for a label we do not know.

    longest_pin and shortest_pin speak of the signature PIN. Versions are the two bytes as hexadecimal.
    """

    label: str
    carrier: str
    manufacturer: str
    model: str
    serial_number: str
    flags: int
    most_sessions: int
    sessions: int
    most_writing_sessions: int
    writing_sessions: int
    longest_pin: int
    shortest_pin: int
    total_public_memory: int
    free_public_memory: int
    total_private_memory: int
    free_private_memory: int
    hardware_version: str
    firmware_version: str
    utc_time: str


def parse_token_info(content: bytes, carriers: dict[str, str]) -> TokenInfo:
    """Read EF 0006. carriers: label → carrier. Raises FormatError `chip.token_info_malformed` when it is too short."""
    if len(content) < LAYOUT.size:
        raise FormatError(
            "chip.token_info_malformed", f"The token information has {len(content)} bytes instead of {LAYOUT.size}."
        )
    label, maker, model, serial, *numbers, hardware, firmware, time = LAYOUT.unpack_from(content)
    carrier = carriers.get(_text(label), "unknown")
    texts = (_text(label), carrier, _text(maker), _text(model), _text(serial))
    fields = (*texts, *numbers, hardware.hex(), firmware.hex(), _text(time))
    return TokenInfo(*fields)


def _text(field: bytes) -> str:
    """Return the printable ASCII of a padded text field, anything else as U+FFFD."""
    shown = field.decode("ascii", "replace").strip("\0 ")
    return "".join(c if c.isprintable() else "�" for c in shown)
