"""Asking the revocation index: one serial, an array of serials, the difference of two indexes.

An opened index is a snapshot: each issuer's manifest is read once, when it is first asked for, and its segments are
mapped when they are first needed, so opening costs the same whatever the index holds, and one answer never mixes two
builds. `refreshed()` gives the index as it stands now.

Where no fresh segment covers a certificate's distribution points the answer is `unknown`, never `good`.
"""

import hashlib
import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from honnin.errors import FormatError, InputError
from honnin.pki.index.building import BuildReport, build
from honnin.pki.index.difference import Diff, difference
from honnin.pki.index.manifest import Manifest, Scope, load
from honnin.pki.index.names import certificate_points
from honnin.pki.index.segment import Segment
from honnin.pki.verdict import Status

__all__ = ["RevocationIndex"]

REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
ALL_REASONS = 0b1_1111_1110  # ReasonFlags bits 1–8, RFC 5280 §5.2.5
STATES: npt.NDArray[np.str_] = np.array(["good", "revoked", "unknown"])

Points = bytes | Iterable[bytes | str] | None


@dataclass(slots=True)
class Source:
    """A scope of the manifest with its mapped segment and the proof that an answer from it carries."""

    scope: Scope
    segment: Segment
    this_update: datetime
    next_update: datetime | None
    proof: dict[str, Any]

    def fresh(self, at: datetime) -> bool:
        """Tell whether the CRL may be used at a moment."""
        return self.this_update <= at and (self.next_update is None or at <= self.next_update)

    def intact(self) -> bool:
        """Tell whether the segment's octets are still those that were written."""
        return hashlib.sha256(self.segment.octets).hexdigest() == self.scope.checksum


