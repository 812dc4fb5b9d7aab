"""The licence in the free area of a My Number Card (マイナ免許証), in the one shape (other-documents sheet §3).

It says categories, conditions, number and expiry, with a portrait, and names nobody: name, address and birth date are
read from the card's own applications while the card lies there, and only that binds the two together.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Pin, Progress, Proof, Reading, Tries, Trust, Unlocking
from honnin.chip.drivers_licence.files import LicenceFiles
from honnin.chip.drivers_licence.glyphs import Glyph
from honnin.chip.drivers_licence.pins import LicencePins
from honnin.chip.drivers_licence.profile import MyNumberCardLayout, profile
from honnin.chip.drivers_licence.proving import REVOCATION, judge_signature, unproved
from honnin.chip.drivers_licence.record import LicenceRecord, SignatureRecord, pin_is_set, record_of, signature_in
from honnin.chip.drivers_licence.tlv import items, without_filler
from honnin.chip.files import is_blank
from honnin.errors import CardError, FormatError

__all__ = ["LicenceOnMyNumberCard", "LicenceOnMyNumberCardValues"]

DOCUMENT: Final = "my_number_card"
APPLICATION: Final = "drivers_licence"
SIGNED: Final = "licence"
SIGNATURE: Final = "licence_signature"


@dataclass(frozen=True, slots=True)
class LicenceOnMyNumberCardValues:
    """What was read, parsed. None or empty: not asked for, not recorded, or in `unreadable`."""

    pin_set: bool | None = None
    record: LicenceRecord | None = None
    glyphs: tuple[Glyph, ...] = ()
    signature: SignatureRecord | None = None
    unreadable: tuple[str, ...] = ()


class LicenceOnMyNumberCard:
    """The licence application of the My Number Card behind a channel."""

    def __init__(
        self, channel: Channel, *, progress: Progress | None = None, layout: MyNumberCardLayout | None = None
    ) -> None:
        self._channel = channel
        self._layout = layout or profile().on_my_number_card
        self._aid = bytes.fromhex(self._layout.aid)
        self._pins = LicencePins(
            channel, self._aid, self._layout.pins, self._layout.pin_unset, self._is_set, outlive_selection=False
        )
        self._files = LicenceFiles(
            channel,
            self._layout.files,
            self._pins,
            enter=lambda _: self._enter(),
            mark=SIGNATURE,
            progress=progress,
        )

    def detect(self) -> Detection:
        """Tell whether the card carries a licence."""
        present = self._channel.select(self._aid)
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of the licence's own PIN, spending none."""
        self._enter()
        return self._pins.tries()

    def unlock(self, key: Pin, *, allow_last_try: bool = False) -> Unlocking:
        """Verify the PIN `drivers_licence`; it opens everything. Raises PinError as the licence card does."""
        self._pins.check(key)
        self._enter()
        self._pins.verify(key, allow_last_try=allow_last_try)
        self._files.resume()
        return Unlocking(key.name, (SIGNED, SIGNATURE))

    def read(self, *parts: str) -> Reading[LicenceOnMyNumberCardValues]:
        """Return the named parts: `pin_setting`, `licence`, `licence_signature`; without a name all that is open.

        Raises PinError `licence.pin_required` for a part that was named and is not open.
        """
        found = self._files.read(parts)
        return Reading(DOCUMENT, APPLICATION, self._values(found), self._files.raw(APPLICATION, found))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:  # noqa: ARG002
        """Prove who wrote the data: the police's signature over the whole record; the chip itself signs nothing."""
        if SIGNED not in self._files.open:
            return unproved("proof.needs_licence_pin", (), ()), REVOCATION
        content = self._files.file(SIGNED) or b""
        try:
            found = items(self._files.file(SIGNATURE) or b"", on_my_number_card=True)
            signature = signature_in(found, self._layout.signature_tags)
        except FormatError as error:
            return Proof("data_signature", "failed", error.code, (SIGNED,), detail=error.message), REVOCATION
        messages = [content]
        with suppress(FormatError):
            messages.append(without_filler(content, on_my_number_card=True))
        return judge_signature(signature, messages, trust, covers=(SIGNED,), leaves_out=()), REVOCATION

    def _enter(self) -> None:
        if not self._channel.select(self._aid):
            raise CardError(
                "licence.application_missing",
                "The My Number Card carries no driver's licence.",
                next="Use the driver's licence card, if the person has one.",
            )

    def _is_set(self) -> bool:
        return pin_is_set(self._files.file("pin_setting") or b"")

    def _values(self, found: dict[str, bytes]) -> LicenceOnMyNumberCardValues:
        layout = self._layout
        values: dict[str, Any] = {}
        unreadable = []
        for part, content in found.items():
            if is_blank(content):
                continue
            try:
                if part == "pin_setting":
                    values["pin_set"] = pin_is_set(content)
                    continue
                read = tuple(items(content, on_my_number_card=True))
                if part == SIGNATURE:
                    values["signature"] = signature_in(read, layout.signature_tags)
                    continue
                values["record"] = record_of(read, layout.record)
                numbers = ((layout.glyph_tags.get(f"{item.tag:02X}"), item.value) for item in read)
                values["glyphs"] = tuple(Glyph(number, 0, value) for number, value in numbers if number and any(value))
            except FormatError:
                unreadable.append(part)
        return LicenceOnMyNumberCardValues(**values, unreadable=tuple(unreadable))
