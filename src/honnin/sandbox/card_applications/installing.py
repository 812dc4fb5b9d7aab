"""What a service provider writes into a card: the user number, a key of the card's own, the terminals' key.

docs/free-area.md, files 01, 03 and 04. A copy has the same files and another private key.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from honnin.sandbox.jlis.card_signing import obj, public_object
from honnin.sandbox.strongroom import kept, kept_rsa, new_key, read_key, seed, spki
from honnin.sandbox.world import World

__all__ = ["Uses", "installed", "keys_of", "uses"]


class _Service(msgspec.Struct, frozen=True):
    service: str
    first: int
    holders: tuple[str, ...]


class _Services(msgspec.Struct, frozen=True):
    source: str
    date: str
    services: dict[str, _Service]


class Uses(NamedTuple):
    """A service's keys. issuer: public (SubjectPublicKeyInfo); terminal: private (PKCS#8)."""

    issuer: bytes
    terminal: bytes


@cache
def uses() -> Mapping[str, _Service]:
    """Return the services by use."""
    raw = files(__package__).joinpath("services.json").read_bytes()
    return msgspec.json.decode(raw, type=_Services).services


def keys_of(world: World, use: str) -> Uses:
    """Return a service's keys, made when missing."""
    return Uses(spki(kept_rsa(world, f"free-area/{use}/issuer")), _terminal(world, use))


def installed(world: World, person: str, *, copied: bool = False) -> dict[str, Callable[[], bytes]]:
    """Return the content of a person's applications by the names of the layout, each made when it is first read."""
    found: dict[str, Callable[[], bytes]] = {}
    for use, service in uses().items():
        if person not in service.holders:
            continue
        found |= {
            f"free_area_{use}_number": lambda use=use: kept(  # type: ignore[misc]
                world, f"free-area/{use}/{person}/number", lambda: _number(world, use, person)
            ),
            f"free_area_{use}_key": lambda use=use: kept(  # type: ignore[misc]
                world, _key_name(use, person, copied=copied), lambda: new_key("rsa")
            ),
            f"free_area_{use}_terminal": lambda use=use: spki(read_key(_terminal(world, use))),  # type: ignore[misc]
        }
    return found


def _number(world: World, use: str, person: str) -> bytes:
    service = uses()[use]
    number = f"{service.first + seed(f'free-area/{use}/{person}', 99_999):06d}"
    card = kept_rsa(world, _key_name(use, person))
    signed = obj(0xDF51, service.service.encode()) + obj(0xDF52, number.encode()) + obj(0xDF53, public_object(card))
    signature = kept_rsa(world, f"free-area/{use}/issuer").sign(signed, padding.PKCS1v15(), SHA256())
    return obj(0xFF50, signed, obj(0xDF54, signature))


def _terminal(world: World, use: str) -> bytes:
    return kept(world, f"free-area/{use}/terminal", lambda: new_key("ec"))


def _key_name(use: str, person: str, *, copied: bool = False) -> str:
    return f"free-area/{use}/{person}/key{'/copy' if copied else ''}"
