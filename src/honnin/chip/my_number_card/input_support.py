"""The input support application (券面事項入力補助AP): four items and individual number as text (sheet §3.3, §4.3).

The signature covers two digests, one of the number's file and one of the four items, so that whoever may not read the
number still proves the four items.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Pin, Progress, Proof, Reading, Tries, Trust, Unlocking
from honnin.chip.icao9303.tlv import only
from honnin.chip.iso7816 import Command
from honnin.chip.my_number_card.cv_certificate import judge_issuer
from honnin.chip.my_number_card.gate import Gate
from honnin.chip.my_number_card.keys import NumberA, RecordKey
from honnin.chip.my_number_card.profile import RecordProfile, profile
from honnin.chip.my_number_card.record_files import RecordFiles
from honnin.chip.my_number_card.record_signatures import judge_chip, judge_record
from honnin.chip.my_number_card.records import parse_record, read_text, rsa_public_key
from honnin.chip.my_number_card.refusals import session_broken
from honnin.chip.pins import check_change, compared
from honnin.chip.protected_reader import ProtectedReader
from honnin.chip.rsa_keys import signs
from honnin.chip.session_key import SessionCipher, deliver
from honnin.errors import AccessError, CardError, FormatError, InputError, PinError
from honnin.identity.dates import from_card_record
from honnin.identity.four_items import SEX_CODES, FourItems
from honnin.identity.individual_number import IndividualNumber

__all__ = ["InputSupportApplication", "InputSupportValues"]

DOCUMENT: Final = "my_number_card"
APPLICATION: Final = "input_support"
NUMBER: Final = 0xFF10
NUMBER_START: Final = b"\xff\x10\x0c"
FOUR_ITEMS, SIGNATURE, CHIP_KEY, DELIVERY_KEY = 0xFF20, 0xFF30, 0xFF50, 0xA1
OFFSETS: Final = 0xDF21
SIGNED_PARTS: Final = ("number", "four_items")  # in the order of their digests


@dataclass(frozen=True, slots=True)
class InputSupportValues:
    """What was read, parsed. None: not asked for, not open, not allowed, or in `unreadable`."""

    individual_number: IndividualNumber | None = field(default=None, repr=False)
    four_items: FourItems | None = field(default=None, repr=False)
    unreadable: tuple[str, ...] = ()


class InputSupportApplication:
    """The input support application of the card behind a channel. wire: protects commands where that is asked for."""

    def __init__(
        self,
        channel: Channel,
        wire: ProtectedReader | None = None,
        *,
        gate: Gate | None = None,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
        layout: RecordProfile | None = None,
    ) -> None:
        self._channel = channel
        self._wire = wire
        self._randomness = randomness
        self._layout = layout or profile().input_support
        self._files = RecordFiles(
            channel, APPLICATION, self._layout, gate or Gate(), mark="signature", progress=progress
        )

    def detect(self) -> Detection:
        """Tell whether the card has this application."""
        present = self._files.detect()
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of the PIN and both verification numbers, spending none."""
        return self._files.tries()

    def unlock(self, key: RecordKey, *, allow_last_try: bool = False) -> Unlocking:
        """Verify the PIN `input_support`, number B (four items) or number A (the individual number).

        Raises PinError `card.pin_wrong`, `card.pin_locked`, `card.number_locked`, `card.pin_last_try`, AccessError
        `card.collection_refused`.
        """
        return self._files.unlock(key, allow_last_try=allow_last_try)

    def matches(self, number: IndividualNumber, *, allow_last_try: bool = False) -> bool:
        """Tell whether a number that was typed is this card's, by verification number A; a wrong one costs a try.

        Raises PinError where no try may be spent, AccessError `card.collection_refused`.
        """
        try:
            self._files.unlock(NumberA(number), allow_last_try=allow_last_try)
        except PinError as error:
            if error.code == "card.pin_wrong":
                return False
            raise
        return True

    def change_pin(
        self,
        name: str,
        old: str,
        new: str,
        *,
        birth_date: date | None = None,
        security_code: str | None = None,
        allow_last_try: bool = False,
    ) -> frozenset[str]:
        """Set a new PIN `input_support`, as `JpkiApplication.change_pin` does; numbers are printed and stay.

        birth_date: where the caller does not know it, the card tells it, for the present PIN opens it.
        Raises PinError as `unlock` does, and `card.pin_improper`, InputError `chip.pin_unknown`.
        """
        if name != APPLICATION:
            raise InputError("chip.pin_unknown", "No such PIN can be changed here.", next=f"Use {APPLICATION}.")
        if birth_date is None:
            check_change(name, self._layout.pins[name], old, new, birth_date=None, security_code=security_code)
            self.unlock(Pin(APPLICATION, old), allow_last_try=allow_last_try)
            birth_date = self._birth_date()
        self._files.change(
            name, old, new, birth_date=birth_date, security_code=security_code, allow_last_try=allow_last_try
        )
        return compared(birth_date, security_code)

    def _birth_date(self) -> date | None:
        """Return the holder's birth date, None where it is not whole, not readable, or not for this session."""
        try:
            items = self.read("four_items").values.four_items
        except (AccessError, PinError):
            return None
        return None if items is None or items.birth_date is None else items.birth_date.whole

    def protect(self) -> None:
        """Encrypt everything from here on until another application is selected (sheet §4.6); needs an unlocked key.

        There is no MAC: what comes back is hidden from who listens, not proved. Raises CardError
        `card.session_refused` where the card or this session cannot do it.
        """
        wire = self._wire
        if wire is None:
            raise _refused("This session was opened without a way to protect it.")
        content = self._files.content("delivery_key")
        if content is None:
            raise _refused("The card gives no key to deliver the session key with.")
        seed = self._randomness(32)
        cryptogram = deliver(rsa_public_key(only(content, DELIVERY_KEY)), seed)
        response = self._channel.transmit(Command(0x80, 0xAE, 0x00, 0x00, cryptogram))
        if not response.done:
            raise _refused(f"The card refused the session key ({response.sw:04X}).")
        wire.open_session(SessionCipher(SessionCipher.key_of(seed), session_broken))

    def read(self, *parts: str) -> Reading[InputSupportValues]:
        """Return `number`, `four_items`, `signature`, `certificate` …; without a name all that is open and allowed.

        Raises PinError `card.pin_required`, AccessError `card.collection_refused`.
        """
        found = self._files.read(parts)
        return Reading(DOCUMENT, APPLICATION, _values(found), self._files.raw(found))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:
        """Prove what was read, and the chip: issuer, signature over number and four items, internal authentication.

        trust: with the CA's key under the use `my_number_card`; without it everything that holds is `not_checked`.
        """
        self._files.enter()
        issuer, spki = judge_issuer(self._files.content("certificate"), trust)
        signature, chip_key = self._files.content("signature"), self._files.content("chip_key")
        withheld = tuple(part for part in SIGNED_PARTS if self._files.is_missing(part))
        record = _judge_digests(self._files.kept, withheld, signature, issuer, spki)
        chip, key = _judge_chip_key(chip_key, issuer, spki)
        return issuer, record, judge_chip(self._channel, challenge, key, chip, ("chip",))