class _Issuer:
    """The sources of one issuer key, mapped on first use."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._mapped: dict[str, mmap.mmap] = {}
        self._sources: dict[int, Source] = {}
        self._by_name: dict[str, list[int]] = {}
        self._whole: list[int] = []
        for row, scope in enumerate(manifest.scopes):
            if scope.kind in {"ca", "attribute"}:
                continue  # holders' certificates are asked for; such a scope never covers one
            for name in scope.names:
                self._by_name.setdefault(name, []).append(row)
            if not scope.names:
                self._whole.append(row)
        self._cover: dict[Any, tuple[Source, ...]] = {}

    def source(self, row: int) -> Source:
        """Map one scope. Raises FormatError `index.torn` when its file is gone or shorter than the manifest says."""
        known = self._sources.get(row)
        if known is None:
            scope = self.manifest.scopes[row]
            known = self._sources[row] = Source(
                scope=scope,
                segment=Segment(self._map(scope), scope.offset, scope.layout),
                this_update=datetime.fromtimestamp(scope.this_update, UTC),
                next_update=None if scope.next_update is None else datetime.fromtimestamp(scope.next_update, UTC),
                proof=_proof(scope),
            )
        return known

    def _map(self, scope: Scope) -> mmap.mmap | bytes:
        mapped = self._mapped.get(scope.pack)
        if mapped is None:
            try:
                with (self.folder / scope.pack).open("rb") as pack:
                    size = os.fstat(pack.fileno()).st_size
                    if size == 0:
                        return b""
                    mapped = self._mapped[scope.pack] = mmap.mmap(pack.fileno(), 0, access=mmap.ACCESS_READ)
            except FileNotFoundError as error:
                raise FormatError(
                    "index.torn", "A segment's file is missing.", next="Build the index again."
                ) from error
        if len(mapped) < scope.offset + scope.length:
            raise FormatError(
                "index.torn", "A segment's file is shorter than its manifest says.", next="Build it again."
            )
        return mapped

    def covering(self, points: Points) -> tuple[Source, ...]:
        """Return the sources whose scope covers a certificate with these distribution points."""
        key = points if points is None or isinstance(points, bytes) else tuple(points)
        known = self._cover.get(key)
        if known is None:
            rows = set(self._whole)
            if key is not None:
                for name in certificate_points(key):
                    rows.update(self._by_name.get(name, ()))
            known = tuple(self.source(row) for row in sorted(rows))
            if len(self._cover) < 10_000:
                self._cover[key] = known
        return known

    def every(self) -> Iterable[Source]:
        """Return all sources, whatever they cover."""
        return (self.source(row) for row in range(len(self.manifest.scopes)))


def _proof(scope: Scope) -> dict[str, Any]:
    def moment(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "kind": "crl",
        "number": scope.number,
        "this_update": moment(scope.this_update),
        "next_update": None if scope.next_update is None else moment(scope.next_update),
        "crl_sha256": scope.crl,
    }


class RevocationIndex:
    """Revocation of all certificates of some issuers, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._issuers: dict[bytes, _Issuer | None] = {}

    # --- making

    @staticmethod
    def build(
        dir: str | os.PathLike[str],  # noqa: A002
        crls: Iterable[str | os.PathLike[str] | bytes],
        issuers: Iterable[bytes],
        *,
        at: datetime,
    ) -> BuildReport:
        """Take CRLs into the index in `dir`; see `honnin.pki.index.building.build`."""
        return build(Path(dir), crls, issuers, at=at)

    @classmethod
    def open(cls, dir: str | os.PathLike[str]) -> "RevocationIndex":  # noqa: A002
        """Open the index of a folder as it stands now. Raises InputError `index.no_index` when there is none."""
        folder = Path(dir)
        if not (folder / "build.lock").exists():
            raise InputError(
                "index.no_index", f"There is no revocation index in {folder}.", next="Make one: honnin crl build."
            )
        return cls(folder)

    def refreshed(self) -> "RevocationIndex":
        """Return a new snapshot if a build has been swapped in since this one was opened, else this one."""
        for key, issuer in self._issuers.items():
            if load(self.folder, key.hex()) != (issuer.manifest if issuer else None):
                return RevocationIndex(self.folder)
        return self

    # --- asking

    def lookup(self, issuer_key_id: bytes, serial: int, *, distribution_points: Points = None, at: datetime) -> Status:
        """Tell the state of one certificate.

        issuer_key_id: the certificate's authorityKeyIdentifier (keyIdentifier octets).
        distribution_points: the certificate's cRLDistributionPoints value (DER), or names of its points: GeneralName
        DER, or URIs as str. Without them only a CRL of the issuer's whole scope can say `good`.
        at: the moment to judge; a CRL is fresh from thisUpdate to nextUpdate.
        """
        issuer = self._issuer(issuer_key_id)
        if issuer is None:
            return Status(state="unknown", reason="No CRL of this issuer is in the index.")
        covering = issuer.covering(distribution_points)
        proof: dict[str, Any] | None = None
        covered = stale = 0
        for source in covering:
            if not source.fresh(at):
                stale += 1
                continue
            row = source.segment.find(serial)
            if row >= 0:
                return _revoked(source, row)
            covered |= ALL_REASONS if source.scope.reasons is None else source.scope.reasons
            proof = source.proof
        if covered == ALL_REASONS:
            return Status(state="good", proof=proof)
        if distribution_points is None:
            for source in issuer.every():
                if source.fresh(at) and (row := source.segment.find(serial)) >= 0:
                    return _revoked(source, row)
        if stale:
            return Status(state="unknown", reason="The CRL at hand is stale.", proof=covering[0].proof)
        if covered:
            return Status(state="unknown", reason="The CRLs at hand cover some reasons only.", proof=proof)
        return Status(state="unknown", reason="No CRL at hand covers this certificate's distribution points.")

    def lookup_many(
        self,
        issuer_key_id: bytes,
        serials: Sequence[int] | npt.NDArray[np.uint64],
        *,
        distribution_points: Points = None,
        at: datetime | None = None,
    ) -> npt.NDArray[np.str_]:
        """Tell the states of many certificates of one issuer: an array of `good`, `revoked`, `unknown`.

        As `lookup`, for certificates that share their distribution points; `at` is now when it is not given.
        """
        at = at or datetime.now(UTC)
        count = len(serials)
        issuer = self._issuer(issuer_key_id)
        if issuer is None:
            return np.full(count, "unknown")
        asked, wide = _as_columns(serials)
        revoked = np.zeros(count, dtype=bool)
        covered = 0
        sources = [source for source in issuer.covering(distribution_points) if source.fresh(at)]
        for source in sources:
            covered |= ALL_REASONS if source.scope.reasons is None else source.scope.reasons
        if distribution_points is None and covered != ALL_REASONS:
            sources = [source for source in issuer.every() if source.fresh(at)]
        for source in sources:
            listed = source.segment.array("narrow")
            if len(listed):
                wanted = asked.astype(listed.dtype) if listed.dtype.itemsize == 4 else asked
                at_row = np.searchsorted(listed, wanted)
                hit = listed[np.minimum(at_row, len(listed) - 1)] == asked
                if wide:
                    hit[list(wide)] = False
                revoked |= hit
            for row, serial in wide.items():
                revoked[row] |= source.segment.find(serial) >= 0
        rest = 0 if covered == ALL_REASONS else 2
        states: npt.NDArray[np.str_] = STATES[np.where(revoked, 1, rest)]
        return states

    def diff(self, other: "RevocationIndex") -> Diff:
        """Tell what changed from this index to `other`, the newer one."""
        return difference(self, other)

    # --- what is there

    def issuers(self) -> list[bytes]:
        """Key ids of the issuers in the index."""
        return sorted(bytes.fromhex(path.stem) for path in self.folder.glob("*.json"))

    def manifest(self, issuer_key_id: bytes) -> Manifest | None:
        """The issuer's manifest, or None."""
        issuer = self._issuer(issuer_key_id)
        return issuer.manifest if issuer else None

    def sources(self, issuer_key_id: bytes) -> list[Source]:
        """All mapped sources of an issuer."""
        issuer = self._issuer(issuer_key_id)
        return list(issuer.every()) if issuer else []

    def _issuer(self, key_id: bytes) -> _Issuer | None:
        if key_id not in self._issuers:
            manifest = load(self.folder, key_id.hex())
            self._issuers[key_id] = _Issuer(self.folder, manifest) if manifest else None
        return self._issuers[key_id]


def _revoked(source: Source, row: int) -> Status:
    segment = source.segment
    proof = source.proof
    invalidity = segment.invalidity(row)
    if invalidity is not None:
        proof = {**proof, "invalidity_date": datetime.fromtimestamp(invalidity, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Status(
        state="revoked",
        reason=REASONS.get(segment.reasons[row]),
        revoked_at=datetime.fromtimestamp(segment.date(row), UTC),
        proof=proof,
    )


def _as_columns(serials: Sequence[int] | npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], dict[int, int]]:
    """Return serials as u64 (0 where they need more bits) and the rows that need more."""
    try:
        return np.asarray(serials, dtype=np.uint64), {}
    except (OverflowError, TypeError):
        wide = {row: int(serial) for row, serial in enumerate(serials) if int(serial) >> 64 or int(serial) < 0}
        narrow = [0 if row in wide else int(serial) for row, serial in enumerate(serials)]
        return np.array(narrow, dtype=np.uint64), {row: serial for row, serial in wide.items() if serial >= 0}
