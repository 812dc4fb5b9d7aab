"""The files of a licence, on its own card or on a My Number Card: which are open, each read whole and once."""

from collections.abc import Callable, Mapping
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Progress, RawFile
from honnin.chip.drivers_licence.pins import LicencePins, licence_pin_required
from honnin.chip.drivers_licence.profile import FileLayout
from honnin.chip.files import read_bytes
from honnin.chip.iso7816 import RefusalError
from honnin.chip.keeping import Kept
from honnin.errors import InputError

__all__ = ["LicenceFiles"]

ONLY_BY_NAME: Final = frozenset({"reserved"})
PIN_NEEDED: Final = 0x6982
ABSENT: Final = frozenset({0x6A82, 0x6A83, 0x6A88})


class LicenceFiles:
    """Files by part. enter: makes a part's DF current; mark: the part by which a card is known again."""

    def __init__(
        self,
        channel: Channel,
        layout: Mapping[str, FileLayout],
        pins: LicencePins,
        *,
        enter: Callable[[str], None],
        mark: str,
        progress: Progress | None,
    ) -> None:
        self._channel = channel
        self._layout = layout
        self._pins = pins
        self._enter = enter
        self._mark = mark
        self._progress = progress
        self._kept = Kept(channel, mark)

    @property
    def open(self) -> tuple[str, ...]:
        """The parts that the verified PINs open, but the reserved one."""
        verified = self._pins.verified
        return tuple(
            part for part, file in self._layout.items() if part not in ONLY_BY_NAME and verified.issuperset(file.pins)
        )

    @property
    def kept(self) -> Mapping[str, bytes]:
        """What was read of this card."""
        return self._kept.files

    def resume(self) -> None:
        """Keep what was read before contact was lost where the same card is there again."""
        self._kept.resume(lambda: self._fetch(self._mark))

    def read(self, parts: tuple[str, ...]) -> dict[str, bytes]:
        """Return the named parts, or all that are open; one that the licence does not have is left out.

        Raises InputError `licence.part_unknown`, PinError `licence.pin_required`.
        """
        if set(parts) - self._layout.keys():
            raise InputError(
                "licence.part_unknown",
                "A licence of this kind has no such part.",
                next=f"Use one of {', '.join(self._layout)}.",
            )
        found = {part: self.file(part) for part in parts or self.open}
        return {part: content for part, content in found.items() if content is not None}

    def raw(self, application: str, found: Mapping[str, bytes]) -> tuple[RawFile, ...]:
        """Return what was read as raw files."""
        return tuple(RawFile(application, part, self._layout[part].file, content) for part, content in found.items())

    def file(self, part: str) -> bytes | None:
        """Return a file whole, None where the licence has none; each is read once."""
        kept = self._kept.files
        if part not in kept:
            content = self._fetch(part)
            if content is None:
                return None
            kept[part] = content
        return kept[part]

    def _fetch(self, part: str) -> bytes | None:
        file = self._layout[part]
        if not self._pins.verified.issuperset(file.pins):
            raise licence_pin_required(part, file.pins)
        self._enter(part)
        progress = self._progress
        told = None if progress is None else (lambda have, total: progress(part, have, total))
        try:
            return read_bytes(self._channel, file.file, file.length, told=told)
        except RefusalError as refusal:
            if refusal.sw == PIN_NEEDED:
                raise licence_pin_required(part, file.pins) from None
            if refusal.sw in ABSENT:
                return None
            raise
