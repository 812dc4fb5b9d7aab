"""The My Number Card (個人番号カード): its applications, and one session over all of them.

In this release the JPKI application; the card's other applications are not read.
"""

from types import TracebackType
from typing import Self

from honnin.chip.channel import Channel
from honnin.chip.document import Detection, Tries
from honnin.chip.my_number_card.jpki import CertificateKind, Issued, JpkiApplication, JpkiValues
from honnin.chip.my_number_card.signing import CardSignature, Purpose
from honnin.chip.my_number_card.token import TokenInfo
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript

__all__ = [
    "CardSignature",
    "CertificateKind",
    "Issued",
    "JpkiApplication",
    "JpkiValues",
    "MyNumberCard",
    "Purpose",
    "TokenInfo",
]


class MyNumberCard:
    """A My Number Card, or a phone that carries its JPKI application.

    Use it in a `with`: however the block ends, no PIN stays verified. Closing the reader does the same by a reset.
    """

    def __init__(self, reader: Reader, *, transcript: Transcript | None = None) -> None:
        self._channel = Channel(reader, transcript)
        self.jpki = JpkiApplication(self._channel)

    @property
    def transcript(self) -> Transcript:
        """What was said between honnin and the card, secrets withheld."""
        return self._channel.transcript

    def detect(self) -> tuple[Detection, ...]:
        """Tell which of the applications that honnin knows the card has."""
        return (self.jpki.detect(),)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of every PIN of every application."""
        return self.jpki.tries()

    def leave(self) -> None:
        """Select the issuer domain: verified PINs are dropped. Called by the end of a `with`."""
        self._channel.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
