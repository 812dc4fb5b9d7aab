"""One document on a reader: a way to its chip, and what is left behind when whoever used it is done."""

from types import TracebackType
from typing import Self

from honnin.chip.channel import Channel
from honnin.chip.protected_reader import ProtectedReader
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript

__all__ = ["DocumentSession"]


class DocumentSession:
    """The session that every document has. In a `with`: however the block ends, no PIN and no session stays open.

    issuer_domain: whether cards of this kind have one (`Channel`).
    """

    def __init__(self, reader: Reader, transcript: Transcript | None, *, issuer_domain: bool = False) -> None:
        self._wire = ProtectedReader(reader)
        self._channel = Channel(self._wire, transcript, issuer_domain=issuer_domain)

    @property
    def transcript(self) -> Transcript:
        """What was said between honnin and the chip before protection, secrets withheld, answers by length alone."""
        return self._channel.transcript

    def leave(self) -> None:
        """Give the document back: its session is closed, verified PINs are dropped. Called by the end of a `with`."""
        self._wire.plain()
        self._channel.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
