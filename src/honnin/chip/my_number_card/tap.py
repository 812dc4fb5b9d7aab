"""What a terminal for tap use (かざし利用) may do with a card, and nothing else (digital-agency-apis sheet §5.2).

| Function | Input |
|---|---|
| `certificate` | none: the user authentication certificate is free on the card |
| `internal_authentication` | the birth-date key, which a server sends; of the card face nothing else is read |
| `sign` | the 4-digit PIN of the user authentication key |
| `four_items` | the 4-digit PIN of the input support application |

Phones keep their certificate behind a PIN, so they cannot be tapped this way.
"""

from dataclasses import dataclass, field

from honnin.chip.document import Challenge, Pin, Proof, Trust
from honnin.chip.my_number_card import BirthDateKey, CardSignature, MyNumberCard
from honnin.errors import CardError
from honnin.identity.four_items import FourItems

__all__ = ["TapCard", "Tapped"]


@dataclass(frozen=True, slots=True)
class Tapped:
    """What the chip proved. birth_date: six digits of the record that was signed; proofs: issuer, record, chip."""

    proofs: tuple[Proof, ...]
    birth_date: str | None = field(repr=False)

    @property
    def genuine(self) -> bool:
        """Tell whether the chip signed the challenge with a key that the card's issuer signed."""
        return {proof.kind: proof.result for proof in self.proofs}.get("internal_authentication") == "passed"


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

    def internal_authentication(self, birth_date: BirthDateKey, challenge: Challenge, trust: Trust) -> Tapped:
        """Let the chip prove that it is genuine. Raises PinError `card.pin_wrong` for another person's birth date."""
        face = self._card.card_face
        face.unlock(birth_date)
        age = face.read("age").values.age
        proofs = face.prove(challenge, trust=trust)
        return Tapped(proofs, age.birth_date.iso() if age else None)

    def sign(self, challenge: Challenge, pin: Pin) -> CardSignature:
        """Sign a challenge with the user authentication key. Raises PinError."""
        self._card.jpki.unlock(pin)
        return self._card.jpki.sign_message("user_authentication", challenge.message())

    def four_items(self, pin: Pin) -> FourItems | None:
        """Return the four items by the PIN of the input support application. Raises PinError."""
        self._card.input_support.unlock(pin)
        return self._card.input_support.read("four_items").values.four_items
