"""Asking the revocation index: one serial, an array of serials, the difference of two indexes.

An opened index is a snapshot: each issuer's manifest is read once, when it is first asked for, and its segments are
mapped when they are first needed, so opening costs the same whatever the index holds, and one answer never mixes two
builds. `refreshed()` gives the index as it stands now.

Where no fresh segment covers a certificate's distribution points the answer is `unknown`, never `good`.
"""

import os
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import index as whole_number
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from honnin.errors import InputError
from honnin.pki.index import manifest as manifests
from honnin.pki.index.building import BuildReport, build
from honnin.pki.index.difference import Diff, difference
from honnin.pki.index.issuer import Issuer, Points, Source, utc
from honnin.pki.index.manifest import Manifest
from honnin.pki.rfc5280.crl import ALL_REASONS, REASONS
from honnin.pki.verdict import Status

__all__ = ["RevocationIndex"]

STATES: npt.NDArray[np.str_] = np.array(["good", "revoked", "unknown"])
SERIAL_BITS = 160


class RevocationIndex:
    """Revocation of all certificates of some issuers, in one folder."""

    def __init__(self, folder: Path, earlier: dict[bytes, Issuer] | None = None) -> None:
        self.folder = folder
        self._issuers: dict[bytes, Issuer] = {}
        self._earlier = earlier or {}

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
        """Return a new snapshot if a build has been swapped in since this one was opened, else this one.

        Costs one look at each issuer's file; the new snapshot shares the mappings of what stayed.
        """
        for key, issuer in list(self._issuers.items()):
            if manifests.mark(self.folder, key.hex()) != issuer.mark:
                return RevocationIndex(self.folder, dict(self._issuers))
        return self

    # --- asking

    def lookup(
        self,
        issuer_key_id: bytes,
        serial: int,
        *,
        distribution_points: Points = None,
        at: datetime,
        ca: bool = False,
    ) -> Status:
        """Tell the state of one certificate.

        issuer_key_id: the certificate's authorityKeyIdentifier (keyIdentifier octets).
        distribution_points: the certificate's cRLDistributionPoints value (DER), or names of its points: GeneralName
        DER, or URIs as str. Without them only a CRL of the issuer's whole scope can say `good`.
        at: the moment to judge, aware; a CRL is fresh from thisUpdate to nextUpdate. ca: the certificate is a CA's.
        Raises InputError for what cannot be asked, FormatError `index.torn`, `index.manifest` for a damaged index.
        """
        if at.tzinfo is None:
            raise _no_zone()
        if serial.__class__ is not int:
            serial = _serial(serial)
        issuer = self._issuers.get(issuer_key_id) or self._issuer(issuer_key_id)
        if issuer is None:
            return Status(state="unknown", reason="No CRL of this issuer is in the index.")
        if serial >> SERIAL_BITS:  # of a negative one -1 is left
            return Status(state="unknown", reason="No certificate of RFC 5280 has this serial number.")
        covering = issuer.covering(distribution_points, ca=ca)
        proof: dict[str, Any] | None = None
        covered = stale = 0
        for source, reasons in covering:
            if not source.fresh(at):
                stale += 1
                continue
            row = source.segment.find(serial)
            if row >= 0:
                return _revoked(source, row)
            covered |= reasons
            proof = source.proof
        if covered == ALL_REASONS:
            return Status(state="good", proof=proof)
        if distribution_points is None:
            for source in issuer.every():
                if source.fresh(at) and (row := source.segment.find(serial)) >= 0:
                    return _revoked(source, row)
        if stale:
            return Status(state="unknown", reason="The CRL at hand is stale.", proof=covering[0][0].proof)
        if covered:
            return Status(state="unknown", reason="The CRLs at hand cover some reasons only.", proof=proof)
        return Status(state="unknown", reason="No CRL at hand covers this certificate's distribution points.")

    def lookup_many(
        self,
        issuer_key_id: bytes,
        serials: Sequence[int] | npt.NDArray[Any],
        *,
        distribution_points: Points = None,
        at: datetime | None = None,
        ca: bool = False,
    ) -> npt.NDArray[np.str_]:
        """Tell the states of many certificates of one issuer: an array of `good`, `revoked`, `unknown`.

        As `lookup`, for certificates that share their distribution points; `at` is now when it is not given.
        """
        at = at or datetime.now(UTC)
        if at.tzinfo is None:
            raise _no_zone()
        asked, wide = _as_columns(serials)
        issuer = self._issuer(issuer_key_id)
        if issuer is None:
            return np.full(len(asked), "unknown")
        covered = 0
        sources = []
        for source, reasons in issuer.covering(distribution_points, ca=ca):
            if source.fresh(at):
                covered |= reasons
                sources.append(source)
        if distribution_points is None and covered != ALL_REASONS:
            sources = [source for source in issuer.every() if source.fresh(at)]
        states = np.full(len(asked), 0 if covered == ALL_REASONS else 2, np.uint8)
        states[_listed([source.segment.array("narrow") for source in sources], asked, list(wide))] = 1
        for row, serial in wide.items():
            if serial < 0 or serial.bit_length() > SERIAL_BITS:
                states[row] = 2
            elif any(source.segment.find(serial) >= 0 for source in sources):
                states[row] = 1
        told: npt.NDArray[np.str_] = STATES[states]
        return told

    def diff(self, other: "RevocationIndex") -> Diff:
        """Tell what changed from this index to `other`, the newer one."""
        return difference(self, other)

    # --- what is there

    def issuers(self) -> list[bytes]:
        """Key ids of the issuers in the index."""
        return [bytes.fromhex(key_id) for key_id in manifests.issuers(self.folder)]

    def manifest(self, issuer_key_id: bytes) -> Manifest | None:
        """The issuer's manifest, or None."""
        issuer = self._issuer(issuer_key_id)
        return issuer.outline.whole() if issuer else None

    def sources(self, issuer_key_id: bytes) -> list[Source]:
        """All mapped sources of an issuer."""
        issuer = self._issuer(issuer_key_id)
        return list(issuer.every()) if issuer else []

    def _issuer(self, key_id: bytes) -> Issuer | None:
        issuer = self._issuers.get(key_id) or self._load(key_id)
        # One that is not there is not remembered: whoever invents key ids would fill the memory.
        return None if issuer is None else self._issuers.setdefault(key_id, issuer)

    def _load(self, key_id: bytes) -> Issuer | None:
        mark = manifests.mark(self.folder, key_id.hex())
        earlier = self._earlier.pop(key_id, None)
        if earlier is not None and earlier.mark == mark:
            return earlier
        outline = manifests.outline(self.folder, key_id.hex())
        return None if outline is None else Issuer(self.folder, outline, mark, earlier)


