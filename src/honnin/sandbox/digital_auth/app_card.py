"""The app's side of the card: tries, PINs, certificates, signatures, four items, over the emulated chip's APDUs.

My Number Card sheet, sections 2 and 3. A card that fails in another way than by its PIN raises `card_unreadable`.
"""

from typing import Literal

from honnin.sandbox.card_office import card_of
from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.personalise import my_number_card
from honnin.sandbox.people import card_material
from honnin.sandbox.states import state_of
from honnin.sandbox.world import World

__all__ = ["AppCard", "CardFailedError", "Pin", "WrongPinError"]

Pin = Literal["signature", "user_authentication", "input_support"]

JPKI, INPUT_SUPPORT = "D392F000260100000001", "D3921000310001010408"
# PIN: application, reference file
PINS: dict[Pin, tuple[str, str]] = {
    "signature": (JPKI, "001B"),
    "user_authentication": (JPKI, "0018"),
    "input_support": (INPUT_SUPPORT, "0011"),
}
KEYS = {"signature": "001A", "user_authentication": "0017"}
CERTIFICATES = {"signature": "0001", "user_authentication": "000A"}
ITEMS_FILE = "0002"
ITEM_TAGS = {b"\xdf\x22": "name", b"\xdf\x23": "address", b"\xdf\x24": "birthdate", b"\xdf\x25": "gender"}
SEX_DIGITS = {"1": "male", "2": "female"}
DONE, LOCKED = 0x9000, 0x6984
TRIES = 0x63C0
UNWRITTEN = b"\xff"


