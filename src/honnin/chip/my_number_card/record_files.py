"""An application of signed records: its keys, and its files by part; what both card face and input support share."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Progress, RawFile, Tries, Unlocking
from honnin.chip.files import is_blank, read_bytes, read_object
from honnin.chip.iso7816 import RefusalError
from honnin.chip.keeping import Kept
from honnin.chip.my_number_card.gate import Gate
from honnin.chip.my_number_card.keys import NumberA, RecordKey, value_of
from honnin.chip.my_number_card.profile import RecordProfile
from honnin.chip.pin_file import PinFile
from honnin.chip.pins import check_change, check_format
from honnin.errors import CardError, InputError, PinError

__all__ = ["RecordFiles"]

PIN_NEEDED: Final = 0x6982
ABSENT: Final = frozenset({0x6A82, 0x6A83, 0x6A88})
UNREADABLE: Final = ABSENT | {0x6981, 0x6985, 0x6986, 0x6B00}
INDIVIDUAL_NUMBER: Final = ("individual_number",)


class RecordFiles:
    """Keys and files of one application. gate: what may be collected; mark: the part by which a card is known again."""

    def __init__(
        self,
        channel: Channel,
        application: str,
        layout: RecordProfile,
        gate: Gate,
        *,
        mark: str,
        progress: Progress | None,
    ) -> None:
        self._channel = channel
        self._application = application
        self._layout = layout
        self._gate = gate
        self._mark = mark
        self._progress = progress
        self._aid = bytes.fromhex(layout.aid)
        self._pins = {name: PinFile(channel, name, self._aid, rule) for name, rule in layout.pins.items()}
        self._kept = Kept(channel, mark)
        self._missing: set[tuple[int, str]] = set()

    @property
    def kept(self) -> Mapping[str, bytes]:
        """What was read of this card."""
        return self._kept.files

    def is_missing(self, part: str) -> bool:
        """Tell whether a part was asked for in this contact, and the card had nothing there."""
        return part not in self.kept and (self._channel.contact, part) in self._missing

    def detect(self) -> bool:
        """Tell whether the card has the application."""
        return self._channel.select(self._aid)

    def enter(self) -> None:
        """Make the application current. Raises CardError `card.record_application_missing`."""
        if not self._channel.select(self._aid):
            raise CardError(
                "card.record_application_missing",
                f"The card has no {self._application.replace('_', ' ')} application.",
                next="Use a My Number Card made of plastic; phones do not have it.",
            )

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of every key that the card has, spending none."""
        self.enter()
        found = []
        for pin in self._pins.values():
            try:
                found.append(pin.tries())
            except RefusalError as refusal:
                if refusal.sw not in ABSENT:
                    raise
        return tuple(found)

    def unlock(self, key: RecordKey, *, allow_last_try: bool) -> Unlocking:
        """Verify a key. Raises AccessError `card.collection_refused` for number A where the number is not allowed."""
        if key.name not in self._pins:
            raise InputError(
                "chip.pin_unknown",
                f"The {self._application.replace('_', ' ')} application has no key of that name.",
                next=f"Use {', '.join(self._pins)}.",
            )
        if isinstance(key, NumberA):
            self._gate.check(INDIVIDUAL_NUMBER)
        value = check_format(key.name, self._layout.pins[key.name], value_of(key))
        self.enter()
        self._pins[key.name].verify(value, allow_last_try=allow_last_try)
        if self._is_open(self._mark):
            self._kept.resume(lambda: self._fetch(self._mark))
        opened = tuple(part for part, file in self._layout.files.items() if key.name in file.opened_by)
        return Unlocking(key.name, opened)

    def change(
        self,
        name: str,
        old: str,
        new: str,
        *,
        birth_date: date | None,
        security_code: str | None,
        allow_last_try: bool,
    ) -> None:
        """Set a new PIN; both are judged before the card is asked. Raises PinError."""
        rule = self._layout.pins[name]
        checked = check_change(name, rule, old, new, birth_date=birth_date, security_code=security_code)
        self.enter()
        self._pins[name].change(*checked, allow_last_try=allow_last_try)

    def read(self, parts: tuple[str, ...]) -> dict[str, bytes]:
        """Return the named parts, or all that are open and allowed; one that the card does not have is left out.

        Raises InputError `chip.part_unknown`, PinError `card.pin_required`, AccessError `card.collection_refused`.
        """
        if set(parts) - self._layout.files.keys():
            raise InputError(
                "chip.part_unknown",
                f"The {self._application.replace('_', ' ')} application has no such part.",
                next=f"Use one of {', '.join(self._layout.files)}.",
            )
        for part in parts:
            self._gate.check(self._layout.files[part].data)
        self.enter()
        found = {part: self.content(part) for part in parts or self._open()}
        return {part: content for part, content in found.items() if content is not None}

    def raw(self, found: Mapping[str, bytes]) -> tuple[RawFile, ...]:
        """Return what was read as raw files."""
        files = self._layout.files
        return tuple(RawFile(self._application, part, files[part].file, content) for part, content in found.items())

    def content(self, part: str) -> bytes | None:
        """Return a file's bytes, None where the card has none; each is read once."""
        self._gate.check(self._layout.files[part].data)
        kept = self._kept.files
        if part not in kept:
            content = self._fetch(part)
            if content is None or is_blank(content):
                self._missing.add((self._channel.contact, part))
                return None
            kept[part] = content
        return kept[part]

    def _open(self) -> tuple[str, ...]:
        files = self._layout.files.items()
        return tuple(part for part, file in files if self._is_open(part) and self._gate.lets(file.data))

    def _is_open(self, part: str) -> bool:
        opened_by = self._layout.files[part].opened_by
        return not opened_by or any(self._pins[name].verified for name in opened_by)

    def _fetch(self, part: str) -> bytes | None:
        file = self._layout.files[part]
        self.enter()
        if not self._is_open(part):
            raise _key_required(part, file.opened_by)
        progress = self._progress
        told = None if progress is None else (lambda have, total: progress(part, have, total))
        try:
            if file.fixed:
                return read_bytes(self._channel, file.file, file.limit, told=told)
            return read_object(self._channel, file.file, limit=file.limit, told=told)
        except RefusalError as refusal:
            if refusal.sw == PIN_NEEDED:
                raise _key_required(part, file.opened_by) from None
            if refusal.sw in UNREADABLE:
                return None
            raise


def _key_required(part: str, opened_by: tuple[str, ...]) -> PinError:
    named = " or ".join(name.replace("_", " ") for name in opened_by) or "a key"
    return PinError("card.pin_required", f"The part {part} needs {named}.", next="Unlock the card with it first.")
