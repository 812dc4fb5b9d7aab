"""The My Number Card (個人番号カード): its applications, and one session over all of them.

    with open_reader("pcsc:") as reader, MyNumberCard(reader) as card:
        card.card_face.unlock(NumberB.of("550217", 2035, "2285"))
        face = card.card_face.read("face").values.face
        proofs = card.card_face.prove(challenge, trust=trust)

What a session may collect is said when it is opened: the individual number only where `allow` names it.
"""

import secrets
from collections.abc import Callable, Iterable

from honnin.chip.document import Detection, Progress, Tries
from honnin.chip.document_session import DocumentSession
from honnin.chip.drivers_licence.on_my_number_card import LicenceOnMyNumberCard
from honnin.chip.my_number_card.card_face import CardFaceApplication
from honnin.chip.my_number_card.common import CommonApplication, detect_resident_register
from honnin.chip.my_number_card.free_area import FreeAreaApplication, FreeAreaValues, TerminalKey, Use
from honnin.chip.my_number_card.gate import ORDINARY, Data, Gate
from honnin.chip.my_number_card.input_support import InputSupportApplication
from honnin.chip.my_number_card.jpki import CertificateKind, Issued, JpkiApplication, JpkiValues
from honnin.chip.my_number_card.keys import BirthDateKey, NumberA, NumberB
from honnin.chip.my_number_card.signing import CardSignature, Purpose
from honnin.chip.my_number_card.token import TokenInfo
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript

__all__ = [
    "BirthDateKey",
    "CardFaceApplication",
    "CardSignature",
    "CertificateKind",
    "CommonApplication",
    "FreeAreaApplication",
    "FreeAreaValues",
    "InputSupportApplication",
    "Issued",
    "JpkiApplication",
    "JpkiValues",
    "LicenceOnMyNumberCard",
    "MyNumberCard",
    "NumberA",
    "NumberB",
    "Purpose",
    "TerminalKey",
    "TokenInfo",
]


class MyNumberCard(DocumentSession):
    """A My Number Card, or a phone that carries its JPKI application.

    Use it in a `with`: however the block ends, no PIN stays verified. Closing the reader does the same by a reset.

    allow: what may be collected; `individual_number` is not in it unless named. progress: called with file name, bytes
    read and bytes in all.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        transcript: Transcript | None = None,
        allow: Iterable[Data] = ORDINARY,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        gate = Gate(allow)
        super().__init__(reader, transcript, issuer_domain=True)
        self.jpki = JpkiApplication(self._channel)
        self.card_face = CardFaceApplication(self._channel, gate=gate, progress=progress)
        self.input_support = InputSupportApplication(
            self._channel, self._wire, gate=gate, progress=progress, randomness=randomness
        )
        self.common = CommonApplication(self._channel)
        self.drivers_licence = LicenceOnMyNumberCard(self._channel, progress=progress)

    def detect(self) -> tuple[Detection, ...]:
        """Tell which of the applications that honnin knows the card has, the JPKI application first."""
        return (
            self.jpki.detect(),
            self.card_face.detect(),
            self.input_support.detect(),
            self.common.detect(),
            detect_resident_register(self._channel),
            self.drivers_licence.detect(),
        )

    def free_area(self, use: Use) -> FreeAreaApplication:
        """Return an application of the card's free area (docs/free-area.md); `detect` tells whether the card has it."""
        return FreeAreaApplication(self._channel, use)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of the JPKI application's PINs."""
        return self.jpki.tries()

    def all_tries(self) -> tuple[tuple[str, Tries], ...]:
        """Return the tries left of every PIN of every application that the card has, with the application's name."""
        found: list[tuple[str, Tries]] = []
        for application in (self.jpki, self.input_support, self.card_face, self.drivers_licence):
            detection = application.detect()
            if detection.present:
                found += [(detection.application, tries) for tries in application.tries()]
        return tuple(found)
