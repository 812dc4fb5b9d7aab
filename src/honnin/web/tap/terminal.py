"""What a terminal does with a card on its reader: a tap, or a registration with a PIN (docs/tap.md).

    tap            certificate (free) → birth-date key from the server → the chip signs the server's message
    register       PIN → the card signs the server's message → the chip signs it as well

The terminal judges nothing and keeps nothing; a card that is taken away ends the tap, which nobody can finish then.
"""

from datetime import date

from honnin.chip import MyNumberCard, Pin
from honnin.chip.my_number_card import BirthDateKey, Purpose
from honnin.chip.my_number_card.tap import ChipAnswer, TapCard
from honnin.chip.readers import Reader
from honnin.errors import CardError, InputError, PinError
from honnin.pki.jpki import four_items
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.web.tap.service import Registration, Service, Tap

__all__ = ["register", "tap"]

ENOUGH_TRIES = 5  # of the birth-date key, before a second writing of the year is tried


def tap(service: Service, terminal: str, purpose: str, reader: Reader, *, staff: str | None = None) -> Tap:
    """Tap the card on a reader, once, without a PIN. Raises CardError, ReaderError, and what the API refuses."""
    begun = service.begin(terminal, purpose, staff=staff)
    with MyNumberCard(reader) as card:
        chip = TapCard(card)
        seen = service.recognise(begun.id, chip.certificate())
        if seen.birth_date_key is None or begun.message is None:
            return seen
        made = chip.internal_authentication(BirthDateKey(seen.birth_date_key), begun.message)
    return service.finish(begun.id, _parts(made))


def register(
    service: Service, terminal: str, purpose: str, reader: Reader, pin: Pin, *, birth_date: date | None = None
) -> Registration:
    """Register whose card is on a reader.

    pin: `signature`, whose certificate names the birth date, or `user_authentication`, beside which `birth_date` is
    what the customer keyed in. Raises PinError, CardError, ReaderError, InputError `tap.birth_date`, and what the API
    refuses.
    """
    kind: Purpose = "signature" if pin.name == "signature" else "user_authentication"
    begun = service.begin(terminal, purpose, registration=True)
    message = begun.message or b""
    with MyNumberCard(reader) as card:
        card.jpki.unlock(pin)
        certificate = card.jpki.certificate(kind)
        if certificate is None:
            raise CardError("card.not_issued", "The card holds no such certificate.", next="Use the other PIN.")
        signature = card.jpki.sign_message(kind, message).value
        openers = _openers(certificate, kind, birth_date)
        chip = TapCard(card)
        try:
            opener, made = openers[0], chip.internal_authentication(openers[0], message)
        except PinError as error:
            if (error.tries_left or 0) < ENOUGH_TRIES:
                raise
            opener, made = openers[1], chip.internal_authentication(openers[1], message)
    given = {"signature": signature, "certificate": certificate, "card": _parts(made), "birth_date_key": opener.digits}
    return service.register(begun.id, given)


def _parts(made: ChipAnswer) -> dict[str, bytes]:
    return {"age_record": made.age_record, "certificate": made.certificate, "signature": made.signature}


def _openers(certificate: bytes, kind: Purpose, birth_date: date | None) -> tuple[BirthDateKey, BirthDateKey]:
    """Return what may open the chip's own proof, the likeliest first.

    A card prints the year of the era, or the western one for foreign residents; a signature certificate that names no
    era hints at the latter. Raises InputError `tap.birth_date`.
    """
    found = four_items(parse_certificate(certificate)) if kind == "signature" else None
    named = found.birth_date if found is not None else None
    day = named.whole if named is not None else birth_date
    if day is None:
        raise InputError("tap.birth_date", "The birth date is not known.", next="Key in the whole birth date.")
    both = (BirthDateKey.of(day), BirthDateKey.western(day))
    return (both[1], both[0]) if named is not None and named.era is None else both
