"""The form in which what is sealed of a check is kept: packed by what it shares with other checks.

    01 ‖ number of certificates (1 octet) ‖ SHA-256 of each (32 octets) ‖ zlib stream (RFC 1950)

The stream's preset dictionary is, for each of these certificates, its base64 and its DER, and then `packing_1.json`,
which says nothing of anybody: names and usual values of facts. So an answer of OCSP gives up the responder's
certificate, facts the CA's, and a person's certificate what its CA writes into each, with no octet of them rewritten:
what is unpacked is what was packed, or the stream's own checksums fail. The certificates lie in `kept_once`.

What was sealed before this form, and what would not get smaller, is there as it is: MessagePack of a map, whose first
octet is 80 or more. `packing_1.json` never changes: another dictionary is another form, with another first octet.
"""

import zlib
from base64 import b64encode
from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from honnin.errors import FormatError, StateError
from honnin.pki import Facts
from honnin.pki.ocsp_status import certified_responders
from honnin.platform.evidence.custody import Custody, Opening
from honnin.platform.evidence.kept_once import read_kept
from honnin.platform.evidence.sealing import Sealer

__all__ = ["pack", "read_custody", "read_opening", "shared_certificates", "unpack"]

FORM, DIGEST = b"\x01", 32
LEVEL, WINDOW, MEMORY = 3, 14, 7  # level 6 takes a third more time for 2 % less, a larger window more for nothing
MOST_PACKED = 16 << 10  # octets: a large document is not worth the time
MOST_SHARED, MOST_CERTIFICATE = 4, 4096

Part = TypeVar("Part", Opening, Custody)


def shared_certificates(facts: Facts, answers: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the certificates (DER) in facts and answers of OCSP that are about no person and come with each check.

    Only what a trusted CA vouches for: the CAs of paths that hold, and responders that those CAs certified. What else
    a submitter or a network puts into a signature or an answer stays sealed.
    """
    found: dict[bytes, None] = {}
    for signer in facts.signers:
        if signer.path is None or signer.path.situation != "passed" or not signer.path.certificates:
            continue
        found |= dict.fromkeys(signer.path.certificates)
        for answer in answers:
            try:
                found |= dict.fromkeys(certified_responders(answer, signer.path.certificates[0]))
            except FormatError:
                continue
    return tuple(one for one in found if len(one) <= MOST_CERTIFICATE)[:MOST_SHARED]


def pack(part: Opening | Custody, shared: tuple[bytes, ...]) -> bytes:
    """Return what is sealed of a check as it is kept. shared: certificates (DER) that are kept once beside it."""
    content = msgspec.msgpack.encode(part)
    if len(content) > MOST_PACKED:
        return content
    packer = _packer(shared).copy()
    packed = b"".join((_head(shared), packer.compress(content), packer.flush()))
    return packed if len(packed) < len(content) else content


def unpack(db: Connection, tenant_id: str, kept: bytes, kind: type[Part]) -> Part:
    """Return what `pack` was given, or what was sealed before there was this form.

    Raises StateError `store.kept_damaged` where a certificate is missing that the store is to keep,
    `store.sealed_damaged` for octets of another form.
    """
    try:
        if kept[:1] == FORM:
            start = 2 + DIGEST * kept[1]
            names = [kept[at : at + DIGEST].hex() for at in range(2, start, DIGEST)]
            unpacker = zlib.decompressobj(zdict=_dictionary(tuple(read_kept(db, tenant_id, names))))
            kept = unpacker.decompress(kept[start:])
            if not unpacker.eof:
                raise _damaged()
        return msgspec.msgpack.decode(kept, type=kind)
    except (zlib.error, msgspec.MsgspecError, IndexError) as error:
        raise _damaged() from error


def read_opening(db: Connection, sealer: Sealer, tenant_id: str, sealed_id: str, kind: str = "opening") -> Opening:
    """Return a record's opening. Raises GoneError `evidence.gone`, and as `unpack`."""
    return unpack(db, tenant_id, sealer.open(db, tenant_id, sealed_id, kind), Opening)


def read_custody(db: Connection, sealer: Sealer, tenant_id: str, sealed_id: str) -> Custody:
    """Return the inputs that were kept of a check. Raises GoneError `evidence.gone`, and as `unpack`."""
    return unpack(db, tenant_id, sealer.open(db, tenant_id, sealed_id, "custody"), Custody)


@lru_cache(maxsize=64)
def _head(shared: tuple[bytes, ...]) -> bytes:
    return FORM + bytes([len(shared)]) + b"".join(sha256(one).digest() for one in shared)


@lru_cache(maxsize=64)
def _packer(shared: tuple[bytes, ...]) -> "zlib._Compress":
    """Return what packs, its dictionary read; to be copied."""
    return zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, _dictionary(shared))


def _dictionary(shared: tuple[bytes, ...]) -> bytes:
    return b"".join(b64encode(one) + one for one in shared) + _usual()


@cache
def _usual() -> bytes:
    return files("honnin.platform.evidence").joinpath("packing_1.json").read_bytes()


def _damaged() -> StateError:
    return StateError(
        "store.sealed_damaged",
        "What was sealed is not of a form that this version knows.",
        next="Restore the store and the keys from the same backup.",
    )
