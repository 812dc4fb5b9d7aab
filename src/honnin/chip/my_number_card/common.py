"""The common application (共通カードAP): the card's serial number and expiry, free to read and not signed (sheet §3.5).

Its key answers INTERNAL AUTHENTICATE, but the public half stands on no card, so nothing is proved by it here. The
resident register application (住基AP) is looked for and never read: it is the municipalities' alone.
"""

from dataclasses import dataclass, field
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Key, Proof, RawFile, Reading, Tries, Trust, Unlocking
from honnin.chip.iso7816 import Command
from honnin.chip.my_number_card.profile import CommonProfile, profile
from honnin.errors import CardError, FormatError, InputError
from honnin.identity.dates import PartialDate, from_card_record

__all__ = ["CommonApplication", "CommonValues", "detect_resident_register"]

DOCUMENT: Final = "my_number_card"
APPLICATION: Final = "common"
PART: Final = "card"
HEADER: Final = b"\x01\x1c"  # simple TLV: tag 01, 28 bytes
SERIAL, MUNICIPALITY = 15, 5


@dataclass(frozen=True, slots=True)
class CommonValues:
    """Serial number of the card, municipality that issued it, expiry date; None: not in the form it should have."""

    serial: str | None = field(default=None, repr=False)
    municipality: str | None = None
    expires: PartialDate | None = None


class CommonApplication:
    """The common application of the card behind a channel."""

    def __init__(self, channel: Channel, layout: CommonProfile | None = None) -> None:
        self._channel = channel
        self._layout = layout or profile().common

    def detect(self) -> Detection:
        """Tell whether the card has this application."""
        present = self._channel.select(bytes.fromhex(self._layout.aid))
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: the PIN here is the municipalities'."""
        return ()

    def unlock(self, key: Key, *, allow_last_try: bool = False) -> Unlocking:  # noqa: ARG002 - the one shape
        """Refuse: what is read here is free. Raises InputError `chip.pin_unknown`."""
        raise InputError("chip.pin_unknown", "The common application needs no key.", next="Read it as it is.")

    def read(self, *parts: str) -> Reading[CommonValues]:
        """Return the one part `card`. Raises CardError `card.record_application_missing`, RefusalError."""
        if set(parts) - {PART}:
            raise InputError("chip.part_unknown", "The common application has no such part.", next=f"Use {PART}.")
        if not self.detect().present:
            raise CardError(
                "card.record_application_missing",
                "The card has no common application.",
                next="Use a My Number Card made of plastic; phones do not have it.",
            )
        content = self._channel.ask(Command(0x00, 0xB2, 0x01, self._layout.record << 3 | 4, le=256))
        file = RawFile(APPLICATION, PART, self._layout.record, content)
        return Reading(DOCUMENT, APPLICATION, _values(content), (file,))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:  # noqa: ARG002
        """Prove nothing: the record has no signature."""
        return (Proof("data_signature", "not_checked", "proof.common_unsigned", leaves_out=(PART,)),)


def detect_resident_register(channel: Channel) -> Detection:
    """Tell whether the card has the resident register application; nothing of it is ever read."""
    layout = profile().resident_register
    present = channel.select(bytes.fromhex(layout.aid))
    return Detection(DOCUMENT, "resident_register", present, layout.generation if present else None)


def _values(content: bytes) -> CommonValues:
    text = content[2:30].decode("ascii", "replace")
    if not content.startswith(HEADER) or len(text) != 28 or not (text.isascii() and text.isdigit()):
        return CommonValues()
    try:
        expires = from_card_record(text[SERIAL + MUNICIPALITY :])
    except FormatError:
        expires = None
    return CommonValues(text[:SERIAL], text[SERIAL : SERIAL + MUNICIPALITY], expires)
