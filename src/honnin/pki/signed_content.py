"""What a signature is over: the content itself, or a digest that the caller gives in its place.

Digests are made when first asked for and remembered, so that several candidates cost one pass over the bytes each.
"""

import hashlib
from typing import Literal

from honnin.errors import InputError

__all__ = ["COVERS", "HASH_LENGTHS", "SignedContent", "digest_from"]

Covers = Literal["content", "digest"]
COVERS: tuple[Covers, ...] = ("content", "digest")
# FIPS 180-4: digest lengths in bytes. Whether a hash is still good enough is judged by `algorithms.json`.
HASH_LENGTHS = {"sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_HASHES = {
    "sha1": hashlib.sha1,  # read so that it can be refused by name
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_BY_LENGTH = {length: name for name, length in HASH_LENGTHS.items()}


class SignedContent:
    """Content, or one digest of it whose hash follows from its length. Its repr shows nothing."""

    __slots__ = ("_known", "content")

    def __init__(self, content: bytes | None, digest: bytes | None = None) -> None:
        self.content = content
        self._known: dict[str, bytes] = {} if digest is None else {_BY_LENGTH[len(digest)]: digest}

    @property
    def covers(self) -> Covers:
        """Whether the content was seen or only its digest."""
        return "digest" if self.content is None else "content"

    @property
    def names(self) -> tuple[str, ...]:
        """The hashes whose digest is known already."""
        return tuple(self._known)

    def digest(self, name: str) -> bytes | None:
        """Return the digest under a hash (`sha256` …); None where only another hash's digest is known."""
        known = self._known.get(name)
        if known is None and self.content is not None:
            known = self._known[name] = _HASHES[name](self.content).digest()
        return known

    def __repr__(self) -> str:
        return f"SignedContent({self.covers})"


def digest_from(given: bytes | str) -> bytes:
    """Return a digest given as bytes or hex. Raises InputError `signature.digest_malformed`."""
    try:
        digest = bytes.fromhex(given) if isinstance(given, str) else bytes(given)
    except ValueError:
        digest = b""
    if len(digest) not in _BY_LENGTH:
        raise InputError(
            "signature.digest_malformed",
            "The digest is not hex of 32, 48 or 64 bytes (SHA-256, SHA-384, SHA-512).",
            next="Give the digest of the signed content, lower-case hex.",
        )
    return digest