def _judge_digests(
    kept: Mapping[str, bytes], withheld: tuple[str, ...], content: bytes | None, issuer: Proof, spki: bytes | None
) -> Proof:
    """Judge the signed digests of what was read. withheld: parts of which the card gave nothing."""
    covers = tuple(part for part in SIGNED_PARTS if part in kept or part in withheld)
    try:
        record = parse_record(content or b"", SIGNATURE)
        digests = record.value(0xDF31), record.value(0xDF32)
        message, signature = record.joined(0xDF31, 0xDF32), record.value(0xDF33)
        found = (kept.get("number"), _signed_items(kept.get("four_items")))
    except FormatError as error:
        return Proof("data_signature", "failed", error.code, covers, detail=error.message)

    def judge(signer: bytes) -> str:
        if not signs(signer, message, signature):
            return "proof.items_signature_wrong"
        if withheld:
            return "proof.items_withheld"
        for signed, digest in zip(found, digests, strict=True):
            if signed is not None and not compare_digest(sha256(signed).digest(), digest):
                return "proof.items_changed"
        return ""

    return judge_record(issuer, spki, judge, covers=covers, signature=signature)


def _signed_items(content: bytes | None) -> bytes | None:
    """Return what the second digest covers: everything behind the table of offsets, as stored."""
    if content is None:
        return None
    record = parse_record(content, FOUR_ITEMS)
    if next(iter(record.stored), None) != OFFSETS:
        raise FormatError("chip.object_malformed", "The four items do not begin with their table.")
    return b"".join(stored for tag, stored in record.stored.items() if tag != OFFSETS)


def _judge_chip_key(content: bytes | None, issuer: Proof, spki: bytes | None) -> tuple[Proof | None, bytes | None]:
    if content is None:
        return None, None
    try:
        record = parse_record(content, CHIP_KEY)
        message, signature = record.joined(0xDF51), record.value(0xDF52)
        key = rsa_public_key(record.value(0xDF51))
    except FormatError as error:
        return Proof("data_signature", "failed", error.code, ("chip_key",), detail=error.message), b""

    def judge(signer: bytes) -> str:
        return "" if signs(signer, message, signature) else "proof.chip_key_changed"

    return judge_record(issuer, spki, judge, covers=("chip_key",), signature=signature), key


def _values(found: dict[str, bytes]) -> InputSupportValues:
    values: dict[str, Any] = {}
    unreadable = []
    for part, name, parse in (("number", "individual_number", _number), ("four_items", "four_items", _four_items)):
        if part in found:
            try:
                values[name] = parse(found[part])
            except FormatError:
                unreadable.append(part)
    return InputSupportValues(**values, unreadable=tuple(unreadable))


def _number(content: bytes) -> IndividualNumber:
    if not content.startswith(NUMBER_START):
        raise FormatError("chip.object_malformed", "The number's file holds something else.")
    return IndividualNumber(content[3:15].decode("ascii", "replace"))


def _four_items(content: bytes) -> FourItems:
    record = parse_record(content, FOUR_ITEMS)
    return FourItems(
        name=read_text(record.value(0xDF22)),
        address=read_text(record.value(0xDF23)),
        birth_date=from_card_record(record.value(0xDF24).decode("ascii", "replace")),
        sex=SEX_CODES.get(record.value(0xDF25).decode("ascii", "replace")),
    )


def _refused(why: str) -> CardError:
    return CardError("card.session_refused", why, next="Read without protection, or use another card.")
