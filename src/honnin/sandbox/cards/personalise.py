"""One person's chip: the contents that go into a layout's files (My Number Card sheet, sections 3.1, 3.6, 8).

Makes EF 0006 (token information) and EF 0008 (which certificates exist) from what was issued; the other applications'
files come as J-LIS and the police made them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from honnin.sandbox.cards.layout import Application, Layout, load_layout
from honnin.sandbox.material import CardMaterial, JpkiMaterial, LicenceMaterial

__all__ = ["Chip", "PinStart", "drivers_licence", "my_number_card", "token_info"]

Interface = Literal["contact", "contactless"]


@dataclass(frozen=True, slots=True)
class PinStart:
    """A PIN as the card office set it; None was never set, and nothing matches it."""

    value: bytes | None = field(repr=False)
    tries_left: int


@dataclass(frozen=True, slots=True)
class Chip:
    """A layout with one card's contents, keys and first PINs."""

    card_id: str
    layout: Layout
    atr: bytes
    phone: bool
    contents: Mapping[str, bytes] = field(repr=False)
    pins: dict[str, PinStart]

    @property
    def applications(self) -> tuple[Application, ...]:
        """The applications present: a phone has the JPKI application alone, some are installed on few cards."""
        present = (a for a in self.layout.applications if a.on_phones or not self.phone)
        return tuple(a for a in present if a.needs is None or a.needs in self.contents)


class _Contents(Mapping[str, bytes]):
    """Contents of which some are made when they are first asked for."""

    def __init__(self, ready: dict[str, bytes], later: Mapping[str, Callable[[], bytes]]) -> None:
        self._ready = ready
        self._later = later

    def __getitem__(self, name: str) -> bytes:
        if name not in self._ready:
            self._ready[name] = self._later[name]()
        return self._ready[name]

    def __contains__(self, name: object) -> bool:
        return name in self._ready or name in self._later

    def __iter__(self) -> Iterator[str]:
        return iter({**self._ready, **self._later})

    def __len__(self) -> int:
        return len({**self._ready, **self._later})


def my_number_card(
    material: JpkiMaterial, interface: Interface = "contactless", rest: CardMaterial | None = None
) -> Chip:
    """Personalise a My Number Card, or the JPKI application of a phone.

    rest: content of the other applications; without it their files exist unwritten and obey their rules.
    """
    layout = load_layout("my_number_card")
    issued = {
        "signature_certificate": material.signature_certificate,
        "signature_ca_certificate": material.signature_ca_certificate,
        "signature_key": material.signature_key,
        "user_authentication_certificate": material.user_authentication_certificate,
        "user_authentication_ca_certificate": material.user_authentication_ca_certificate,
        "user_authentication_key": material.user_authentication_key,
        "token_info": token_info(layout, material.label, material.card_id),
        "certificate_availability": _availability(material),
        "card_identification": material.card_id.encode(),
        "contact_atr": bytes.fromhex(layout.atrs["contact"])[1:],
    }
    return Chip(
        card_id=material.card_id,
        layout=layout,
        atr=bytes.fromhex(layout.atrs[interface]),
        phone=material.mobile,
        contents=_Contents(
            {name: content for name, content in issued.items() if content is not None},
            {} if rest is None or material.mobile else rest.contents,
        ),
        pins=_first_pins(layout, material, {} if rest is None else rest.pins),
    )


def drivers_licence(material: LicenceMaterial) -> Chip:
    """Personalise a driver's licence."""
    layout = load_layout("drivers_licence")
    pins = {
        name: PinStart(value.encode(), max(layout.pins[name].tries - material.tries_used.get(name, 0), 0))
        for name, value in material.pins.items()
    }
    return Chip(material.card_id, layout, bytes.fromhex(layout.atrs["contactless"]), False, material.files, pins)


def _availability(material: JpkiMaterial) -> bytes:
    """EF 0008: signature, user authentication, filler."""
    present = (material.signature_certificate, material.user_authentication_certificate)
    return bytes(0x8F if certificate else 0x00 for certificate in present) + b"\x00"


def _first_pins(layout: Layout, material: JpkiMaterial, others: Mapping[str, str]) -> dict[str, PinStart]:
    """The holder's PINs; the four-digit ones that the material does not name are chosen equal, as many holders do."""
    four_digits = material.user_authentication_pin
    chosen = {
        "signature": (material.signature_pin, material.signature_tries_used),
        "user_authentication": (four_digits, material.user_authentication_tries_used),
        "input_support": (four_digits, 0),
        "resident_register": (four_digits, 0),
        **{name: (value, 0) for name, value in others.items()},
    }
    pins = {}
    for name, rule in layout.pins.items():
        value, used = chosen.get(name, (None, 0))
        tries = (
            0 if value == "" else max(rule.tries - used, 0)
        )  # "" is a PIN that was never set: blocked from the start
        pins[name] = PinStart(value.encode() if value else None, tries)
    return pins


def token_info(layout: Layout, label: str, card_id: str) -> bytes:
    """Return EF 0006: a PKCS#11 CK_TOKEN_INFO of 160 bytes with 32-bit big-endian integers."""
    token = layout.token
    serial = int.from_bytes(sha256(card_id.encode()).digest()) % 10**16

    def text(value: str | int, size: int) -> bytes:
        return str(value).encode("ascii").ljust(size)[:size]

    def numbers(*values: int) -> bytes:
        return b"".join(value.to_bytes(4) for value in values)

    return b"".join(
        (
            text(label, 32),
            text(token["manufacturer"], 32),
            text(token["model"], 16),
            text(f"{serial:016d}", 16),
            bytes.fromhex(str(token["flags"])),
            numbers(1, 0, 1, 0),  # sessions: at most one, none open; the same for read-write
            numbers(int(token["longest_pin"]), int(token["shortest_pin"])),
            b"\xff" * 16,  # memory counters: not told
            bytes.fromhex(str(token["hardware_version"])),
            bytes.fromhex(str(token["firmware_version"])),
            b"9" * 16,  # utcTime: no clock
        )
    )
