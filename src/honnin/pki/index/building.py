"""Taking CRLs into the revocation index.

Each CRL is read in one pass (`stream`) and checked (`checking`); then its number is held against the last good one's.
What fails is refused with a reason and the last good segment stays. All segments of one build lie in one new pack file;
manifests are swapped when it is durable, so a kill or a full disk leaves the old index.

Deltas (RFC 5280 §5.2.4) are applied to the segment of their base, after all complete CRLs of the same call. Entries of
an indirect CRL go to the issuers that they name.
"""

import hashlib
import os
import time as machine
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from honnin.errors import FormatError, HonninError, InputError, StateError
from honnin.pki import der
from honnin.pki.index import manifest as manifests
from honnin.pki.index.checking import Believed, Checked, believed, check
from honnin.pki.index.gathering import read_crls
from honnin.pki.index.manifest import Manifest, Scope, ScopeKey
from honnin.pki.index.names import name_key
from honnin.pki.index.segment import Segment, write
from honnin.pki.index.table import Table

__all__ = ["BuildReport", "build"]

HOLD = 6
REMOVE = 8
KEEP_PACKS_SECONDS = 86_400  # a reader may have opened a manifest whose packs it has not mapped yet


@dataclass(slots=True)
class BuildReport:
    """What became of each CRL, in the order given.

    accepted, unchanged: {source, issuer_key_id, number, entries, this_update, next_update}; refused: {source, code,
    reason}. The source of a CRL given as bytes is its place, `#0`.
    """

    accepted: list[dict[str, Any]] = field(default_factory=list)
    unchanged: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members."""
        return {"accepted": self.accepted, "unchanged": self.unchanged, "refused": self.refused}


def build(
    folder: Path, crls: Iterable[str | os.PathLike[str] | bytes], issuers: Iterable[bytes], *, at: datetime
) -> BuildReport:
    """Take CRLs into the index in `folder`, made if it is not there; return what became of each.

    crls: DER or PEM files, or DER bytes. issuers: certificates (DER) of those whose CRLs are believed.
    at: the moment to judge freshness, aware. Raises InputError for issuers or times that cannot be used, StateError
    `index.no_room` when the disk is full; in both cases the index stays as it was.
    """
    if at.tzinfo is None:
        raise InputError("clock.no_zone", "The time has no zone.", next="Write it as 2026-11-21T09:00:00+09:00.")
    known = believed(issuers)
    report = BuildReport()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with manifests.lock(folder):
            _Build(folder, known, at, report).run(crls)
    except OSError as error:
        raise StateError(
            "index.no_room", f"The index could not be written: {error.strerror}.", next="Free room and build again."
        ) from error
    return report


class _Build:
    """One run of the builder, under the folder's lock."""

    def __init__(self, folder: Path, issuers: list[Believed], at: datetime, report: BuildReport) -> None:
        self.folder = folder
        self.issuers = issuers
        self.at = at
        self.report = report
        self.scopes: dict[str, dict[ScopeKey, Scope]] = {}
        self.changed: dict[str, bytes] = {}  # key id: Name DER
        self.dropped: set[str] = set()
        self.end = 0  # of what is written of the pack
        self.pack = f"pack-{int(machine.time())}-{os.urandom(4).hex()}.seg"

    def run(self, crls: Iterable[str | os.PathLike[str] | bytes]) -> None:
        fresh = self.folder / f"{self.pack}.new"
        deltas: list[Checked] = []
        try:
            with fresh.open("wb") as out:
                for crl in self._readable(crls):
                    if crl.delta_base is None:
                        self._guard(crl, self._take, out)
                    else:
                        deltas.append(crl)
                for delta in sorted(deltas, key=lambda crl: crl.number or 0):
                    self._guard(delta, self._apply, out)
                out.flush()
                if self.changed:
                    os.fsync(out.fileno())
            with manifests.prepared(self.folder, self._manifests()):
                if self.changed:
                    fresh.replace(self.folder / self.pack)
                    manifests.sync_folder(self.folder)
                for pack in self.dropped:  # the day that a pack is kept begins when it falls out of use
                    with suppress(FileNotFoundError):
                        os.utime(self.folder / pack)
        finally:
            fresh.unlink(missing_ok=True)
        self._sweep()

    def _manifests(self) -> Iterator[Manifest]:
        at = int(self.at.timestamp())
        for key_id, name in sorted(self.changed.items()):
            scopes = tuple(self.scopes[key_id].values())
            named = manifests.filed(scopes)
            yield Manifest(issuer_key_id=key_id, issuer=name.hex(), built_at=at, named=named, scopes=scopes)

    def _guard(self, crl: Checked, step: Callable[[BinaryIO, Checked], None], out: BinaryIO) -> None:
        try:
            step(out, crl)
        except HonninError as error:
            self._refuse(crl.source, error)

    def _refuse(self, source: str, error: HonninError) -> None:
        self.report.refused.append({"source": source, "code": error.code, "reason": error.message})

    def _readable(self, crls: Iterable[str | os.PathLike[str] | bytes]) -> Iterator[Checked]:
        for name, found in read_crls(crls):
            try:
                if isinstance(found, HonninError):
                    raise found
                checked = check(name, found, self.issuers, self.at)
            except HonninError as error:
                self._refuse(name, error)
            else:
                yield checked

    # --- one CRL

    def _take(self, out: BinaryIO, read: Checked) -> None:
        """Write a complete CRL's segments, unless one of them is older than what is there."""
        owned = [(owner, table, self._old(owner, read)) for owner, table in self._owners(read)]
        newer = [(owner, table) for owner, table, old in owned if old is None or _newer(old, read)]
        for owner, table in newer:
            self._replace(out, owner, read, table)
        (self.report.accepted if newer else self.report.unchanged).append(_line(read))

    def _apply(self, out: BinaryIO, read: Checked) -> None:
        """Apply a delta CRL to the segments of its base."""
        owned = [(owner, table, self._based(owner, read)) for owner, table in self._owners(read)]
        newer = [(owner, table, base) for owner, table, base in owned if base is not None]
        for owner, changes, base in newer:
            self._replace(out, owner, read, _merged(self._segment(out, base).table(), changes))
        (self.report.accepted if newer else self.report.unchanged).append(_line(read))

    def _based(self, owner: Believed, read: Checked) -> Scope | None:
        """Return the scope that a delta changes; None where it holds what the delta says already."""
        base = self._old(owner, read)
        if base is None or base.number is None or read.number is None or read.delta_base is None:
            raise StateError("index.no_base", "The index has no complete CRL that this delta builds on.")
        if int(base.number, 16) < read.delta_base:
            raise StateError("index.no_base", "The complete CRL in the index is older than this delta's base.")
        if read.number == int(base.number, 16):
            return None  # issued together with the complete list (RFC 5280 §5.2.4)
        return base if _newer(base, read) else None

    def _segment(self, out: BinaryIO, scope: Scope) -> Segment:
        out.flush()
        path = self.folder / (f"{scope.pack}.new" if scope.pack == self.pack else scope.pack)
        with path.open("rb") as pack:
            pack.seek(scope.offset)
            octets = pack.read(scope.length)
        if hashlib.sha256(octets).hexdigest() != scope.checksum:
            raise StateError("index.torn", "The base segment's file is not what its manifest says.")
        return Segment(octets, 0, scope.layout)

    def _replace(self, out: BinaryIO, owner: Believed, read: Checked, table: Table) -> None:
        layout, length, checksum = write(table, out)
        own = owner.key_id == read.issuer.key_id
        scope = Scope(
            names=read.point.names,
            kind=read.point.kind,
            reasons=read.point.reasons,
            indirect=read.point.indirect,
            signer=None if own else read.issuer.key_id,
            signer_name=None if own else read.issuer.name,
            number=None if read.number is None else f"{read.number:x}",
            this_update=int(read.crl.this_update.timestamp()),
            next_update=None if read.crl.next_update is None else int(read.crl.next_update.timestamp()),
            crl=read.crl.sha256,
            delta=read.delta_base is not None,
            pack=self.pack,
            offset=self.end,
            length=length,
            checksum=checksum,
            layout=layout,
        )
        self.end += length
        scopes, key = self._scopes(owner.key_id), scope.key
        old = scopes.get(key)
        if old is not None:
            self.dropped.add(old.pack)
        scopes[key] = scope
        self.changed[owner.key_id] = owner.certificate.subject

    def _owners(self, read: Checked) -> Iterator[tuple[Believed, Table]]:
        """Yield every issuer that the CRL speaks of, with its entries.

        An indirect CRL speaks of all issuers that are believed, of most by its silence: whether a certificate lets it
        speak is the certificate's to say (cRLIssuer), when it is asked for.
        """
        crl = read.crl
        if not read.point.indirect:
            yield read.issuer, crl.table
            return
        tables: dict[str, Table] = {}
        begin, current = 0, read.issuer.name
        for row, names in [*crl.issuers, (crl.table.count, None)]:
            if row > begin:
                tables.setdefault(current, Table()).append(crl.table.columns().between(begin, row))
            begin, current = row, current if names is None else _directory_name(names)
        yield read.issuer, tables.get(read.issuer.name, Table())
        told = {read.issuer.key_id}
        for issuer in self.issuers:
            if issuer.name != read.issuer.name and issuer.key_id not in told:
                told.add(issuer.key_id)
                yield issuer, tables.get(issuer.name, Table())

    def _old(self, owner: Believed, read: Checked) -> Scope | None:
        """Return the scope that a CRL replaces."""
        signer = None if owner.key_id == read.issuer.key_id else read.issuer.key_id
        key = (read.point.names, read.point.kind, read.point.reasons, read.point.indirect, signer)
        return self._scopes(owner.key_id).get(key)

    def _scopes(self, owner: str) -> dict[ScopeKey, Scope]:
        known = self.scopes.get(owner)
        if known is None:
            old = manifests.load(self.folder, owner)
            known = self.scopes[owner] = {scope.key: scope for scope in old.scopes} if old else {}
        return known

    def _sweep(self) -> None:
        """Delete pack files that no manifest has named for a day, and manifests that a killed build did not swap in."""
        for left in self.folder.glob("*.json.new"):  # nobody else builds while the lock is held
            left.unlink(missing_ok=True)
        used = {self.pack}
        try:
            for key_id in manifests.issuers(self.folder):
                manifest = manifests.load(self.folder, key_id)
                used |= {scope.pack for scope in manifest.scopes} if manifest else set()
        except FormatError:
            return  # whose packs a damaged manifest names is not known
        for path in self.folder.glob("pack-*"):
            if path.name not in used and path.stat().st_mtime < machine.time() - KEEP_PACKS_SECONDS:
                path.unlink(missing_ok=True)


