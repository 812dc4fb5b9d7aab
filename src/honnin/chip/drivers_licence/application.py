"""The driver's licence card in the one shape of a document: detect, tries, unlock, read, prove (sheet §2).

Nothing on the way is protected: PINs and data go over the air in clear. The chip has no key of its own, so a copy of
its data cannot be told from it; what can be proved is who wrote the data.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from honnin.chip.channel import MASTER_FILE, Channel
from honnin.chip.document import Challenge, Detection, Pin, Progress, Proof, Reading, Tries, Trust, Unlocking
from honnin.chip.drivers_licence.files import LicenceFiles
from honnin.chip.drivers_licence.glyphs import Glyph
from honnin.chip.drivers_licence.pins import LicencePins
from honnin.chip.drivers_licence.profile import CardLayout, profile
from honnin.chip.drivers_licence.proving import REVOCATION, judge_signature, unproved
from honnin.chip.drivers_licence.record import (
    Change,
    Common,
    LicenceRecord,
    SignatureRecord,
    changes_in,
    common_in,
    glyphs_in,
    photo_in,
    pin_is_set,
    record_of,
    signature_in,
)
from honnin.chip.drivers_licence.text import Text, kanji_text
from honnin.chip.drivers_licence.tlv import items, without_filler
from honnin.chip.files import is_blank
from honnin.errors import CardError, FormatError

__all__ = ["LicenceApplication", "LicenceValues"]

DOCUMENT: Final = "drivers_licence"
APPLICATION: Final = "licence"
UNSIGNED: Final = ("common", "glyphs", "changes", "changed_glyphs", "domicile_changes")
REGISTERED_DOMICILE: Final = 0x41


@dataclass(frozen=True, slots=True)
class LicenceValues:
    """What was read, parsed. None or empty: not asked for, not recorded, or in `unreadable`.

    changes, domicile_changes: appended after issue and signed by nobody; the latest address is the current one.
    """

    common: Common | None = None
    pin_set: bool | None = None
    record: LicenceRecord | None = None
    registered_domicile: Text | None = field(default=None, repr=False)
    glyphs: tuple[Glyph, ...] = ()
    changes: tuple[Change, ...] = ()
    domicile_changes: tuple[Change, ...] = ()
    signature: SignatureRecord | None = None
    photo: bytes | None = field(default=None, repr=False)
    unreadable: tuple[str, ...] = ()

    def current(self, kind: str) -> Text | None:
        """Return the latest appended value of a kind (`name`, `address` …), else what the licence was issued with."""
        dated = [change for change in self.changes + self.domicile_changes if change.kind == kind and change.value]
        if dated:
            return max(dated, key=lambda change: change.date.iso() if change.date else "").value
        if kind == "registered_domicile":
            return self.registered_domicile
        found = getattr(self.record, kind, None)
        return found if isinstance(found, Text) else None


class LicenceApplication:
    """The licence on the card behind a channel. progress: called with file name, bytes read and bytes in all."""

    def __init__(self, channel: Channel, *, progress: Progress | None = None, layout: CardLayout | None = None) -> None:
        self._channel = channel
        self._layout = layout or profile().card
        self._pins = LicencePins(channel, MASTER_FILE, self._layout.pins, self._layout.pin_unset, self._is_set)
        self._files = LicenceFiles(
            channel,
            self._layout.files,
            self._pins,
            enter=lambda part: self._enter(self._layout.files[part].df),
            mark="signature",
            progress=progress,
        )

    def detect(self) -> Detection:
        """Tell whether the card is a driver's licence, by the AID of its first DF."""
        present = self._channel.select(bytes.fromhex(self._layout.aids["df1"]))
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of PIN1 and PIN2, spending none; `unused` where the holder chose none."""
        self._enter("mf")
        return self._pins.tries()

    def unlock(self, key: Pin, *, allow_last_try: bool = False) -> Unlocking:
        """Verify `pin_1` or `pin_2`. PIN1 opens all but registered domicile and photo, which need both.

        Where the holder chose no PINs the card's fixed ones are sent and what was typed is not looked at.
        After lost contact, unlocking the same licence keeps what was read.
        Raises PinError `card.pin_wrong`, `licence.pin_locked`, `card.pin_last_try`, `card.pin_format`.
        """
        self._pins.check(key)
        self._enter("mf")
        self._pins.verify(key, allow_last_try=allow_last_try)
        if key.name == "pin_1":
            self._files.resume()
        opened = tuple(
            name
            for name, file in self._layout.files.items()
            if key.name in file.pins and self._pins.verified.issuperset(file.pins)
        )
        return Unlocking(key.name, opened)

    def read(self, *parts: str) -> Reading[LicenceValues]:
        """Return the named parts (files of `profile.json`); without a name all that is open, but the reserved file.

        Raises PinError `licence.pin_required` for a part that was named and is not open.
        """
        found = self._files.read(parts)
        return Reading(DOCUMENT, APPLICATION, self._values(found), self._files.raw(APPLICATION, found))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:  # noqa: ARG002
        """Prove who wrote the data: the police's signature over record, registered domicile and photo.

        challenge: of no use here, as the chip signs nothing. Without both PINs, or without the police's key in
        `trust`, the proof is `not_checked`; what was appended after issue is in `leaves_out`.
        """
        signed = self._layout.signed
        open_parts = self._files.open
        closed = [part for part in signed if part not in open_parts]
        left = tuple(part for part in self._files.kept if part in UNSIGNED)
        covers = tuple(part for part in signed if part in open_parts)
        if closed or "signature" not in open_parts:
            return unproved("proof.needs_both_pins", covers, left), REVOCATION
        contents = [self._files.file(part) for part in signed]
        try:
            signature = signature_in(items(self._files.file("signature") or b""), self._layout.signature_tags)
        except FormatError as error:
            return Proof("data_signature", "failed", error.code, covers, left, detail=error.message), REVOCATION
        if None in contents:
            return Proof("data_signature", "failed", "proof.signed_file_missing", covers, left), REVOCATION
        whole = b"".join(content or b"" for content in contents)
        messages = [whole]
        with suppress(FormatError):
            messages.append(b"".join(without_filler(content or b"") for content in contents))
        return judge_signature(signature, messages, trust, covers=covers, leaves_out=left), REVOCATION

    def _enter(self, df: str) -> None:
        if not self._channel.select(bytes.fromhex(self._layout.aids[df])):
            raise CardError(
                "licence.application_missing",
                "This is no driver's licence with a chip.",
                next="Use a driver's licence; a certificate of driving record (運転経歴証明書) has no chip.",
            )

    def _is_set(self) -> bool:
        self._enter("mf")
        return pin_is_set(self._files.file("pin_setting") or b"")

    def _values(self, found: dict[str, bytes]) -> LicenceValues:
        layout = self._layout
        parsers: dict[str, tuple[str, Callable[[bytes], Any]]] = {
            "common": ("common", common_in),
            "pin_setting": ("pin_set", pin_is_set),
            "record": ("record", lambda content: record_of(items(content), layout.record)),
            "registered_domicile": ("registered_domicile", _registered_domicile),
            "glyphs": ("glyphs", lambda content: glyphs_in(content, layout.glyph_tags)),
            "changes": ("changes", lambda content: changes_in(content, layout.changes)),
            "domicile_changes": ("domicile_changes", lambda content: changes_in(content, layout.domicile_changes)),
            "signature": ("signature", lambda content: signature_in(items(content), layout.signature_tags)),
            "photo": ("photo", photo_in),
        }
        values: dict[str, Any] = {}
        unreadable = []
        for part, (name, parse) in parsers.items():
            if part in found and not is_blank(found[part]):
                try:
                    values[name] = parse(found[part])
                except FormatError:
                    unreadable.append(part)
        if "changed_glyphs" in found:
            try:
                more = glyphs_in(found["changed_glyphs"], layout.glyph_tags)
                values["glyphs"] = values.get("glyphs", ()) + more
            except FormatError:
                unreadable.append("changed_glyphs")
        return LicenceValues(**values, unreadable=tuple(unreadable))


def _registered_domicile(content: bytes) -> Text | None:
    value = next((item.value for item in items(content) if item.tag == REGISTERED_DOMICILE), b"")
    return kanji_text(value) if value else None
