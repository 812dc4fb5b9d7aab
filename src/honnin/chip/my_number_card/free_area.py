"""An application in the card's free area (空き領域のカードアプリ): a user number, and a card that proves to be itself.

The layout is a profile of honnin's own (docs/free-area.md), as the standard applications' are not public. A terminal
proves itself first where the use asks for it; before that the card gives nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Pin, Proof, RawFile, Reading, Tries, Trust, Unlocking
from honnin.chip.files import read_object
from honnin.chip.iso7816 import Command, RefusalError
from honnin.chip.my_number_card.records import parse_record, rsa_public_key
from honnin.chip.pin_file import PinFile
from honnin.chip.pins import PinRule, check_format
from honnin.chip.rsa_keys import signs
from honnin.errors import CardError, FormatError, InputError

__all__ = ["USES", "FreeAreaApplication", "FreeAreaValues", "TerminalKey", "Use"]

DOCUMENT: Final = "my_number_card"
PART: Final = "user_number"
TRUST_USE: Final = "free_area"
OUTER, SERVICE, NUMBER, CARD_KEY, SIGNATURE = 0xFF50, 0xDF51, 0xDF52, 0xDF53, 0xDF54
SHORT: Final = 0x80  # a short file id in P2
HALF: Final = 48  # bytes of r and s of ECDSA P-384
CHALLENGE: Final = 32
WORD: Final = re.compile(rb"[!-~]{1,32}\Z")
ALGORITHM: Final = "sha256WithRSAEncryption"
Use = Literal["membership", "entry", "pc_login"]
USES: Final[tuple[Use, ...]] = ("membership", "entry", "pc_login")


class _Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    aid: str
    terminal: bool
    pin: bool


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    date: str
    confidence: str
    limit: int
    files: Mapping[str, int]
    pin: PinRule
    uses: Mapping[str, _Use]


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """The terminal's private key (ECDSA P-384), by which it proves itself to the card."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def name(self) -> Literal["terminal"]:
        """Which key this is."""
        return "terminal"


@dataclass(frozen=True, slots=True)
class FreeAreaValues:
    """What the service wrote: its own name and its number of the user."""

    service: str
    user_number: str = field(repr=False)


