"""The shapes of judgement: `Check`, `Verdict`, `Status` (CONTRACTS: Verdicts; names of ETSI EN 319 102-1 v1.4.1 §5.1).

A verdict is an indication with a reason and the ordered checks, never a boolean. The table that turns a situation into
an indication is data: `verdicts.json` beside this module.
"""

import json
from datetime import datetime
from functools import cache
from pkgutil import get_data
from typing import Any, Literal

import msgspec

__all__ = ["Check", "Indication", "Result", "Situation", "Status", "Verdict", "situation"]

Indication = Literal["TOTAL-PASSED", "PASSED", "TOTAL-FAILED", "FAILED", "INDETERMINATE"]
Result = Literal["passed", "failed", "not_checked"]

EXIT_CODES: dict[Indication, int] = {
    "TOTAL-PASSED": 0,
    "PASSED": 0,
    "TOTAL-FAILED": 1,
    "FAILED": 1,
    "INDETERMINATE": 2,
}


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a judgement: a stable id, how it ended and why. `source` says where its input came from."""

    id: str
    result: Result
    reason: str = msgspec.field(default_factory=str)  # written even when empty, unlike `source`
    source: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An indication with its reason and the ordered checks, judged for the moment `at` (UTC).

    path: the chosen certificates (DER), target first, anchor last; empty when none was found.
    policies: the user-constrained policy set (RFC 5280 §6.1.6), dotted OIDs.
    """

    indication: Indication
    sub_indication: str | None = None
    reason: str
    at: datetime
    checks: tuple[Check, ...] = ()
    path: tuple[bytes, ...] = ()
    policies: frozenset[str] = frozenset()

    @property
    def exit_code(self) -> int:
        """Exit status of a command that ends with this verdict."""
        return EXIT_CODES[self.indication]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of CONTRACTS; certificates are left out."""
        return {
            "indication": self.indication,
            "sub_indication": self.sub_indication,
            "reason": self.reason,
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "checks": msgspec.to_builtins(self.checks),
        }


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What revocation data say of one certificate.

    state: `good`, `revoked` or `unknown`; `unknown` never becomes `good`.
    reason: CRLReason name (RFC 5280 §5.3.1) when revoked; a sentence why it could not be told when unknown.
    revoked_at: UTC, from when the revocation counts: the invalidity date where a lost key has an earlier one; None
        unless revoked.
    proof: kind (`crl`, `ocsp`), this_update, next_update and number or responder of the data that decided.
    """

    state: Literal["good", "revoked", "unknown"]
    reason: str | None = None
    revoked_at: datetime | None = None
    proof: dict[str, Any] | None = None


class Situation(msgspec.Struct, frozen=True):
    """A row of the verdict table: what an outcome is called for a path and for a signature."""

    path: tuple[Indication, str | None]
    signature: tuple[Indication, str | None]


@cache
def situation(name: str) -> Situation:
    """Return the row of the verdict table for a situation. Raises KeyError for an unknown name."""
    table = json.loads(get_data("honnin.pki", "verdicts.json") or b"")
    return msgspec.convert(table["situations"][name], Situation)
