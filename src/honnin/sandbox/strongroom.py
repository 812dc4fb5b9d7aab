"""What the sandbox's authorities keep in the world's file: their keys, and what they issued.

Everything is made when it is first asked for. The keys protect nothing: the file lies in the data folder.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from honnin.sandbox.world import World

__all__ = ["PrivateKey", "kept", "kept_rsa", "new_key", "read_key", "seed", "spki"]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
TABLE = "CREATE TABLE IF NOT EXISTS strongroom (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT"


def kept(world: World, name: str, make: Callable[[], bytes]) -> bytes:
    """Return what is kept under a name, made when nobody has; of two made at once the first holds."""
    world.ensure(TABLE)
    db = world.connection()
    query = "SELECT content FROM strongroom WHERE name = ?"
    if (row := db.execute(query, (name,)).fetchone()) is None:
        made = make()
        with world.transaction():
            db.execute("INSERT OR IGNORE INTO strongroom VALUES (?, ?)", (name, made))
        row = db.execute(query, (name,)).fetchone()
    return bytes(row["content"])


def new_key(kind: Literal["rsa", "ec"], bits: int = 2048) -> bytes:
    """Return a new private key as PKCS#8: P-384 for `ec`, else RSA."""
    key: PrivateKey
    key = ec.generate_private_key(ec.SECP384R1()) if kind == "ec" else rsa.generate_private_key(65537, bits)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@lru_cache(maxsize=64)
def read_key(pkcs8: bytes) -> PrivateKey:
    """Return the key object; unchecked, as the bytes are the sandbox's own."""
    key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)  # noqa: S101
    return key


def kept_rsa(world: World, name: str) -> rsa.RSAPrivateKey:
    """Return the RSA-2048 key of a name, made when nobody has."""
    key = read_key(kept(world, name, lambda: new_key("rsa")))
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101
    return key


def spki(key: PrivateKey) -> bytes:
    """Return the public half as SubjectPublicKeyInfo, DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def seed(text: str, below: int) -> int:
    """Return a number that looks drawn by chance and is the same in every world."""
    return int.from_bytes(sha256(text.encode()).digest()) % below
