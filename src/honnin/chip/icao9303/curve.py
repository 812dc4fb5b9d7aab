"""Points of a short Weierstrass curve over a prime field (BSI TR-03111 §2.3): sums and multiples, in plain integers.

PACE needs sums of points on generators that no library knows, and libraries give no addition. Used only with public
points and keys of one session: the running time depends on the numbers, so no long-lived private key may come here.
"""

from dataclasses import dataclass

__all__ = ["Curve", "Point"]

Point = tuple[int, int] | None  # None: the point at infinity
_Jacobian = tuple[int, int, int]  # x/z², y/z³; z = 0 at infinity


@dataclass(frozen=True, slots=True)
class Curve:
    """y² = x³ + ax + b modulo p, with `n` points (cofactor 1)."""

    p: int
    a: int
    b: int
    n: int

    def contains(self, point: tuple[int, int]) -> bool:
        """Tell whether coordinates are reduced and fulfil the equation."""
        x, y = point
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def add(self, one: Point, other: Point) -> Point:
        """Return the sum of two points."""
        return self._affine(self._add(_jacobian(one), _jacobian(other)))

    def times(self, factor: int, point: Point) -> Point:
        """Return the multiple of a point."""
        total: _Jacobian = (1, 1, 0)
        base = _jacobian(point)
        for bit in f"{factor % self.n:b}":
            total = self._double(total)
            if bit == "1":
                total = self._add(total, base)
        return self._affine(total)

    def _double(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        p = self.p
        if not z or not y:
            return 1, 1, 0
        squared = y * y % p
        s = 4 * x * squared % p
        slope = (3 * x * x + self.a * pow(z, 4, p)) % p
        x_sum = (slope * slope - 2 * s) % p
        return x_sum, (slope * (s - x_sum) - 8 * squared * squared) % p, 2 * y * z % p

    def _add(self, one: _Jacobian, other: _Jacobian) -> _Jacobian:
        (x1, y1, z1), (x2, y2, z2), p = one, other, self.p
        if not z1:
            return other
        if not z2:
            return one
        z1_squared, z2_squared = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * z2_squared % p, x2 * z1_squared % p
        s1, s2 = y1 * z2_squared * z2 % p, y2 * z1_squared * z1 % p
        if u1 == u2:
            return self._double(one) if s1 == s2 else (1, 1, 0)
        h, r = u2 - u1, s2 - s1
        h2 = h * h % p
        h3, v = h * h2 % p, u1 * h2 % p
        x_sum = (r * r - h3 - 2 * v) % p
        return x_sum, (r * (v - x_sum) - s1 * h3) % p, h * z1 * z2 % p

    def _affine(self, point: _Jacobian) -> Point:
        x, y, z = point
        if not z:
            return None
        inverse = pow(z, -1, self.p)
        squared = inverse * inverse % self.p
        return x * squared % self.p, y * squared * inverse % self.p


def _jacobian(point: Point) -> _Jacobian:
    return (1, 1, 0) if point is None else (*point, 1)
