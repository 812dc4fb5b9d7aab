"""The PINs of a licence: chosen by the holder, or `****` where none was chosen (other-documents sheet §2.2, §3).

What says which it is can be read without a PIN, so that no try is spent to find out. On the licence card verified PINs
outlive the selection of other DFs and end with the contact.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from honnin.chip.channel import Channel
from honnin.chip.document import Pin, Tries
from honnin.chip.iso7816 import RefusalError
from honnin.chip.pin_file import PinFile
from honnin.chip.pins import PinRule, check_format
from honnin.errors import InputError, PinError

__all__ = ["LicencePins", "licence_pin_required"]

ABSENT = frozenset({0x6A82, 0x6A83, 0x6A88})


class LicencePins:
    """The PINs of one DF. unset: what is sent where none was chosen; is_set: asks the card which it is.

    outlive_selection: whether a verified PIN stays so when another DF is selected.
    """

    def __init__(
        self,
        channel: Channel,
        aid: bytes,
        rules: Mapping[str, PinRule],
        unset: str,
        is_set: Callable[[], bool],
        *,
        outlive_selection: bool = True,
    ) -> None:
        self._channel = channel
        self._rules = rules
        self._files = {name: PinFile(channel, name, aid, rule) for name, rule in rules.items()}
        self._unset = unset.encode("ascii")
        self._is_set = is_set
        self._verified: set[str] = set()
        self._outlive_selection = outlive_selection
        self._since = self._moment

    @property
    def verified(self) -> set[str]:
        """The PINs that the card holds for verified."""
        if self._since != self._moment:
            self._since = self._moment
            self._verified.clear()
        return self._verified

    @property
    def _moment(self) -> int:
        return self._channel.contact if self._outlive_selection else self._channel.visit

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of each PIN that the card has; the DF must be current."""
        unused = not self._is_set()
        found = []
        for pin in self._files.values():
            try:
                found.append(replace(pin.tries(), unused=unused))
            except RefusalError as refusal:
                if refusal.sw not in ABSENT:
                    raise
        return tuple(found)

    def check(self, key: Pin) -> None:
        """Refuse a PIN that this licence does not have, by its name."""
        if key.name not in self._rules:
            raise InputError(
                "chip.pin_unknown", "A licence has no PIN of that name.", next=f"Use {', '.join(self._rules)}."
            )

    def verify(self, key: Pin, *, allow_last_try: bool) -> None:
        """Verify a PIN; the DF must be current. Raises PinError."""
        value = check_format(key.name, self._rules[key.name], key.value) if self._is_set() else self._unset
        self.verified.discard(key.name)
        self._files[key.name].verify(value, allow_last_try=allow_last_try)
        self.verified.add(key.name)


def licence_pin_required(part: str, pins: tuple[str, ...]) -> PinError:
    """Return the error of a part whose PINs were not verified."""
    return PinError(
        "licence.pin_required",
        f"The part {part} needs {' and '.join(pins)}.",
        next="Unlock the licence with them first.",
    )
