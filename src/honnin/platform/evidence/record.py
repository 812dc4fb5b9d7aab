"""What one evidence record says (DESIGN, Evidence), and its rows: how a check was made and judged; of its inputs,
commitments only.

No personal data, no plain digest of a certificate or document, no serial, no free words: the purpose and the reasons of
the verdict are committed to like the inputs.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from honnin import __version__
from honnin.law import Decision
from honnin.platform.clock import moment
from honnin.platform.evidence import canonical, rfc9162
from honnin.platform.models import RevocationSeen, Tenant, VerdictAnswer, VerifierStatus
from honnin.platform.showing import Signing
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared

__all__ = ["Circumstances", "add_record", "build_record", "record_rows"]

FORMAT = "honnin-record/1"
_ADD = Prepared(insert(schema.evidence))
_WAIT = Prepared(insert(schema.log_waiting))


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """Under which circumstances a check was made.

    document_kind: what the person used: `my_number_card`, `mobile_certificate` or None where that is not known.
    client: who asked, an id: the session, or `api`. signing: how the Digital Authentication Service had it signed.
    """

    log_id: str
    evidence_id: str
    verification_id: str
    tenant: Tenant
    at: str
    channel: str
    device: str | None
    covers: str
    document_kind: str | None
    certificate_kind: str | None
    verifier_status: VerifierStatus
    client: str
    signing: Signing | None = None


def build_record(
    about: Circumstances,
    verdict: VerdictAnswer,
    revocation: RevocationSeen | None,
    law: Decision | None,
    commitments: dict[str, str],
) -> str:
    """Return the record as canonical JSON text."""
    record = {
        "format": FORMAT,
        "log_id": about.log_id,
        "evidence": about.evidence_id,
        "verification": about.verification_id,
        "tenant": about.tenant.id,
        "livemode": about.tenant.livemode,
        "at": about.at,
        "channel": about.channel,
        "device": about.device,
        "client": about.client,
        "covers": about.covers,
        "document_kind": about.document_kind,
        "certificate_kind": about.certificate_kind,
        "verifier_status": about.verifier_status,
        "signing": None if about.signing is None else msgspec.structs.asdict(about.signing),
        "software": f"honnin {__version__}",
        "commitments": {"algorithm": "HMAC-SHA-256", **commitments},
        "law": _law(law),
        "revocation": _revocation(revocation),
        "verdict": {
            "indication": verdict.indication,
            "sub_indication": verdict.sub_indication,
            "at": moment(verdict.at),
            "checks": [_check(check) for check in verdict.checks],
        },
    }
    return canonical.encode_texts(record).decode("utf-8")


def record_rows(about: Circumstances, record: str) -> list[tuple[Prepared, dict[str, Any]]]:
    """Return the rows of a record that waits for its number in the log."""
    mine = {"tenant_id": about.tenant.id, "evidence_id": about.evidence_id, "log_id": about.log_id}
    return [
        (_ADD, {**mine, "created_at": about.at, "record": record}),
        (_WAIT, {**mine, "leaf": rfc9162.leaf_hash(record.encode("utf-8"))}),
    ]


def add_record(db: Connection, about: Circumstances, record: str) -> None:
    """Write a record, which then waits for its number in the log."""
    for statement, row in record_rows(about, record):
        statement.run(db, **row)


def _law(law: Decision | None) -> dict[str, Any] | None:
    if law is None:
        return None
    return {
        "law": law.law,
        "method": law.method,
        "label": law.label,
        "revision": law.revision,
        "on": law.on.isoformat(),
        "status": law.status,
        "missing": list(law.missing),
    }


def _revocation(seen: RevocationSeen | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "status": seen.status,
        "source": seen.source,
        "checked_at": moment(seen.checked_at) if seen.checked_at else None,
    }


def _check(check: dict[str, Any]) -> dict[str, Any]:
    return {name: check[name] for name in ("id", "result", "source") if name in check}
