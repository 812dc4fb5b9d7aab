"""Status words that the emulated card answers with (ISO/IEC 7816-4 table 5; My Number Card sheet, section 1.3)."""

from typing import Final

__all__ = ["Refusal", "tries_left"]

DONE: Final = 0x9000
WRONG_LENGTH: Final = 0x6700
CHANNEL_NOT_SUPPORTED: Final = 0x6881
SECURE_MESSAGING_NOT_SUPPORTED: Final = 0x6882
NOT_FOR_THIS_FILE: Final = 0x6981
OBJECTS_MISSING: Final = 0x6987
OBJECTS_WRONG: Final = 0x6988
NO_SESSION: Final = 0x69FC
SECURITY_STATUS: Final = 0x6982
BLOCKED: Final = 0x6984
CONDITIONS: Final = 0x6985
NO_CURRENT_FILE: Final = 0x6986
BAD_CONTENT: Final = 0x6A80
NOT_FOUND: Final = 0x6A82
RECORD_NOT_FOUND: Final = 0x6A83
WRONG_P1_P2: Final = 0x6A86
REFERENCE_NOT_FOUND: Final = 0x6A88
NO_KEY_DELIVERY: Final = 0x66F1
PAST_END: Final = 0x6B00
WRONG_LE: Final = 0x6C00  # low byte: the right Le, 00 for 256
UNKNOWN_INS: Final = 0x6D00
UNKNOWN_CLA: Final = 0x6E00


class Refusal(Exception):  # noqa: N818 - a card refuses; nothing went wrong in the emulator
    """A command ends with this status word and no response bytes."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


def tries_left(count: int) -> int:
    """Return 63Cx for `count` tries; x is one hex digit."""
    return 0x63C0 | min(count, 15)
