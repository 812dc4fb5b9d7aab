"""The report of a verification: a verdict with its signers and facts (CONTRACTS: Verdicts, `honnin.verify`).

What a service provider may see of it is `to_json`: indications, checks, kinds and times of sources; never a
certificate, a serial or revocation data (DESIGN, Evidence). Words for the person stand in `words/verdict.json`.
"""

from datetime import datetime
from typing import Any

import msgspec

from honnin.identity.four_items import FourItems
from honnin.pki.facts import Facts
from honnin.pki.verdict import Check, Indication, Verdict
from honnin.words import in_all

__all__ = ["Report", "RevocationSeen", "SignerReport", "TimeStampReport", "words_for"]


class RevocationSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How revocation of the signer's certificate was told: state, kind of source (`ocsp`, `crl`) and its time."""

    state: str
    source: str | None = None
    this_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str | None = None


class TimeStampReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The judgement of one time stamp: the time it states, what it is over, and whether it proves anything."""

    time: datetime | None
    over: str
    indication: Indication
    sub_indication: str | None
    reason: str


class SignerReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The judgement of one signature.

    algorithm, hash, shape: what was recorded of the value (facts.SignatureFacts).
    purpose, carrier: by the certificate's policy OID, None for certificates of another PKI.
    signing_time: claimed by the signer, proof of nothing.
    existed_at: the moment at which this signature is proved to have existed; by a time stamp, or as the caller knows.
    coverage: for a PDF, `whole_file` or `revision`; a revision is followed by permitted changes alone.
    """

    indication: Indication
    sub_indication: str | None
    reason: str
    checks: tuple[Check, ...]
    algorithm: str | None = None
    hash: str | None = None
    shape: str | None = None
    purpose: str | None = None
    carrier: str | None = None
    signing_time: datetime | None = None
    revocation: RevocationSeen | None = None
    existed_at: datetime | None = None
    coverage: str | None = None
    time_stamps: tuple[TimeStampReport, ...] = ()
    four_items: FourItems | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what may be shown of the signer; the four items are not in it."""
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, four_items=None))
        del shown["four_items"]
        if not self.time_stamps:
            del shown["time_stamps"], shown["existed_at"]
        if self.coverage is None:
            del shown["coverage"]
        return shown


class Report(Verdict, frozen=True, kw_only=True):
    """A verdict on a signature or on all signatures of a file.

    existed_at: the moment at which the signature is proved to have existed, None where nothing proves it.
    signers: one judgement each; the report's own indication is the worst of them.
    four_items: the signer's, only where a single signer passed and the certificate carries them.
    facts: storable, without personal data; `judge(facts, policy)` gives this report again.
    """

    existed_at: datetime | None = None
    policy: str
    signers: tuple[SignerReport, ...] = ()
    four_items: FourItems | None = None
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of CONTRACTS with policy and signers; no certificate, no personal data."""
        return {
            **super().to_json(),
            "existed_at": self.existed_at.isoformat().replace("+00:00", "Z") if self.existed_at else None,
            "policy": self.policy,
            "signers": [signer.to_json() for signer in self.signers],
        }

    def words(self) -> dict[str, str]:
        """Return the outcome and what to do next, in words for the person, by language."""
        return words_for(self.indication, self.sub_indication)


def words_for(indication: str, sub_indication: str | None) -> dict[str, str]:
    """Return the sentence for an indication in every language."""
    name = indication.lower().replace("-", "_")
    return in_all(f"verdict.{name}.{sub_indication}" if sub_indication else f"verdict.{name}")
