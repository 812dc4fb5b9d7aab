"""What changed between two revocation indexes: certificates that ended, whose reason changed, that came off hold.

Both sides are sorted columns, so the difference is a merge; its cost follows the entries, not their product.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from honnin.pki.index.reading import RevocationIndex

__all__ = ["Change", "Diff", "difference"]

HOLD = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One certificate whose entry differs: CRLReason before and after, None where it has no entry or no reason."""

    issuer_key_id: bytes
    serial: int
    before: int | None
    after: int | None


@dataclass(slots=True)
class Diff:
    """What changed, certificate by certificate.

    ended: newly listed. changed: listed on both sides with another reason. released: listed as on hold, no longer
    listed. removed: listed otherwise, no longer listed (an expired certificate that left the CRL).
    """

    ended: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    released: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in ("ended", "changed", "released", "removed")}

    def to_json(self) -> dict[str, Any]:
        """Counts, and the serials (hex) by issuer key id."""
        return {
            "counts": self.counts,
            **{
                name: [
                    {
                        "issuer_key_id": change.issuer_key_id.hex(),
                        "serial": f"{change.serial:x}",
                        "before": change.before,
                        "after": change.after,
                    }
                    for change in getattr(self, name)
                ]
                for name in ("ended", "changed", "released", "removed")
            },
        }


def difference(old: "RevocationIndex", new: "RevocationIndex") -> Diff:
    """Compare all issuers of two indexes."""
    diff = Diff()
    for key_id in sorted({*old.issuers(), *new.issuers()}):
        before, before_wide = _entries(old, key_id)
        after, after_wide = _entries(new, key_id)
        _merge(diff, key_id, before, after)
        for serial in sorted({*before_wide, *after_wide}):
            _note(diff, key_id, serial, before_wide.get(serial), after_wide.get(serial))
    return diff


Narrow = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]


def _entries(index: "RevocationIndex", key_id: bytes) -> tuple[Narrow, dict[int, int]]:
    """All entries of an issuer: sorted narrow serials with reasons, and wide serials with theirs."""
    serials, reasons, wide = [], [], {}
    for source in index.sources(key_id):
        segment = source.segment
        narrow = segment.array("narrow")
        serials.append(narrow.astype(np.uint64))
        reasons.append(segment.array("reasons")[: len(narrow)])
        for row in range(len(narrow), len(segment)):
            wide[segment.serial(row)] = segment.reasons[row]
    if not serials:
        return (np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint8)), wide
    serial, reason = np.concatenate(serials), np.concatenate(reasons)
    serial, first = np.unique(serial, return_index=True)
    return (serial, reason[first]), wide


def _merge(diff: Diff, key_id: bytes, before: Narrow, after: Narrow) -> None:
    both, at_before, at_after = np.intersect1d(before[0], after[0], assume_unique=True, return_indices=True)
    differs = before[1][at_before] != after[1][at_after]
    gone = np.ones(len(before[0]), dtype=bool)
    gone[at_before] = False
    fresh = np.ones(len(after[0]), dtype=bool)
    fresh[at_after] = False
    for serial, reason in zip(after[0][fresh].tolist(), after[1][fresh].tolist(), strict=True):
        _note(diff, key_id, serial, None, reason)
    for serial, old, new in zip(
        both[differs].tolist(),
        before[1][at_before][differs].tolist(),
        after[1][at_after][differs].tolist(),
        strict=True,
    ):
        _note(diff, key_id, serial, old, new)
    for serial, reason in zip(before[0][gone].tolist(), before[1][gone].tolist(), strict=True):
        _note(diff, key_id, serial, reason, None)


def _note(diff: Diff, key_id: bytes, serial: int, before: int | None, after: int | None) -> None:
    """File one change; reason 255 means that the entry gives none."""
    change = Change(key_id, serial, None if before == 255 else before, None if after == 255 else after)
    if before is None:
        diff.ended.append(change)
    elif after is None:
        (diff.released if before == HOLD else diff.removed).append(change)
    elif before != after:
        diff.changed.append(change)
