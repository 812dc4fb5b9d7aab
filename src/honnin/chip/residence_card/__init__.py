"""Residence card (在留カード) and special permanent resident certificate (特別永住者証明書), both generations.

    with open_reader("pcsc:") as reader, ResidenceCard(reader) as card:
        card.residence.unlock(CardNumber("AB12345678CD"))
        reading = card.residence.read()
        proofs = card.residence.prove(challenge, trust=Trust((ca,), at))

What is known of the layouts stands in `profile.json`.
"""

import secrets
from collections.abc import Callable

from honnin.chip.document import Detection, Progress, Tries
from honnin.chip.document_session import DocumentSession
from honnin.chip.readers.reader import Reader
from honnin.chip.residence_card.application import ResidenceApplication
from honnin.chip.residence_card.keys import CardNumber
from honnin.chip.residence_card.record import ResidenceValues
from honnin.chip.transcript import Transcript

__all__ = ["CardNumber", "ResidenceApplication", "ResidenceCard", "ResidenceValues"]


class ResidenceCard(DocumentSession):
    """A residence card on a reader. Use it in a `with`: however the block ends, the chip's session is closed.

    delivery_key: a trial, for the sandbox alone: the key (SubjectPublicKeyInfo) to which the session key of a card on a
    My Number Card (特定在留カード) is delivered. Without it such a card is refused.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        transcript: Transcript | None = None,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
        delivery_key: bytes | None = None,
    ) -> None:
        super().__init__(reader, transcript)
        self.residence = ResidenceApplication(
            self._channel, progress=progress, randomness=randomness, wire=self._wire, delivery_key=delivery_key
        )

    def detect(self) -> tuple[Detection, ...]:
        """Tell whether the card is a residence card or a special permanent resident certificate."""
        return (self.residence.detect(),)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: the number cannot lock."""
        return self.residence.tries()
