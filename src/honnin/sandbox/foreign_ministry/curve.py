"""Curve parameters as numbers, written out in full (RFC 3279 §2.3.5), as Japan's passport CAs write them."""

from dataclasses import dataclass

from honnin.sandbox.foreign_ministry import der

__all__ = ["P384", "WrittenCurve"]


@dataclass(frozen=True, slots=True)
class WrittenCurve:
    """A curve over a prime field: prime, coefficients, base point and order."""

    p: int
    a: int
    b: int
    base: bytes
    n: int

    def written_out(self) -> bytes:
        """Return ECParameters (DER), version 1, cofactor 1."""
        size = (self.p.bit_length() + 7) // 8
        return der.sequence(
            der.integer(1),
            der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(self.p)),
            der.sequence(der.octet_string(self.a.to_bytes(size)), der.octet_string(self.b.to_bytes(size))),
            der.octet_string(self.base),
            der.integer(self.n),
            der.integer(1),
        )


# FIPS 186-4 §D.1.2.4
P384 = WrittenCurve(
    p=2**384 - 2**128 - 2**96 + 2**32 - 1,
    a=2**384 - 2**128 - 2**96 + 2**32 - 4,
    b=0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    base=bytes.fromhex(
        "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"
    ),
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)
