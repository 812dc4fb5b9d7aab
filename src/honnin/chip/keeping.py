"""What was read of one card in one contact, and what of it may be kept when contact was lost.

After lost contact another card may lie there. What was read before is taken up again only when a file that is the
card's own (its signature, its serial) is read anew and is the same; reading then goes on from the last whole file.
"""

from collections.abc import Callable

from honnin.chip.channel import Channel

__all__ = ["Kept"]


class Kept:
    """Files by name. mark: the file by which a card is known again."""

    def __init__(self, channel: Channel, mark: str) -> None:
        self._channel = channel
        self._mark = mark
        self._contact = channel.contact
        self._files: dict[str, bytes] = {}
        self._before: dict[str, bytes] = {}

    @property
    def files(self) -> dict[str, bytes]:
        """What was read in this contact, or taken up from the one before."""
        if self._contact != self._channel.contact:
            self._contact = self._channel.contact
            self._before = self._files or self._before
            self._files = {}
        return self._files

    def resume(self, fetch: Callable[[], bytes | None]) -> None:
        """Take up what was read before contact was lost where it is the same card's. fetch: reads the mark anew."""
        files = self.files
        if self._mark not in self._before:
            return
        before, self._before = self._before, {}
        content = fetch()
        if content is not None:
            files[self._mark] = content
            if content == before[self._mark]:
                files.update(before)
