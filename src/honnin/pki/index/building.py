"""Taking CRLs into the revocation index.

Each CRL is read in one pass (`stream`), and then, in this order: its extensions are understood, its issuer found among
the given certificates by name, key id and signature, its time and number held against the clock and the last good one.
What fails is refused with a reason and the last good segment stays. All segments of one build lie in one new pack file;
manifests are swapped when it is durable, so a kill or a full disk leaves the old index.

Deltas (RFC 5280 §5.2.4) are applied to the segment of their base, after all complete CRLs of the same call. Entries of
an indirect CRL go to the issuers that they name.
"""

import hashlib
import os
import secrets
import time as machine
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from honnin.errors import FormatError, HonninError, InputError, StateError
from honnin.pki import der
from honnin.pki.index import manifest as manifests
from honnin.pki.index.manifest import Manifest, Scope
from honnin.pki.index.names import IssuingPoint, issuing_point
from honnin.pki.index.segment import Segment, write
from honnin.pki.index.stream import Crl, open_crl, read_crl
from honnin.pki.index.table import Table
from honnin.pki.rfc5280.certificate import Certificate, Extension, parse_certificate, read_extensions
from honnin.pki.rfc5280.keys import scheme

__all__ = ["BuildReport", "build", "issuer_key_id"]

NUMBER, DELTA, POINT, AUTHORITY = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"
UNDERSTOOD = {NUMBER, DELTA, POINT, AUTHORITY}
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


@dataclass(frozen=True, slots=True)
class _Issuer:
    certificate: Certificate
    key_id: bytes
    signs_crls: bool


@dataclass(slots=True)
class _Read:
    """A CRL whose signature holds, with its extensions understood."""

    source: str
    crl: Crl
    issuer: _Issuer
    number: int | None
    delta_base: int | None
    point: IssuingPoint


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
    known = [_issuer(der_octets) for der_octets in issuers]
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


def issuer_key_id(octets: bytes) -> bytes:
    """Return an issuer certificate's key id: its subjectKeyIdentifier, else SHA-1 of its key (RFC 5280 §4.2.1.2)."""
    certificate = parse_certificate(octets)
    identifier = certificate.extensions.get("2.5.29.14")
    if identifier is not None:
        start, stop = der.whole(identifier.value, der.OCTET_STRING)
        return identifier.value[start:stop]
    start, stop = der.whole(certificate.spki, der.SEQUENCE)
    _, _, key_at = der.read(certificate.spki, start, stop)
    first, last = der.enclosed(certificate.spki, key_at, stop, der.BIT_STRING)
    return hashlib.sha1(certificate.spki[first + 1 : last], usedforsecurity=False).digest()


def _issuer(octets: bytes) -> _Issuer:
    certificate = parse_certificate(octets)
    usage = certificate.extensions.get("2.5.29.15")
    signs = usage is None or bool(der.named_bits(usage.value, *der.whole(usage.value, der.BIT_STRING)) >> 6 & 1)
    return _Issuer(certificate, issuer_key_id(octets), signs)