# --- parts of a CRL


def _newer(old: Scope, read: Checked) -> bool:
    """Tell a later CRL of the scope from the same one; raise for an earlier one, or one that cannot be told later."""
    if old.crl == read.crl.sha256:
        return False
    this_update = int(read.crl.this_update.timestamp())
    later = this_update > old.this_update
    if old.number is not None and read.number is not None:
        number = int(old.number, 16)
        # A complete list may come with, and after, the delta of the same number.
        together = old.delta and read.delta_base is None and this_update == old.this_update
        later = read.number > number or (read.number == number and (later or together))
    if not later:
        raise StateError("index.rolled_back", "The index already has a CRL of this scope that is not earlier.")
    return True


def _directory_name(names: bytes) -> str:
    """Return the key of the Name in a certificateIssuer's GeneralNames."""
    try:
        start, stop = der.whole(names, der.SEQUENCE)
        found = [names[first:end] for tag, first, end in der.children(names, start, stop) if tag == 0xA4]
        if len(found) == 1:
            return name_key(found[0])
    except FormatError as error:
        raise FormatError("index.entry", f"An entry's certificate issuer is malformed: {error.message}") from error
    raise FormatError("index.entry", "An entry's certificate issuer is not one directory name.")


def _merged(base: Table, delta: Table) -> Table:
    """Return the base with the delta's entries in it; an entry with reason removeFromCRL takes its serial out.

    It lifts a hold only: what is revoked for any other reason stays (RFC 5280 §5.3.1).
    """
    order, _ = delta.order()
    if order is not None:  # of a serial that the delta lists twice the first entry stands
        flags = np.zeros(delta.count, dtype=bool)
        flags[order] = True
        delta.keep(flags)
    named = np.isin(base.low, delta.low)
    candidates = np.flatnonzero(named)
    if base.middle is not None or delta.middle is not None:
        serials = {delta.serial(row) for row in range(delta.count)}
        for row in candidates.tolist():
            named[row] = base.serial(row) in serials
    removed = delta.reason == REMOVE
    lifted = {delta.serial(row) for row in np.flatnonzero(removed).tolist()}
    for row in np.flatnonzero(named & (base.reason != HOLD) & np.isin(base.low, delta.low[removed])).tolist():
        named[row] = base.serial(row) not in lifted
    base.keep(~named)
    delta.keep(delta.reason != REMOVE)
    base.append(delta.columns())
    return base


def _line(read: Checked) -> dict[str, Any]:
    return {
        "source": read.source,
        "issuer_key_id": read.issuer.key_id,
        "number": None if read.number is None else f"{read.number:x}",
        "entries": read.crl.table.count,
        "this_update": _text(read.crl.this_update),
        "next_update": None if read.crl.next_update is None else _text(read.crl.next_update),
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
