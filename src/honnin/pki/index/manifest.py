"""One manifest per issuer: which segments say what, checksummed, swapped atomically.

`<issuer key id>.json` beside the pack files it names. A build writes its pack and its manifests to new names, syncs
them, and only then renames them into place: a reader sees an issuer's old state or the new one, never a mixture; a full
disk leaves everything as it was, and a kill leaves each issuer one whole state. Builders take turns by a lock on
`build.lock`.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from honnin.errors import FormatError
from honnin.pki.index.segment import Layout

__all__ = [
    "Manifest",
    "Outline",
    "Scope",
    "ScopeKey",
    "filed",
    "issuers",
    "load",
    "lock",
    "mark",
    "outline",
    "prepared",
    "sync_folder",
]

VERSION = 2
ANEW = "Build the index again, in an empty folder."


class Scope(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One segment and the CRL it came from.

    names: the CRL's distribution point names (keys of `names`), sorted; none: the issuer's whole CRL.
    kind: which certificates it covers: `all`, `user`, `ca`, `attribute`.
    reasons: bit mask of the reasons covered (RFC 5280 §5.2.5 onlySomeReasons), None for all.
    indirect: the CRL may list certificates of several issuers. signer, signer_name: key id of the CRL's issuer and key
    of its name, where that is not the certificates' issuer.
    number: cRLNumber, hex. this_update, next_update: seconds since 1970. crl: SHA-256 of the CRL, hex.
    delta: a delta CRL made the segment what it is. offset, length: octets in `pack`. checksum: SHA-256 of them, hex.
    """

    names: tuple[str, ...] = ()
    kind: str = "all"
    reasons: int | None = None
    indirect: bool = False
    signer: str | None = None
    signer_name: str | None = None
    number: str | None = None
    this_update: int
    next_update: int | None = None
    crl: str
    delta: bool = False
    pack: str
    offset: int
    length: int
    checksum: str
    layout: Layout

    @property
    def key(self) -> "ScopeKey":
        """What a later CRL of the same scope replaces."""
        return (self.names, self.kind, self.reasons, self.indirect, self.signer)


ScopeKey = tuple[tuple[str, ...], str, int | None, bool, str | None]
Rows = int | tuple[int, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The segments of one issuer key, as of one build. issuer: its Name (DER, hex). named: `filed` of the scopes."""

    issuer_key_id: str
    issuer: str
    built_at: int
    named: dict[str, Rows] = {}
    scopes: tuple[Scope, ...] = ()


def filed(scopes: Iterable[Scope]) -> dict[str, Rows]:
    """Return the rows of scopes by their names, those of scopes without a name under the empty one."""
    found: dict[str, list[int]] = {}
    for row, scope in enumerate(scopes):
        for name in scope.names or ("",):
            found.setdefault(name, []).append(row)
    return {name: rows[0] if len(rows) == 1 else tuple(rows) for name, rows in found.items()}


class _Sealed(msgspec.Struct, frozen=True):
    """A manifest with the SHA-256 (hex) of its octets, and the version of all this."""

    version: int
    checksum: str
    manifest: msgspec.Raw


class _Rows(msgspec.Struct, frozen=True):
    """A Manifest whose scopes are not read."""

    issuer: str
    scopes: tuple[msgspec.Raw, ...]
    named: dict[str, Rows] = {}


T = TypeVar("T")
_envelope = msgspec.json.Decoder(_Sealed)
_manifest = msgspec.json.Decoder(Manifest)
_rows = msgspec.json.Decoder(_Rows)
_scope = msgspec.json.Decoder(Scope)


def issuers(folder: Path) -> list[str]:
    """Return the key ids (hex) of the issuers that have a manifest in a folder."""
    stems = (path.stem for path in folder.glob("*.json"))
    return sorted(stem for stem in stems if set(stem) <= set("0123456789abcdef") and len(stem) % 2 == 0)


def mark(folder: Path, issuer_key_id: str) -> tuple[int, int, int] | None:
    """Return what tells one manifest of an issuer from the next without reading it; None when there is none."""
    try:
        found = (folder / f"{issuer_key_id}.json").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def load(folder: Path, issuer_key_id: str) -> Manifest | None:
    """Return the issuer's manifest, or None when there is none.

    Raises FormatError `index.manifest` for one that cannot be read or is of another version.
    """
    found = outline(folder, issuer_key_id)
    return None if found is None else found.whole()


def outline(folder: Path, issuer_key_id: str) -> "Outline | None":
    """Return the issuer's manifest with its scopes not read yet, as `load`."""
    try:
        octets = (folder / f"{issuer_key_id}.json").read_bytes()
    except FileNotFoundError:
        return None
    sealed = _decoded(_envelope, octets)
    if sealed.version != VERSION:
        raise FormatError("index.manifest", "The index is of another version.", next=ANEW)
    if hashlib.sha256(sealed.manifest).hexdigest() != sealed.checksum:
        raise FormatError("index.manifest", "An issuer's manifest is damaged.", next=ANEW)
    return Outline(sealed.manifest)


class Outline:
    """A manifest of a country has thousands of scopes and a question meets one or two: each is read when asked for.

    issuer: its Name (DER, hex).
    """

    def __init__(self, octets: msgspec.Raw) -> None:
        self._octets = octets
        rows = _decoded(_rows, octets)
        self._scopes = rows.scopes
        self.issuer = rows.issuer
        self._named = rows.named
        if len(self) and not rows.named:  # written before there was such a field
            self._named = filed(self.whole().scopes)

    def __len__(self) -> int:
        return len(self._scopes)

    def rows(self, name: str) -> tuple[int, ...]:
        """Return the rows of the scopes with a name; with the empty one, those of scopes that have none."""
        found = self._named.get(name, ())
        return (found,) if isinstance(found, int) else found

    def scope(self, row: int) -> Scope:
        """Return one scope."""
        return _decoded(_scope, self._scopes[row])

    def whole(self) -> Manifest:
        """Return all of it."""
        return _decoded(_manifest, self._octets)


def _decoded(decoder: "msgspec.json.Decoder[T]", octets: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(octets)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError("index.manifest", "An issuer's manifest is damaged.", next=ANEW) from error


@contextmanager
def prepared(folder: Path, built: Iterable[Manifest]) -> Iterator[None]:
    """Write manifests durably beside those in force, and swap all of them in at the end of the block.

    Where the block, or one of the files, fails, nothing is swapped and nothing left behind: what needs room comes
    before the first rename.
    """
    swaps = [
        (folder / f"{one.issuer_key_id}.json.new", folder / f"{one.issuer_key_id}.json", msgspec.json.encode(one))
        for one in built
    ]
    try:
        for fresh, _, octets in swaps:
            with fresh.open("wb") as out:
                checksum = hashlib.sha256(octets).hexdigest()
                out.write(msgspec.json.encode(_Sealed(VERSION, checksum, msgspec.Raw(octets))))
                out.flush()
                os.fsync(out.fileno())
        yield
        for fresh, target, _ in swaps:
            fresh.replace(target)
    finally:
        for fresh, _, _ in swaps:
            fresh.unlink(missing_ok=True)
    if swaps:
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
