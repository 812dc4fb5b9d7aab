"""Curves for the chip's side of PACE and Chip Authentication: affine points, slow and plain."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from honnin.sandbox.cards.status import BAD_CONTENT, Refusal

__all__ = ["Group", "group"]

Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Group:
    """A curve with a base point, standardized or mapped."""

    p: int
    a: int
    b: int
    n: int
    base: tuple[int, int]

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    def plus(self, one: Point, two: Point) -> Point:
        """Add two points by chord and tangent."""
        if one is None or two is None:
            return two if one is None else one
        if one[0] == two[0]:
            if (one[1] + two[1]) % self.p == 0:
                return None
            slope = (3 * one[0] ** 2 + self.a) * pow(2 * one[1], -1, self.p)
        else:
            slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, self.p)
        x = (slope * slope - one[0] - two[0]) % self.p
        return x, (slope * (one[0] - x) - one[1]) % self.p

    def multiple(self, factor: int, point: Point = None) -> tuple[int, int]:
        """Multiply a point, the base point by default. Raises Refusal 6A80 where nothing is left."""
        left = self.base if point is None else point
        total: Point = None
        step: Point = left
        while factor:
            if factor & 1:
                total = self.plus(total, step)
            step = self.plus(step, step)
            factor >>= 1
        if total is None:
            raise Refusal(BAD_CONTENT)
        return total

    def write(self, point: tuple[int, int]) -> bytes:
        """Return a point uncompressed."""
        return b"\x04" + point[0].to_bytes(self.size) + point[1].to_bytes(self.size)

    def take(self, octets: bytes) -> tuple[int, int]:
        """Read an uncompressed point of the curve. Raises Refusal 6A80."""
        size = self.size
        x, y = int.from_bytes(octets[1 : 1 + size]), int.from_bytes(octets[1 + size :])
        if len(octets) != 2 * size + 1 or octets[0] != 4 or max(x, y) >= self.p:
            raise Refusal(BAD_CONTENT)
        if (y * y - x**3 - self.a * x - self.b) % self.p:
            raise Refusal(BAD_CONTENT)
        return x, y


@cache
def group(number: int) -> Group:
    """Return a standardized curve by parameterId."""
    row = json.loads(files(__package__).joinpath("curves.json").read_text(encoding="utf-8"))["curves"][str(number)]
    p, a, b, n, x, y = (int(row[name], 16) for name in ("p", "a", "b", "n", "x", "y"))
    return Group(p, a, b, n, (x, y))
