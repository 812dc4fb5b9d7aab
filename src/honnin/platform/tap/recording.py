"""Writing a tap's end: its row, its evidence record and what opens the record's commitments, in one transaction.

The record says how the tap was judged and by what kind of data; of certificate, chip's answer, terminal, staff, purpose
and person it has commitments alone (`evidence.commitments`).
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, update

from honnin.law import Decision
from honnin.platform.clock import japanese_day, moment
from honnin.platform.evidence.commitments import commit_all
from honnin.platform.evidence.record import Circumstances, add_record, build_record
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import new_id
from honnin.platform.models import RevocationSeen, Tenant, VerdictAnswer, VerificationAnswer
from honnin.platform.store import schema
from honnin.platform.tap.events import tell_registered, tell_tap
from honnin.platform.tap.judging import Ending
from honnin.platform.tap.models import Outcome
from honnin.platform.tenants import log_of, standing

__all__ = ["Ended", "TapBody", "write_ending", "write_registration"]

RETENTION = "default"
OPENING = "tap_opening"


class TapBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the row of an ended tap says besides its columns."""

    outcome: Outcome
    reason: str
    verdict: VerdictAnswer


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A tap that ends now. inputs: what is committed to, by role; person: of an accepted tap."""

    tap_id: str
    key: bytes
    outcome: Outcome
    reason: str
    verdict: VerdictAnswer
    revocation: RevocationSeen | None
    law: Decision | None
    commitments: dict[str, str]
    inputs: dict[str, bytes | None]
    person: str | None = None

    def __repr__(self) -> str:
        return f"Ended({self.tap_id}, {self.outcome})"


def write_ending(db: Connection, sealer: Sealer, tenant: Tenant, ended: Ended) -> None:
    """Write the end of a tap that the same transaction took."""
    table, now, evidence_id = schema.taps, moment(ended.verdict.at), new_id("evd")
    log_id = log_of(db, tenant.id)
    about = Circumstances(
        log_id=log_id,
        evidence_id=evidence_id,
        verification_id=ended.tap_id,
        tenant=tenant,
        at=now,
        channel="in_person",
        device="tap_terminal",
        covers="chip",
        document_kind="my_number_card",
        certificate_kind="user_authentication",
        verifier_status=standing(tenant).status_on(japanese_day(ended.verdict.at)),
        client="tap",
    )
    inputs = {**ended.inputs, "verdict": msgspec.json.encode(ended.verdict)}
    commitments = {**ended.commitments, **commit_all(ended.key, inputs)}
    add_record(db, about, build_record(about, ended.verdict, ended.revocation, ended.law, commitments))
    body = TapBody(outcome=ended.outcome, reason=ended.reason, verdict=ended.verdict)
    values: dict[str, Any] = {
        "status": "ended",
        "facts": None,
        "person_id": ended.person,
        "evidence_id": evidence_id,
        "body": msgspec.json.encode(body).decode(),
    }
    mine = (table.c.tenant_id == tenant.id) & (table.c.tap_id == ended.tap_id)
    db.execute(update(table).where(mine).values(**values))
    sealer.seal(db, tenant.id, ended.tap_id, OPENING, ended.key, subject=ended.tap_id, retention=RETENTION, now=now)
    tell_tap(db, tenant.id, ended.tap_id, ended.outcome, ended.reason, now)


def write_registration(db: Connection, tenant: Tenant, tap_id: str, ending: Ending, answer: VerificationAnswer) -> None:
    """Write how a registration ended; its evidence is that of the check with the PIN."""
    table = schema.taps
    body = TapBody(outcome=ending.outcome, reason=ending.reason, verdict=answer.verdict)
    person = answer.person if ending.outcome == "accepted" else None
    mine = (table.c.tenant_id == tenant.id) & (table.c.tap_id == tap_id)
    db.execute(update(table).where(mine).values(body=msgspec.json.encode(body).decode(), person_id=person))
    now = moment(answer.created_at)
    if person is not None:
        tell_registered(db, tenant.id, tap_id, person, answer.id, now)
    else:
        tell_tap(db, tenant.id, tap_id, ending.outcome, ending.reason, now, registration=True)
