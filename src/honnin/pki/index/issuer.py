"""What the index has of one issuer key: its segments, mapped on first use, and which of them cover a certificate.

Which CRL is about which certificate is RFC 5280 §6.3.3 (b), as `rfc5280.crl_status` has it for single lists: the names
of the distribution points meet, an indirect CRL was appointed by the certificate, reasons are those of both.
"""

import hashlib
import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from honnin.errors import FormatError
from honnin.pki.index.manifest import Outline, Scope
from honnin.pki.index.names import Point, certificate_points, name_key, unreadable_points
from honnin.pki.index.segment import Segment
from honnin.pki.rfc5280.crl import ALL_REASONS

__all__ = ["Issuer", "Points", "Source", "utc"]

Points = bytes | str | Iterable[bytes | str] | None
CHECKED = 1 << 20  # octets: a segment up to this is checked as a whole at its first question, in half a millisecond
REMEMBERED = 10_000  # different distribution points whose cover is remembered; a country has two thousand


@dataclass(slots=True)
class Source:
    """A scope of the manifest with its mapped segment and the proof that an answer from it carries."""

    scope: Scope
    segment: Segment
    this_update: datetime
    next_update: datetime | None
    proof: dict[str, Any]
    checked: bool = False

    def fresh(self, at: datetime) -> bool:
        """Tell whether the CRL may be used at a moment."""
        return self.this_update <= at and (self.next_update is None or at <= self.next_update)

    def intact(self) -> bool:
        """Tell whether the segment's octets are still those that were written."""
        return hashlib.sha256(self.segment.octets).hexdigest() == self.scope.checksum


Cover = tuple[tuple[Source, int], ...]


class Issuer:
    """The sources of one issuer key. May be shared by threads: what two of them make at once is the same."""

    def __init__(self, folder: Path, outline: Outline, mark: object, earlier: "Issuer | None" = None) -> None:
        self.folder = folder
        self.outline = outline
        self.mark = mark
        self.name = bytes.fromhex(outline.issuer)
        self._name_key = name_key(self.name)
        self.mapped: dict[str, mmap.mmap] = {}
        if earlier is not None:
            packs = {scope.pack for scope in outline.whole().scopes}
            self.mapped = {pack: mapped for pack, mapped in list(earlier.mapped.items()) if pack in packs}
        self._sources: dict[int, Source] = {}
        self._covers: dict[Any, Cover] = {}

    def covering(self, points: Points, *, ca: bool) -> Cover:
        """Return the sources that are about a certificate with these distribution points, and for which reasons."""
        try:
            key = points if points is None or isinstance(points, bytes | str) else tuple(points)
            known = self._covers.get((key, ca))
        except TypeError as error:
            raise unreadable_points() from error
        if known is None:
            known = self._cover(() if key is None else certificate_points(key, self.name), ca=ca)
            if len(self._covers) < REMEMBERED:
                self._covers[key, ca] = known
        return known

    def _cover(self, points: Sequence[Point], *, ca: bool) -> Cover:
        rows = {*self.outline.rows(""), *self.outline.rows(self._name_key)}
        for point in points:
            for name in point.names:
                rows.update(self.outline.rows(name))
        kinds = {"all", "ca" if ca else "user"}
        scopes = [(row, self.outline.scope(row)) for row in sorted(rows)]
        found = [(row, self._reasons(scope, points)) for row, scope in scopes if scope.kind in kinds]
        return tuple((self._believed(row), reasons) for row, reasons in found if reasons)

    def _believed(self, row: int) -> Source:
        """Return a source that may answer. Raises FormatError `index.torn` as `source`, and for a small damaged one."""
        source = self.source(row)
        if not source.checked and source.scope.length <= CHECKED:
            if not source.intact():
                raise FormatError("index.torn", "A segment's octets are not those written.", next="Build it again.")
            source.checked = True
        return source

    def _reasons(self, scope: Scope, points: Sequence[Point]) -> int:
        """Return the reasons (named bits) for which a scope is about a certificate with these points, 0 for none."""
        reasons = ALL_REASONS if scope.reasons is None else scope.reasons & ALL_REASONS
        covered = 0
        for point in points:
            if point.crl_issuers is None:
                about = scope.signer is None
            else:
                about = scope.indirect and (scope.signer_name or self._name_key) in point.crl_issuers
            if about and (not scope.names or not point.names.isdisjoint(scope.names)):
                covered |= reasons & (ALL_REASONS if point.reasons is None else point.reasons)
        if scope.signer is None and (not scope.names or self._name_key in scope.names):
            return reasons  # a list of the issuer that no distribution point need name (end of §6.3.3)
        return covered

    def every(self) -> Iterable[Source]:
        """Return all sources, whatever they cover."""
        return (self.source(row) for row in range(len(self.outline)))

    def source(self, row: int) -> Source:
        """Map one scope. Raises FormatError `index.torn` when its file is gone or shorter than the manifest says."""
        known = self._sources.get(row)
        if known is None:
            scope = self.outline.scope(row)
            known = self._sources[row] = Source(
                scope=scope,
                segment=Segment(self._map(scope), scope.offset, scope.layout),
                this_update=utc(scope.this_update),
                next_update=None if scope.next_update is None else utc(scope.next_update),
                proof=_proof(scope),
            )
        return known

    def _map(self, scope: Scope) -> mmap.mmap | bytes:
        mapped = self.mapped.get(scope.pack)
        if mapped is None:
            try:
                with (self.folder / scope.pack).open("rb") as pack:
                    if not os.fstat(pack.fileno()).st_size and not scope.length:
                        return b""
                    mapped = self.mapped[scope.pack] = mmap.mmap(pack.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise FormatError(
                    "index.torn", "A segment's file is missing or empty.", next="Build the index again."
                ) from error
        if len(mapped) < scope.offset + scope.length or scope.length != scope.layout.columns()[1]:
            raise FormatError(
                "index.torn", "A segment's file is shorter than its manifest says.", next="Build it again."
            )
        return mapped


def utc(seconds: int) -> datetime:
    """Return the moment that is so many seconds after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _proof(scope: Scope) -> dict[str, Any]:
    return {
        "kind": "crl",
        "number": scope.number,
        "this_update": utc(scope.this_update).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "next_update": None if scope.next_update is None else utc(scope.next_update).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "crl_sha256": scope.crl,
    }