class CardFailedError(Exception):
    """The card cannot do it; reason: a key of the profile's answers (`not_issued`, `pin_locked`, `card_unreadable`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongPinError(Exception):
    """A wrong PIN; which one, and how many tries it has left."""

    def __init__(self, pin: Pin, tries_left: int) -> None:
        super().__init__(pin)
        self.pin = pin
        self.tries_left = tries_left


class AppCard:
    """A person's card (or the phone's own certificates) in the app's hands."""

    def __init__(self, world: World, person: str) -> None:
        self._world = world
        self._person = person
        self._card = EmulatedCard(
            lambda: my_number_card(*card_of(world, person, (), "contactless")), PinCounters(world)
        )
        self._application = ""
        self._material = card_material(world, person)

    @property
    def is_phone(self) -> bool:
        """Whether the certificates lie in the phone itself."""
        return self._material.mobile

    def tries(self, pin: Pin) -> int:
        """Return how many tries a PIN has left, spending none."""
        application, reference = PINS[pin]
        if self.is_phone and application != JPKI:
            return 0
        self._select(application, reference)
        status, _ = self._send("00200080")
        return status & 0x0F if status & 0xFFF0 == TRIES else 0

    def verify(self, pin: Pin, value: str) -> None:
        """Give a PIN to the card. Raises WrongPinError, CardFailedError."""
        application, reference = PINS[pin]
        self._select(application, reference)
        body = value.encode()
        if not 1 <= len(body) <= 16:
            raise WrongPinError(pin, self.tries(pin))
        status, _ = self._send(f"00200080{len(body):02X}{body.hex()}")
        if status == DONE:
            return
        if status & 0xFFF0 == TRIES and status & 0x0F:
            raise WrongPinError(pin, status & 0x0F)
        if status == LOCKED or status & 0xFFF0 == TRIES:
            raise CardFailedError("pin_locked" if self.issued(pin) else "not_issued")
        raise CardFailedError("card_unreadable")

    def by_biometrics(self, pin: Pin) -> None:
        """Let the phone's secure element open by face or finger instead of the PIN (§1.16)."""
        if not self.is_phone or pin != "user_authentication":
            raise CardFailedError("card_unreadable")
        self.verify(pin, self._material.user_authentication_pin)

    def known_pin(self, pin: Pin) -> str:
        """Return the PIN that the person was given at the counter: all of these people are invented."""
        return self._material.signature_pin if pin == "signature" else self._material.user_authentication_pin

    def issued(self, pin: Pin) -> bool:
        """Tell whether there is anything that this PIN opens."""
        if pin == "signature":
            return self._material.signature_certificate is not None
        return self._material.user_authentication_certificate is not None or pin == "input_support"

    def certificate(self, pin: Literal["signature", "user_authentication"]) -> bytes:
        """Read a certificate, DER; its PIN is verified where the card wants that."""
        if not self.issued(pin):
            raise CardFailedError("not_issued")
        self._select(JPKI, CERTIFICATES[pin])
        head = self._read(0, 4)
        if head[:2] != b"\x30\x82":
            raise CardFailedError("not_issued")
        return self._read(0, 4 + int.from_bytes(head[2:]))

    def sign(self, pin: Literal["signature", "user_authentication"], given: bytes) -> bytes:
        """Let the card sign the bytes as they are (COMPUTE DIGITAL SIGNATURE 80 2A 00 80)."""
        self._select(JPKI, KEYS[pin])
        status, value = self._send(f"802A0080{len(given):02X}{given.hex()}00")
        if status != DONE:
            raise CardFailedError("card_unreadable")
        return value

    def items(self) -> dict[str, str]:
        """Read the four items as last written on the card (birth date `YYYYMMDD`, sex a word).

        A card whose file the office left unwritten, and a phone, give what the register says.
        """
        content = b""
        if not self.is_phone:
            self._select(INPUT_SUPPORT, ITEMS_FILE)
            content = self._read_all()
        found = _items_in(content)
        if len(found) == len(ITEM_TAGS):
            return found | {"gender": SEX_DIGITS.get(found["gender"], "unknown")}
        state = state_of(self._world, self._person, self._world.now())
        return {"name": state.name, "address": state.address, "birthdate": state.birth[1:], "gender": state.sex}

    def _select(self, application: str, file: str) -> None:
        """Select a file; the application only when it is another one, as that takes verified PINs away."""
        commands = [f"00A4020C02{file}"]
        if application != self._application:
            commands.insert(0, f"00A4040C{len(application) // 2:02X}{application}")
        if any(self._send(command)[0] != DONE for command in commands):
            raise CardFailedError("card_unreadable")
        self._application = application

    def _read(self, begin: int, size: int) -> bytes:
        content = b""
        while len(content) < size:
            want = min(size - len(content), 0xF0)
            status, part = self._send(f"00B0{begin + len(content):04X}{want:02X}")
            if status != DONE or not part:
                raise CardFailedError("card_unreadable")
            content += part
        return content

    def _read_all(self) -> bytes:
        content = b""
        while len(content) < 2048:
            status, part = self._send(f"00B0{len(content):04X}00")
            if status != DONE or not part:
                break
            content += part
            if len(part) < 256:
                break
        return content

    def _send(self, command: str) -> tuple[int, bytes]:
        response = self._card.transmit(bytes.fromhex(command))
        return int.from_bytes(response[-2:]), response[:-2]


def _items_in(content: bytes) -> dict[str, str]:
    """Take the four items out of EF 0002: FF20 { DF21 offsets, DF22 name, DF23 address, DF24 birth, DF25 sex }."""
    if not content.startswith(b"\xff\x20"):
        return {}
    body, _ = _value(content, 2)
    found, at = {}, 0
    while at + 2 < len(body):
        tag = body[at : at + 2]
        value, at = _value(body, at + 2)
        if tag in ITEM_TAGS:
            found[ITEM_TAGS[tag]] = value.decode()
    return found


def _value(content: bytes, at: int) -> tuple[bytes, int]:
    """Read a BER length and what it measures; return the value and where it ends."""
    size, at = content[at], at + 1
    if size & 0x80:
        octets = size & 0x7F
        size, at = int.from_bytes(content[at : at + octets]), at + octets
    return content[at : at + size], at + size