def _revoked(source: Source, row: int) -> Status:
    segment = source.segment
    proof = source.proof
    if segment.dated and (invalidity := segment.invalidity(row)) is not None:
        proof = {**proof, "invalidity_date": utc(invalidity).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Status(
        state="revoked",
        reason=REASONS.get(segment.reasons[row]),
        revoked_at=utc(segment.date(row)),
        proof=proof,
    )


def _no_zone() -> InputError:
    return InputError("clock.no_zone", "The time has no zone.", next="Write it as 2026-11-21T09:00:00+09:00.")


def _serial(given: Any) -> int:
    try:
        return whole_number(given)
    except TypeError:
        raise InputError(
            "index.serial", "A serial number is not a whole number.", next="Give serial numbers as int."
        ) from None


def _as_columns(serials: Sequence[int] | npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint64], dict[int, int]]:
    """Return serials as u64 (0 where they need more bits or are negative) and the rows where that is so."""
    if isinstance(serials, np.ndarray) and serials.dtype.kind == "u":
        return serials.astype(np.uint64, copy=False), {}
    given = serials.tolist() if isinstance(serials, np.ndarray) else list(serials)
    try:
        return np.frombuffer(array("Q", given), np.uint64), {}
    except (OverflowError, TypeError, ValueError):
        numbers = [_serial(serial) for serial in given]
    wide = {row: serial for row, serial in enumerate(numbers) if serial < 0 or serial >> 64}
    return np.array([0 if row in wide else serial for row, serial in enumerate(numbers)], np.uint64), wide


def _listed(columns: list[npt.NDArray[Any]], asked: npt.NDArray[np.uint64], but: list[int]) -> npt.NDArray[np.bool_]:
    """Tell which serials stand in one of the sorted columns; the rows in `but` are not asked for."""
    found = np.zeros(len(asked), dtype=bool)
    order: npt.NDArray[Any] | None = None
    for column in columns:
        if not len(column) or not len(asked):
            continue
        if len(column) < len(asked) // 16:  # few listed, many asked: look for the listed among the asked
            if order is None:
                order = np.argsort(asked)
                ordered = asked[order]
            begin = np.searchsorted(ordered, column.astype(np.uint64))
            end = np.searchsorted(ordered, column.astype(np.uint64), side="right")
            for first, last in zip(begin[begin < end].tolist(), end[begin < end].tolist(), strict=True):
                found[order[first:last]] = True
        else:
            wanted = asked.astype(column.dtype, copy=False)
            at = np.searchsorted(column, wanted)
            found |= column[np.minimum(at, len(column) - 1)] == asked
    found[but] = False
    return found
