"""Residence card (在留カード) and special permanent resident certificate (特別永住者証明書), both generations.

    with open_reader("pcsc:") as reader, ResidenceCard(reader) as card:
        card.residence.unlock(CardNumber("AB12345678CD"))
        reading = card.residence.read()
        proofs = card.residence.prove(challenge, trust=Trust((ca,), at))

What is known of the layouts stands in `profile.json`.
"""

import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self

from honnin.chip.channel import Channel
from honnin.chip.document import Detection, Progress, Tries
from honnin.chip.readers.reader import Reader
from honnin.chip.residence_card.application import ResidenceApplication
from honnin.chip.residence_card.keys import CardNumber
from honnin.chip.residence_card.record import ResidenceValues
from honnin.chip.transcript import Transcript

__all__ = ["CardNumber", "ResidenceApplication", "ResidenceCard", "ResidenceValues"]


class ResidenceCard:
    """A residence card on a reader. Use it in a `with`: however the block ends, the chip's session is closed."""

    def __init__(
        self,
        reader: Reader,
        *,
        transcript: Transcript | None = None,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._channel = Channel(reader, transcript)
        self.residence = ResidenceApplication(self._channel, progress=progress, randomness=randomness)

    @property
    def transcript(self) -> Transcript:
        """What was said between honnin and the card, secrets withheld."""
        return self._channel.transcript

    def detect(self) -> tuple[Detection, ...]:
        """Tell whether the card is a residence card or a special permanent resident certificate."""
        return (self.residence.detect(),)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: the number cannot lock."""
        return self.residence.tries()

    def leave(self) -> None:
        """Close the chip's session. Called by the end of a `with`."""
        self._channel.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
