"""What lies between the two steps, and what is put in at the second: storable, so that a signer may take time."""

import hashlib
from collections.abc import Callable
from typing import Literal

import msgspec

from honnin.errors import FormatError
from honnin.pki.rfc8017 import digest_info

__all__ = ["Hash", "Kept", "Kind", "Prepared", "Shape", "Stamp", "StampDigest"]

Kind = Literal["pdf", "xml", "cms"]
Hash = Literal["sha256", "sha384", "sha512"]
Shape = Literal["enveloped", "enveloping", "detached", "attached"]
# Gives a time-stamp token (DER) over a digest made with SHA-256.
StampDigest = Callable[[bytes], bytes]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates, CRLs and OCSP answers (DER) that a file of level LT carries along."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A visible stamp in a PDF. lines: what it says. page: from 0, or from the last as -1; box: points from below left.

    box: None for a place at the foot of the page beside the stamps of earlier signers.
    """

    lines: tuple[str, ...]
    page: int = -1
    box: tuple[int, int, int, int] | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A document with a place for its signature. Its repr shows nothing of it.

    to_be_signed: the signed attributes (DER, SET OF) or the canonical SignedInfo; `digest` is what a card or a remote
        service is given. document: the file so far; place: where a PDF's value goes, from `<` to after `>`.
    certificate: the signer's, where it was known before, and then bound into what is signed.
    """

    kind: Kind
    hash: Hash
    to_be_signed: bytes
    document: bytes
    shape: Shape = "enveloped"
    place: tuple[int, int] = (0, 0)
    certificate: bytes | None = None

    @property
    def digest(self) -> bytes:
        """The digest to be signed."""
        return hashlib.new(self.hash, self.to_be_signed).digest()

    @property
    def digest_info(self) -> bytes:
        """The same as DigestInfo (RFC 8017 §9.2), which remote services ask for with RSA keys."""
        return digest_info(self.hash, self.digest)

    def encode(self) -> bytes:
        """Return it as bytes to keep until the signature comes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> "Prepared":
        """Read it back. Raises FormatError `signing.prepared_malformed`."""
        try:
            return msgspec.msgpack.decode(octets, type=cls)
        except msgspec.MsgspecError:
            raise FormatError(
                "signing.prepared_malformed", "These are no bytes of a prepared document.", next="Prepare it again."
            ) from None

    def __repr__(self) -> str:
        return f"Prepared({self.kind}, {self.hash})"