class _Build:
    """One run of the builder, under the folder's lock."""

    def __init__(self, folder: Path, issuers: list[_Issuer], at: datetime, report: BuildReport) -> None:
        self.folder = folder
        self.issuers = issuers
        self.at = at
        self.report = report
        self.scopes: dict[str, dict[Any, Scope]] = {}
        self.changed: set[str] = set()
        self.pack = f"pack-{int(machine.time())}-{secrets.token_hex(4)}.seg"

    def run(self, crls: Iterable[str | os.PathLike[str] | bytes]) -> None:
        fresh = self.folder / f"{self.pack}.new"
        deltas: list[_Read] = []
        try:
            with fresh.open("wb") as out:
                for source, crl in self._readable(crls):
                    if crl.delta_base is None:
                        self._guard(source, self._take, out, crl)
                    else:
                        deltas.append(crl)
                for delta in sorted(deltas, key=lambda crl: crl.number or 0):
                    self._guard(delta.source, self._apply, out, delta)
                out.flush()
                os.fsync(out.fileno())
            if self.changed:
                fresh.replace(self.folder / self.pack)
                manifests.sync_folder(self.folder)
        finally:
            fresh.unlink(missing_ok=True)
        for key_id in sorted(self.changed):
            scopes = tuple(self.scopes[key_id].values())
            built = Manifest(issuer_key_id=key_id, built_at=int(self.at.timestamp()), scopes=scopes)
            manifests.store(self.folder, built)
        self._sweep()

    def _guard(self, source: str, step: Any, *arguments: Any) -> None:
        try:
            step(*arguments)
        except HonninError as error:
            self.report.refused.append({"source": source, "code": error.code, "reason": error.message})

    def _readable(self, crls: Iterable[str | os.PathLike[str] | bytes]) -> Iterator[tuple[str, _Read]]:
        for place, source in enumerate(crls):
            name = f"#{place}" if isinstance(source, bytes | bytearray | memoryview) else os.fspath(source)
            try:
                with open_crl(source) as (stream, size):
                    crl = read_crl(stream, size)
                checked = self._check(name, crl)
            except HonninError as error:
                self.report.refused.append({"source": name, "code": error.code, "reason": error.message})
            else:
                yield name, checked

    # --- one CRL

    def _check(self, source: str, crl: Crl) -> _Read:
        """Understand the extensions, find the issuer, check the signature and the times."""
        extensions: dict[str, Extension] = {}
        if crl.extensions is not None:
            try:
                extensions = read_extensions(crl.extensions, 0, len(crl.extensions))
            except FormatError as error:
                raise FormatError("index.malformed", f"The CRL's extensions are malformed: {error.message}") from error
        for name, extension in extensions.items():
            if extension.critical and name not in UNDERSTOOD:
                raise FormatError("index.critical", f"The CRL has the critical extension {name}, which is not known.")
        issuer = self._signer(crl, extensions.get(AUTHORITY))
        point = IssuingPoint((), "all", None, indirect=False)
        if POINT in extensions:
            point = issuing_point(extensions[POINT].value, crl.issuer)
        if crl.issuers and not point.indirect:
            raise FormatError("index.malformed", "Entries name another issuer in a CRL that is not indirect.")
        if crl.this_update > self.at:
            raise StateError("index.not_yet", "The CRL is not valid yet.", next="Check the clock.")
        if crl.next_update is None:
            raise FormatError("index.no_next_update", "The CRL does not say how long it holds.")
        if crl.next_update < self.at:
            raise StateError("index.stale", "The CRL's next update has passed.", next="Fetch the current one.")
        return _Read(
            source=source,
            crl=crl,
            issuer=issuer,
            number=_number(extensions.get(NUMBER)),
            delta_base=_number(extensions.get(DELTA)),
            point=point,
        )

    def _signer(self, crl: Crl, authority: Extension | None) -> _Issuer:
        named = [issuer for issuer in self.issuers if issuer.certificate.subject == crl.issuer]
        if not named:
            raise FormatError("index.issuer_unknown", "None of the given issuers has the CRL's issuer name.")
        key_id = _authority_key(authority)
        if key_id is not None:
            named = [issuer for issuer in named if issuer.key_id == key_id] or named
        for issuer in named:
            if _signed_by(crl, issuer):
                if not issuer.signs_crls:
                    raise FormatError(
                        "index.issuer_not_allowed", "The issuer's certificate does not allow signing CRLs."
                    )
                return issuer
        raise FormatError("index.signature", "The CRL's signature is not its issuer's.")

    def _take(self, out: BinaryIO, read: _Read) -> None:
        """Write a complete CRL's segments."""
        key_id = read.issuer.key_id.hex()
        for owner, table in self._owners(read):
            self._replace(out, owner, read, table, None if owner == key_id else key_id)

    def _replace(self, out: BinaryIO, owner: str, read: _Read, table: Table, signer: str | None) -> None:
        scopes = self._scopes(owner)
        key = (read.point.names, read.point.kind, read.point.reasons, signer)
        old = scopes.get(key)
        if old is not None and not self._newer(old, read):
            self.report.unchanged.append(_line(read, owner, len(table)))
            return
        offset = out.tell()
        layout, checksum = write(table, table.sort(), out)
        scopes[key] = Scope(
            names=read.point.names,
            kind=read.point.kind,
            reasons=read.point.reasons,
            signer=signer,
            number=None if read.number is None else f"{read.number:x}",
            this_update=int(read.crl.this_update.timestamp()),
            next_update=None if read.crl.next_update is None else int(read.crl.next_update.timestamp()),
            crl=read.crl.sha256,
            pack=self.pack,
            offset=offset,
            length=layout.columns()[1],
            checksum=checksum,
            layout=layout,
        )
        self.changed.add(owner)
        self.report.accepted.append(_line(read, owner, len(table)))

    def _newer(self, old: Scope, read: _Read) -> bool:
        """Tell a later CRL of the scope from the same one; raise for an earlier one."""
        if old.crl == read.crl.sha256:
            return False
        this_update = int(read.crl.this_update.timestamp())
        if old.number is not None and read.number is not None:
            behind = read.number < int(old.number, 16) or (
                read.number == int(old.number, 16) and this_update <= old.this_update
            )
        else:
            behind = this_update < old.this_update
        if behind:
            raise StateError("index.rolled_back", "The index already has a later CRL of this scope.")
        return True

    def _apply(self, out: BinaryIO, read: _Read) -> None:
        """Apply a delta CRL to the segment of its base."""
        key_id = read.issuer.key_id.hex()
        for owner, changes in self._owners(read):
            signer = None if owner == key_id else key_id
            base = self._scopes(owner).get((read.point.names, read.point.kind, read.point.reasons, signer))
            if base is None or base.number is None or read.number is None or read.delta_base is None:
                raise StateError("index.no_base", "The index has no complete CRL that this delta builds on.")
            if int(base.number, 16) < read.delta_base:
                raise StateError("index.no_base", "The complete CRL in the index is older than this delta's base.")
            if not self._newer(base, read):
                continue
            out.flush()
            path = self.folder / (f"{base.pack}.new" if base.pack == self.pack else base.pack)
            with path.open("rb") as pack:
                pack.seek(base.offset)
                octets = pack.read(base.length)
            if len(octets) != base.length:
                raise StateError("index.torn", "The base segment's file is shorter than its manifest says.")
            table = _merged(Segment(octets, 0, base.layout).table(), changes)
            self._replace(out, owner, read, table, signer)

    def _owners(self, read: _Read) -> Iterator[tuple[str, Table]]:
        """Yield the key id and the entries of every issuer whose certificates the CRL lists."""
        crl = read.crl
        if not read.point.indirect:
            yield read.issuer.key_id.hex(), crl.table
            return
        tables = {crl.issuer: Table(1)}
        begin, current = 0, crl.issuer
        for row, names in [*crl.issuers, (crl.table.count, b"")]:
            tables.setdefault(current, Table(1)).append(crl.table.columns().between(begin, row))
            begin, current = row, _directory_name(names) if names else current
        for name, table in tables.items():
            for issuer in self.issuers:
                if issuer.certificate.subject == name and (name != crl.issuer or issuer is read.issuer):
                    yield issuer.key_id.hex(), table

    def _scopes(self, owner: str) -> dict[Any, Scope]:
        known = self.scopes.get(owner)
        if known is None:
            old = manifests.load(self.folder, owner)
            known = self.scopes[owner] = {scope.key: scope for scope in old.scopes} if old else {}
        return known

    def _sweep(self) -> None:
        """Delete pack files that no manifest names, a day after they were written."""
        used = {self.pack}
        for path in self.folder.glob("*.json"):
            manifest = manifests.load(self.folder, path.stem)
            used |= {scope.pack for scope in manifest.scopes} if manifest else set()
        for path in self.folder.glob("pack-*"):
            if path.name not in used and path.stat().st_mtime < machine.time() - KEEP_PACKS_SECONDS:
                path.unlink(missing_ok=True)


