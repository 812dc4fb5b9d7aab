"""Signatures of the public safety commissions: one key each, known by its identifier, without a certificate.

Other-documents sheet, sections 2.8 and 3: SHA-256, RSA-2048, PKCS#1 v1.5.
"""

import json
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from honnin.sandbox.police.coding import field
from honnin.sandbox.strongroom import kept_rsa, seed, spki
from honnin.sandbox.world import World

__all__ = ["commission", "key_identifier", "public_keys", "signature_fields", "signed_by"]

MARK = "JPKI-TEST honnin sandbox"


@cache
def _commissions() -> dict[str, tuple[str, str]]:
    table = json.loads(files(__package__).joinpath("commissions.json").read_text(encoding="utf-8"))
    return {prefecture: (code, name) for prefecture, (code, name) in table["commissions"].items()}


def commission(municipality: str) -> tuple[str, str]:
    """Return code and name of the commission of a municipality (five-digit code)."""
    return _commissions()[municipality[:2]]


def signed_by(world: World, key: str, digest: bytes) -> bytes:
    """Sign a SHA-256 digest with the key of that name, 256 bytes."""
    return kept_rsa(world, key).sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))


def key_identifier(world: World, key: str) -> bytes:
    """Return 32 bytes that a key is known by: SHA-256 of its SubjectPublicKeyInfo."""
    return sha256(spki(kept_rsa(world, key))).digest()


def signature_fields(tags: Iterable[int], signature: bytes, person: str, code: str, identifier: bytes) -> list[bytes]:
    """Return the six fields of a signature file, each at its full length."""
    values = (
        signature,
        f"{seed(f'licence/{person}/serial', 10**16):016d}".encode(),
        bytes(48),
        f"{MARK} police CA".encode().ljust(80),
        f"{MARK} public safety commission {code}".encode().ljust(130),
        identifier,
    )
    return [field(tag, value) for tag, value in zip(tags, values, strict=True)]


def public_keys(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """Return identifier and SubjectPublicKeyInfo of every commission that signed for a person of this world."""
    from honnin.sandbox.people import persons

    codes = sorted({commission(one.municipality)[0] for one in persons() if one.licence is not None})
    keys = [kept_rsa(world, f"police/{code}") for code in codes]
    return tuple((sha256(spki(key)).digest(), spki(key)) for key in keys)
