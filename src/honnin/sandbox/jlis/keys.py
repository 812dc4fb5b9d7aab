"""Private keys of the sandbox: made when first needed and kept in the world's file; two makers at once end with one.

They protect nothing: the file lies in the data folder, and every anchor carries the sandbox's mark.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from honnin.sandbox.jlis.profile import LineProfile
from honnin.sandbox.world import World

__all__ = ["PrivateKey", "kept_key", "make_key", "read_key"]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def make_key(line: LineProfile) -> bytes:
    """Make a new private key and return it as PKCS#8 DER."""
    key: PrivateKey
    if line.algorithm == "rsa":
        key = rsa.generate_private_key(65537, line.bits)
    else:
        key = ec.generate_private_key(ec.SECP384R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def kept_key(world: World, name: str, line: LineProfile) -> bytes:
    """Return the key of that name as PKCS#8 DER, making it when nobody has.

    It is made outside the world's lock; of two made at once the first one stored holds.
    """
    db = world.connection()
    if (row := db.execute("SELECT pkcs8 FROM jlis_keys WHERE name = ?", (name,)).fetchone()) is None:
        made = make_key(line)
        with world.transaction():
            db.execute("INSERT OR IGNORE INTO jlis_keys VALUES (?, ?)", (name, made))
        row = db.execute("SELECT pkcs8 FROM jlis_keys WHERE name = ?", (name,)).fetchone()
    return bytes(row["pkcs8"])


@lru_cache(maxsize=64)
def read_key(pkcs8: bytes) -> PrivateKey:
    """Return the key object; unchecked, as the bytes are the sandbox's own."""
    key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)  # noqa: S101
    return key
