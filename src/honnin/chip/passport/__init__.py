"""The passport (旅券): its chip's application, and one session over it.

    with open_reader("pcsc:") as reader, Passport(reader) as passport:
        passport.lds1.unlock(MrzKey.of("TK1234567", "900412", "310630"))
        reading = passport.lds1.read("dg1", "dg2")
        proofs = passport.lds1.prove(challenge, trust=Trust((master_list,), at))

The computations are `honnin.chip.icao9303`; here is the talk with the chip.
"""

import secrets
from collections.abc import Callable

from honnin.chip.document import Detection, Progress, Tries
from honnin.chip.document_session import DocumentSession
from honnin.chip.passport.access import Opened
from honnin.chip.passport.application import PassportApplication, PassportValues
from honnin.chip.passport.keys import CanKey, MrzKey, PassportKey
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript

__all__ = ["CanKey", "MrzKey", "Opened", "Passport", "PassportApplication", "PassportKey", "PassportValues", "Progress"]


class Passport(DocumentSession):
    """A passport on a reader. Use it in a `with`: however the block ends, the chip's session is closed.

    extended: whether extended lengths may be tried. progress: called with file name, bytes read and bytes in all.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        transcript: Transcript | None = None,
        extended: bool = True,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(reader, transcript)
        self.lds1 = PassportApplication(
            self._channel, self._wire, extended=extended, progress=progress, randomness=randomness
        )

    def detect(self) -> tuple[Detection, ...]:
        """Tell whether the chip has the passport application."""
        return (self.lds1.detect(),)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: a passport's keys cannot lock."""
        return self.lds1.tries()
