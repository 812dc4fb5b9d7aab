"""The driver's licence (運転免許証): the card, and the licence in the free area of a My Number Card (マイナ免許証).

    with open_reader("pcsc:") as reader, DriversLicence(reader) as licence:
        licence.card.unlock(Pin("pin_1", first))
        licence.card.unlock(Pin("pin_2", second))
        reading = licence.card.read()
        proofs = licence.card.prove(challenge, trust=trust)

What is known of both layouts stands in `profile.json`.
"""

from honnin.chip.document import Detection, Progress, Tries
from honnin.chip.document_session import DocumentSession
from honnin.chip.drivers_licence.application import LicenceApplication, LicenceValues
from honnin.chip.drivers_licence.glyphs import Glyph
from honnin.chip.drivers_licence.number import LicenceNumber, check_licence_number
from honnin.chip.drivers_licence.record import Change, Common, LicenceRecord, SignatureRecord
from honnin.chip.drivers_licence.text import Run, Text
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript

__all__ = [
    "Change",
    "Common",
    "DriversLicence",
    "Glyph",
    "LicenceApplication",
    "LicenceNumber",
    "LicenceRecord",
    "LicenceValues",
    "Run",
    "SignatureRecord",
    "Text",
    "check_licence_number",
]


class DriversLicence(DocumentSession):
    """A driver's licence on a reader. Use it in a `with`: however the block ends, no PIN stays verified."""

    def __init__(
        self, reader: Reader, *, transcript: Transcript | None = None, progress: Progress | None = None
    ) -> None:
        super().__init__(reader, transcript)
        self.card = LicenceApplication(self._channel, progress=progress)

    def detect(self) -> tuple[Detection, ...]:
        """Tell whether the card is a driver's licence."""
        return (self.card.detect(),)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of both PINs."""
        return self.card.tries()
