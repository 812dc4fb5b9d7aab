"""What a terminal for tap use (かざし利用) may do with a card, and nothing else (digital-agency-apis sheet §5.2).

| Function | Input |
|---|---|
| `certificate` | none: the user authentication certificate is free on the card |
| `internal_authentication` | the birth-date key, which a server sends; of the card face nothing else is read |
| `sign` | the 4-digit PIN of the user authentication key |
| `four_items` | the 4-digit PIN of the input support application |

The terminal only carries what the chip says (`ChipAnswer`); the server, which chose the challenge, judges it (`judge`).
Phones keep their certificate behind a PIN, so they cannot be tapped this way.
"""

from dataclasses import dataclass, field
from typing import Final

from honnin.chip.document import Challenge, Pin, Proof, Trust
from honnin.chip.my_number_card import BirthDateKey, CardSignature, MyNumberCard
from honnin.chip.my_number_card.card_face import AGE, judge_age
from honnin.chip.my_number_card.cv_certificate import judge_issuer
from honnin.chip.my_number_card.record_signatures import judge_chip_answer
from honnin.chip.my_number_card.records import parse_record
from honnin.errors import CardError, FormatError
from honnin.identity.dates import PartialDate, from_card_record
from honnin.identity.four_items import FourItems

__all__ = ["ChipAnswer", "TapCard", "Tapped", "judge"]

BIRTH_DATE: Final = 0xDF11


@dataclass(frozen=True, slots=True)
class ChipAnswer:
    """What the chip gave: its age record (EF 0001), the signer's certificate (EF 0004), and what it signed."""

    age_record: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tapped:
    """What the chip proved. proofs: issuer, record, chip.

    birth_date: of the record that was signed; chip_key: the key in it (SubjectPublicKeyInfo), the same for one card's
    whole life. Both None where the record cannot be read.
    """

    proofs: tuple[Proof, ...]
    birth_date: PartialDate | None = field(repr=False)
    chip_key: bytes | None = field(repr=False)

    def result(self, kind: str) -> str:
        """Return how a proof ended: `passed`, `failed` or `not_checked`."""
        return next((proof.result for proof in self.proofs if proof.kind == kind), "not_checked")

    @property
    def genuine(self) -> bool:
        """Tell whether the chip signed the challenge with a key that the card's issuer signed."""
        return self.result("internal_authentication") == "passed"


class TapCard:
    """The functions of tap use over an open card."""

    def __init__(self, card: MyNumberCard) -> None:
        self._card = card

    def certificate(self) -> bytes:
        """Return the user authentication certificate (DER). Raises CardError `card.not_issued`."""
        found = self._card.jpki.certificate("user_authentication")
        if found is None:
            raise CardError(
                "card.not_issued", "The card holds no user authentication certificate.", next="Use another document."
            )
        return found

    def internal_authentication(self, birth_date: BirthDateKey, message: bytes) -> ChipAnswer:
        """Let the chip sign a challenge's message with its own key.

        Raises PinError `card.pin_wrong` for another person's birth date; CardError where the files are not there.
        """
        face = self._card.card_face
        face.unlock(birth_date)
        found = face.read("age", "certificate")
        age, certificate = found.file("age"), found.file("certificate")
        if age is None or certificate is None:
            raise CardError(
                "card.not_issued", "The card's own proof is not on this card.", next="Use another document."
            )
        return ChipAnswer(age, certificate, face.sign_challenge(message))

    def sign(self, message: bytes, pin: Pin) -> CardSignature:
        """Sign a message with the user authentication key. Raises PinError."""
        self._card.jpki.unlock(pin)
        return self._card.jpki.sign_message("user_authentication", message)

    def four_items(self, pin: Pin) -> FourItems | None:
        """Return the four items by the PIN of the input support application. Raises PinError."""
        self._card.input_support.unlock(pin)
        return self._card.input_support.read("four_items").values.four_items


def judge(answer: ChipAnswer, challenge: Challenge, trust: Trust) -> Tapped:
    """Judge what a chip gave for a challenge: issuer, signed record, the chip's own key.

    trust: with the card issuer's CA keys; what holds but leads to none of them is `not_checked`.
    """
    issuer, spki = judge_issuer(answer.certificate, trust)
    record, key = judge_age(answer.age_record, issuer, spki)
    covers = ("age", "chip")
    if key is None:
        chip = Proof("internal_authentication", "failed", "proof.chip_key_unreadable", covers)
        return Tapped((issuer, record, chip), None, None)
    chip = judge_chip_answer(challenge.message(), answer.signature, key, record, covers)
    return Tapped((issuer, record, chip), _birth_date(answer.age_record), key)


def _birth_date(age_record: bytes) -> PartialDate | None:
    try:
        return from_card_record(parse_record(age_record, AGE).value(BIRTH_DATE).decode("ascii"))
    except (FormatError, UnicodeDecodeError):
        return None
