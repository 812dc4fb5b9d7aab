"""The keys that lie outside the database: the master key, and the log's signing key (ECDSA P-256).

Folder `keys/` of the data folder, 0700, its files 0600:

    master.key     32 random bytes; wraps data keys and keys the hashes (one derived key a use, HKDF-SHA-256)
    log.pem        the log's private key, PKCS#8
    log.pub.pem    its public key, for whoever verifies receipts

A file is written whole, synced and then linked under its name, so that of two processes that start together one wins
and both read the same key.
"""

import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from honnin.errors import FormatError, StateError

__all__ = ["Keyring", "LogKey", "LogPublicKey"]

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2 §2.4.2


class LogPublicKey:
    """The key that receipts are verified with. `key_id` is the SHA-256 of its SubjectPublicKeyInfo, hex."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(spki).hexdigest()
        self.pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @classmethod
    def read(cls, content: bytes) -> "LogPublicKey":
        """Read a public key, PEM or DER. Raises FormatError `evidence.log_key` unless it is ECDSA P-256."""
        try:
            loaded = (
                serialization.load_pem_public_key(content)
                if content.lstrip().startswith(b"-----")
                else serialization.load_der_public_key(content)
            )
        except Exception as error:  # the library names no common base
            raise FormatError(
                "evidence.log_key", "The log key cannot be read.", next="Give keys/log.pub.pem."
            ) from error
        if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(loaded.curve, ec.SECP256R1):
            raise FormatError(
                "evidence.log_key", "The log key is not an ECDSA P-256 key.", next="Give keys/log.pub.pem."
            )
        return cls(loaded)

    def verifies(self, signature: str, signed: bytes) -> bool:
        """Tell whether a base64 DER signature is this key's; its second spelling (high s) is refused."""
        try:
            der = b64decode(signature, validate=True)
            r, s = decode_dss_signature(der)
        except ValueError:
            return False
        if b64encode(der).decode() != signature or encode_dss_signature(r, s) != der or s > P256_ORDER // 2:
            return False
        try:
            self._key.verify(der, signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


class LogKey:
    """The log's private key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = LogPublicKey(key.public_key())

    def __repr__(self) -> str:
        return f"LogKey({self.public.key_id[:16]})"

    def sign(self, content: bytes) -> str:
        """Return an ECDSA P-256/SHA-256 signature, DER with low s, in base64."""
        r, s = decode_dss_signature(self._key.sign(content, ec.ECDSA(hashes.SHA256())))
        return b64encode(encode_dss_signature(r, min(s, P256_ORDER - s))).decode()


@dataclass(frozen=True)
class Keyring:
    """The keys of one data folder; made when first asked for."""

    folder: Path
    _known: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _master(self) -> bytes:
        content = _read_or_make(self.folder / "master.key", lambda: secrets.token_bytes(32))
        if len(content) != 32:
            raise StateError("store.master_key", "keys/master.key is not 32 bytes.", next="Restore it from its backup.")
        return content

    def derived(self, use: str) -> bytes:
        """Return the 32-byte key for one use (`api-key`, `wrap`, `person:ten_…`)."""
        if use not in self._known:
            self._known[use] = self._derive(use)
        return self._known[use]

    def _derive(self, use: str) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=None, info=b"honnin/1 " + use.encode("utf-8")).derive(self._master)

    @cached_property
    def log(self) -> LogKey:
        """The log's signing key; its public half is written beside it."""
        pem = _read_or_make(self.folder / "log.pem", _new_log_key)
        try:
            loaded = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise StateError(
                "store.log_key", "keys/log.pem cannot be read.", next="Restore it from its backup."
            ) from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
            raise StateError(
                "store.log_key", "keys/log.pem is not an ECDSA P-256 key.", next="Restore it from its backup."
            )
        key = LogKey(loaded)
        _read_or_make(self.folder / "log.pub.pem", lambda: key.public.pem)
        return key


def _new_log_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: its key is the key
            os.link(fresh, path)
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.read_bytes()
