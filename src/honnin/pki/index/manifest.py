"""One manifest per issuer: which segments say what, swapped atomically.

`<issuer key id>.json` beside the pack files it names. A build writes its pack, syncs it, writes the manifest to a new
name, syncs that, and renames it over the old one: a reader sees the old state or the new one, never a mixture, and a
kill or a full disk at any moment leaves the old one. Builders take turns by a lock on `build.lock`.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from honnin.errors import FormatError
from honnin.pki.index.segment import Layout

__all__ = ["Manifest", "Scope", "load", "lock", "store", "sync_folder"]

VERSION = 1


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One segment and the CRL it came from.

    names: distribution point names of the CRL (GeneralName DER, hex), sorted; none: the issuer's whole CRL.
    kind: which certificates it covers: `all`, `user`, `ca`, `attribute`.
    reasons: bit mask of the reasons covered (RFC 5280 §5.2.5 onlySomeReasons), None for all.
    signer: key id of the CRL's issuer where that is not the certificates' issuer (indirect CRL).
    number: cRLNumber, hex. this_update, next_update: seconds since 1970. crl: SHA-256 of the CRL, hex.
    """

    names: tuple[str, ...] = ()
    kind: str = "all"
    reasons: int | None = None
    signer: str | None = None
    number: str | None = None
    this_update: int
    next_update: int | None = None
    crl: str
    delta_number: str | None = None
    pack: str
    offset: int
    length: int
    checksum: str
    layout: Layout

    @property
    def key(self) -> tuple[tuple[str, ...], str, int | None, str | None]:
        """What a later CRL of the same scope replaces."""
        return (self.names, self.kind, self.reasons, self.signer)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The segments of one issuer key, as of one build."""

    version: int = VERSION
    issuer_key_id: str
    built_at: int
    scopes: tuple[Scope, ...] = ()


_decoder = msgspec.json.Decoder(Manifest)


def load(folder: Path, issuer_key_id: str) -> Manifest | None:
    """Return the issuer's manifest, or None when there is none.

    Raises FormatError `index.manifest` for one that cannot be read or is of another version.
    """
    try:
        octets = (folder / f"{issuer_key_id}.json").read_bytes()
    except FileNotFoundError:
        return None
    try:
        manifest = _decoder.decode(octets)
    except msgspec.MsgspecError as error:
        raise FormatError(
            "index.manifest", "An issuer's manifest is damaged.", next="Build the index again."
        ) from error
    if manifest.version != VERSION:
        raise FormatError("index.manifest", "The index is of another version.", next="Build the index again.")
    return manifest


def store(folder: Path, manifest: Manifest) -> None:
    """Swap an issuer's manifest in, durably."""
    target = folder / f"{manifest.issuer_key_id}.json"
    fresh = folder / f"{manifest.issuer_key_id}.json.new"
    with fresh.open("wb") as out:
        out.write(msgspec.json.encode(manifest))
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(target)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Wait for the other builder of this folder, if there is one."""
    with (folder / "build.lock").open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def moment(seconds: int) -> datetime:
    """UTC datetime of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