# --- parts of a CRL


def _number(extension: Extension | None) -> int | None:
    """Return a cRLNumber or BaseCRLNumber (RFC 5280 §5.2.3)."""
    if extension is None:
        return None
    start, stop = der.whole(extension.value, der.INTEGER)
    number = der.integer(extension.value, start, stop)
    if number < 0:
        raise FormatError("index.malformed", "A CRL number is negative.")
    return number


def _authority_key(extension: Extension | None) -> bytes | None:
    if extension is None:
        return None
    start, stop = der.whole(extension.value, der.SEQUENCE)
    for tag, first, end in der.children(extension.value, start, stop):
        if tag == 0x80:
            return extension.value[first:end]
    return None


def _signed_by(crl: Crl, issuer: _Issuer) -> bool:
    """Check the signature over the digest that the pass computed."""
    how = scheme(crl.signature_algorithm)
    try:
        key = issuer.certificate.public_key()
    except FormatError:
        return False
    if how.hash is None:
        return False
    prehashed = Prehashed(how.hash)
    try:
        if how.family == "rsa" and isinstance(key, rsa.RSAPublicKey) and how.rsa_padding is not None:
            key.verify(crl.signature, crl.tbs_digest, how.rsa_padding, prehashed)
        elif how.family == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(crl.signature, crl.tbs_digest, ec.ECDSA(prehashed))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _directory_name(names: bytes) -> bytes:
    """Return the Name in a certificateIssuer's GeneralNames."""
    start, stop = der.whole(names, der.SEQUENCE)
    for tag, first, end in der.children(names, start, stop):
        if tag == 0xA4:
            return names[first:end]
    raise FormatError("index.entry", "An entry's certificate issuer is not a directory name.")


def _merged(base: Table, delta: Table) -> Table:
    """Return the base with the delta's entries in it; an entry with reason removeFromCRL takes its serial out."""
    named = {serial for serial, _ in delta.rows()}
    base.keep(np.array([serial not in named for serial, _ in base.rows()], dtype=bool))
    delta.keep(delta.reason != REMOVE)
    base.append(delta.columns())
    return base


def _line(read: _Read, owner: str, entries: int) -> dict[str, Any]:
    return {
        "source": read.source,
        "issuer_key_id": owner,
        "number": None if read.number is None else f"{read.number:x}",
        "entries": entries,
        "this_update": msgspec.to_builtins(read.crl.this_update),
        "next_update": msgspec.to_builtins(read.crl.next_update),
    }
