"""Standardized domain parameters (ICAO Doc 9303-11 §9.5.1) and key agreement on them: curves and MODP groups.

    domain = domain_parameters(13)                       # brainpoolP256r1; see domain_parameters.json
    public = domain.public_key(private)                  # 04‖x‖y, or the residue at full length
    secret = domain.shared_secret(private, other_public)  # x coordinate, or the residue at full length

A mapped domain (PACE) is the same domain with another generator. Peers' keys are checked before they are used.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from honnin.chip.icao9303.curve import Curve
from honnin.errors import FormatError, InputError

__all__ = ["DhDomain", "Domain", "EcDomain", "domain_parameters", "domain_with", "private_number", "random_private"]

SMALLEST_MODULUS = 1024  # bits of a MODP group that a chip brings itself


@dataclass(frozen=True, slots=True)
class EcDomain:
    """An elliptic curve with a generator."""

    name: str
    curve: Curve
    generator: tuple[int, int]
    oid: str = ""

    @property
    def order(self) -> int:
        """The generator's order."""
        return self.curve.n

    @property
    def field_length(self) -> int:
        """Bytes of a coordinate."""
        return (self.curve.p.bit_length() + 7) // 8

    def encode(self, point: tuple[int, int]) -> bytes:
        """Return 04 ‖ x ‖ y."""
        return b"\x04" + b"".join(c.to_bytes(self.field_length, "big") for c in point)

    def decode(self, public: bytes) -> tuple[int, int]:
        """Read 04 ‖ x ‖ y. Raises FormatError `passport.public_key_invalid` for anything but a point of the curve."""
        length = self.field_length
        point = int.from_bytes(public[1 : 1 + length], "big"), int.from_bytes(public[1 + length :], "big")
        if public[:1] != b"\x04" or len(public) != 1 + 2 * length or not self.curve.contains(point):
            raise _invalid()
        return point

    def public_key(self, private: int | bytes) -> bytes:
        """Return the public key of a private number."""
        return self.encode(self._times(private_number(private), self.generator))

    def shared_point(self, private: int | bytes, public: bytes) -> tuple[int, int]:
        """Return the point that both sides share."""
        return self._times(private_number(private), self.decode(public))

    def shared_secret(self, private: int | bytes, public: bytes) -> bytes:
        """Return the shared point's x coordinate at full length."""
        return self.shared_point(private, public)[0].to_bytes(self.field_length, "big")

    def _times(self, factor: int, point: tuple[int, int]) -> tuple[int, int]:
        product = self.curve.times(factor, point)
        if product is None:
            raise _invalid()
        return product


@dataclass(frozen=True, slots=True)
class DhDomain:
    """A multiplicative group modulo `p` with a generator; q is its order, 0 where a chip does not tell it."""

    name: str
    p: int
    generator: int
    q: int = 0

    @property
    def order(self) -> int:
        """The generator's order, or a bound of private numbers where it is not known."""
        return self.q or (self.p - 1) // 2

    @property
    def field_length(self) -> int:
        """Bytes of a public key."""
        return (self.p.bit_length() + 7) // 8

    def encode(self, number: int) -> bytes:
        """Return a residue at full length."""
        return number.to_bytes(self.field_length, "big")

    def decode(self, public: bytes) -> int:
        """Read a residue. Raises FormatError `passport.public_key_invalid` when it is not of the group."""
        number = int.from_bytes(public, "big")
        if len(public) > self.field_length or not 1 < number < self.p - 1:
            raise _invalid()
        if self.q and pow(number, self.q, self.p) != 1:
            raise _invalid()
        return number

    def public_key(self, private: int | bytes) -> bytes:
        """Return the public key of a private number."""
        return self.encode(pow(self.generator, private_number(private), self.p))

    def shared_number(self, private: int | bytes, public: bytes) -> int:
        """Return the residue that both sides share."""
        number = pow(self.decode(public), private_number(private), self.p)
        if number == 1:
            raise _invalid()
        return number

    def shared_secret(self, private: int | bytes, public: bytes) -> bytes:
        """Return the shared residue at full length."""
        return self.encode(self.shared_number(private, public))


Domain = EcDomain | DhDomain


@cache
def _table() -> dict[int, Domain]:
    rows: dict[str, dict[str, str]] = json.loads(
        files(__package__).joinpath("domain_parameters.json").read_text(encoding="utf-8")
    )["domains"]
    return {int(number): _domain(row) for number, row in rows.items()}


def _domain(row: dict[str, str]) -> Domain:
    def number(name: str) -> int:
        return int(row[name], 16)

    if row["kind"] == "dh":
        return DhDomain(row["name"], number("p"), number("g"), number("q"))
    curve = Curve(number("p"), number("a"), number("b"), number("n"))
    return EcDomain(row["name"], curve, (number("x"), number("y")), row["oid"])


def domain_parameters(which: int | str) -> Domain:
    """Return standardized domain parameters by parameterId (0 to 2, 8 to 18), name or curve OID.

    Raises InputError `passport.domain_unknown`.
    """
    if isinstance(which, int):
        found = _table().get(which)
    else:
        wanted = which.lower()
        found = next((d for d in _table().values() if wanted in {d.name.lower(), getattr(d, "oid", None)}), None)
    if found is None:
        raise InputError(
            "passport.domain_unknown",
            "These domain parameters are not among the standardized ones.",
            next="Use one of ICAO Doc 9303-11 §9.5.1.",
        )
    return found


def domain_with(numbers: dict[str, int]) -> Domain:
    """Return the domain that written-out parameters mean.

    numbers: p, a, b, x, y, n of a curve, which must equal a standardized one in all of them; or p, g and perhaps q of
    a MODP group, which may be any of 1024 bits or more. Raises FormatError `passport.public_key_invalid`.
    """
    if "g" in numbers:
        p, g, q = numbers["p"], numbers["g"], numbers.get("q", 0)
        sound = p.bit_length() >= SMALLEST_MODULUS and p % 2 and 1 < g < p - 1 and 0 <= q < p
        if not sound or p.bit_length() > 8192 or (q and pow(g, q, p) != 1):
            raise _invalid()
        return DhDomain("explicit", p, g, q)
    for known in _table().values():
        if isinstance(known, EcDomain):
            curve = known.curve
            own = {"p": curve.p, "a": curve.a, "b": curve.b, "n": curve.n}
            own |= {"x": known.generator[0], "y": known.generator[1]}
            if own == numbers:
                return known
    raise _invalid()


def with_generator(domain: Any, generator: Any) -> Any:
    """Return the same domain with another generator."""
    return replace(domain, generator=generator)


def private_number(private: int | bytes) -> int:
    """Return a private key as a number; bytes are big-endian. Raises InputError `passport.private_key_invalid`."""
    number = private if isinstance(private, int) else int.from_bytes(private, "big")
    if number <= 0:
        raise InputError("passport.private_key_invalid", "A private key is a number above zero.")
    return number


def random_private(domain: Domain, randomness: Callable[[int], bytes]) -> int:
    """Return a private number in 1 … order−1 from 8 bytes more of `randomness` than the order has."""
    length = (domain.order.bit_length() + 7) // 8 + 8
    return 1 + int.from_bytes(randomness(length), "big") % (domain.order - 1)


def _invalid() -> FormatError:
    return FormatError(
        "passport.public_key_invalid",
        "A public key is not of the group that it was to be used in.",
        next="Place the document again; if it stays so, the chip is faulty or forged.",
    )