class FreeAreaApplication:
    """One application of the card behind a channel."""

    def __init__(self, channel: Channel, use: Use) -> None:
        self._channel = channel
        self._use = use
        self._profile = _profile()
        self._rule = self._profile.uses[use]
        self._aid = bytes.fromhex(self._rule.aid)
        self._pin = PinFile(channel, use, self._aid, self._profile.pin)
        self._record: bytes | None = None

    def detect(self) -> Detection:
        """Tell whether the card has this application."""
        present = self._channel.select(self._aid)
        return Detection(DOCUMENT, self._name, present, 1 if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of the application's PIN, spending none; nothing where it has no PIN."""
        self._enter()
        return (self._pin.tries(),) if self._rule.pin else ()

    def unlock(self, key: TerminalKey | Pin, *, allow_last_try: bool = False) -> Unlocking:
        """Prove the terminal to the card, or verify the PIN (named after the use).

        Raises CardError `card.terminal_refused` for a key that the card does not know, PinError, InputError
        `chip.pin_unknown`.
        """
        self._enter()
        if isinstance(key, TerminalKey):
            self._prove_terminal(key)
        elif self._rule.pin and key.name == self._use:
            value = check_format(key.name, self._profile.pin, key.value)
            self._pin.verify(value, allow_last_try=allow_last_try)
        else:
            raise InputError("chip.pin_unknown", "This application has no PIN of that name.", next="See its profile.")
        return Unlocking(key.name, (PART,))

    def read(self, *parts: str) -> Reading[FreeAreaValues]:
        """Return the one part `user_number`. Raises RefusalError before the terminal or the PIN was accepted."""
        if set(parts) - {PART}:
            raise InputError("chip.part_unknown", "This application has no such part.", next=f"Use {PART}.")
        self._enter()
        number = self._profile.files[PART]
        content = read_object(self._channel, number, limit=self._profile.limit)
        values = _values(content)
        self._record = content
        return Reading(DOCUMENT, self._name, values, (RawFile(self._name, PART, number, content),))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:
        """Prove the record that was read, and that this card holds the key in it.

        trust: with the service's issuer under the use `free_area`, key id the service's name; without it what holds is
        `not_checked`.
        """
        kind, covers = "internal_authentication", (PART, "chip")
        if self._record is None:
            return (Proof(kind, "not_checked", "proof.user_number_unread", covers),)
        record, key = _judge_record(self._record, trust)
        if key is None:
            return (record, Proof(kind, "failed", "proof.chip_key_unreadable", covers))
        return record, self._judge_card(challenge, key, record, covers)

    @property
    def _name(self) -> str:
        return f"free_area_{self._use}"

    def _enter(self) -> None:
        if not self._channel.select(self._aid):
            raise CardError(
                "card.free_area_missing",
                f"The card has no application for {self._use.replace('_', ' ')}.",
                next="The service provider loads it into the card at the municipality.",
            )

    def _prove_terminal(self, key: TerminalKey) -> None:
        if not self._rule.terminal:
            raise InputError("chip.pin_unknown", "This application asks for no terminal key.", next="Read it as it is.")
        challenge = self._channel.ask(Command(0x00, 0x84, 0x00, 0x00, le=CHALLENGE))
        r, s = decode_dss_signature(key.key.sign(self._aid + challenge, ec.ECDSA(SHA384())))
        signature = r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")
        try:
            self._channel.ask(Command(0x00, 0x82, 0x00, SHORT | self._profile.files["terminal_key"], signature))
        except RefusalError as refusal:
            raise CardError(
                "card.terminal_refused",
                f"The card does not accept this terminal ({refusal.sw:04X}).",
                next="Use the terminal key of the service that wrote the application.",
            ) from refusal

    def _judge_card(self, challenge: Challenge, key: bytes, record: Proof, covers: tuple[str, ...]) -> Proof:
        kind, digest = "internal_authentication", sha256(challenge.message()).digest()
        command = Command(0x00, 0x88, 0x00, SHORT | self._profile.files["card_key"], digest, 256)
        try:
            made = self._channel.ask(command)
        except RefusalError as refusal:
            return Proof(
                kind,
                "failed",
                "proof.chip_refused",
                covers,
                detail=f"The card does not sign the challenge ({refusal.sw:04X}).",
            )
        if not signs(key, digest, made):
            return Proof(
                kind, "failed", "proof.chip_copied", covers, algorithm=ALGORITHM, message=digest, signature=made
            )
        code = "proof.chip_genuine" if record.result == "passed" else "proof.chip_of_unproved_record"
        return Proof(kind, record.result, code, covers, algorithm=ALGORITHM, message=digest, signature=made)


@cache
def _profile() -> _Profile:
    raw = files(__package__).joinpath("free_area.json").read_bytes()
    return msgspec.json.decode(raw, type=_Profile)


def _values(content: bytes) -> FreeAreaValues:
    record = parse_record(content, OUTER)
    service, number = record.value(SERVICE), record.value(NUMBER)
    if not WORD.match(service) or not WORD.match(number):
        raise FormatError("chip.object_malformed", "The service or the user number is not 1 to 32 ASCII characters.")
    return FreeAreaValues(service.decode("ascii"), number.decode("ascii"))


def _judge_record(content: bytes, trust: Trust | None) -> tuple[Proof, bytes | None]:
    """Judge the issuer's signature over service, number and card key; return the card's key too."""
    kind, covers = "data_signature", (PART,)
    try:
        record = parse_record(content, OUTER)
        message, signature = record.joined(SERVICE, NUMBER, CARD_KEY), record.value(SIGNATURE)
        key = rsa_public_key(record.value(CARD_KEY))
        issuer = trust.key(TRUST_USE, record.value(SERVICE)) if trust else None
        if issuer is None:
            return Proof(kind, "not_checked", "proof.service_key_missing", covers), key
        genuine = signs(issuer, message, signature)
    except FormatError as error:
        return Proof(kind, "failed", error.code, covers, detail=error.message), None
    code = "proof.service_signed" if genuine else "proof.service_mismatch"
    result: Literal["passed", "failed"] = "passed" if genuine else "failed"
    return Proof(kind, result, code, covers, algorithm=ALGORITHM, message=message, signature=signature), key
