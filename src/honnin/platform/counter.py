"""What remains of a check at the counter: one record in the log, and personal data only where a law asks for them.

By default a record holds time, place, terminal, staff and what identifies the reading without personal data (of a
My Number Card the eight digits of verification number B without the birth date, as the official app keeps them). Where
the purpose's law demands a verification record and the check passed by a method of that law, the record is made in the
same transaction (`honnin.platform.records`), with what was read sealed under the record's own key until its last day. A
check that did not pass leaves no personal data, whatever the purpose.

Staff, place and terminal stand in the tenant's row; the log, which is never erased, has commitments to them.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select

from honnin.errors import NotFoundError
from honnin.platform import outbox
from honnin.platform.clock import japanese_day, moment
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.record import Circumstances, add_record, build_record
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import new_id
from honnin.platform.models import Tenant, VerdictAnswer
from honnin.platform.records import Records, record_law
from honnin.platform.records.at_counter import CounterFacts, method_of
from honnin.platform.store import Store, schema
from honnin.platform.tenants import log_of, standing
from honnin.words import say

__all__ = ["Counter", "CounterCheck", "CounterReading", "judge"]

Standing = Literal["not_asked", "good", "revoked", "unknown", "failed"]
DEFAULT_RETENTION = "default"
STANDING: Final = {
    "not_asked": ("not_checked", "proof.standing_not_asked"),
    "good": ("passed", "proof.standing_good"),
    "revoked": ("failed", "proof.standing_revoked"),
    "unknown": ("not_checked", "proof.standing_unknown"),
    "failed": ("failed", "proof.standing_failed"),
}
TOLD = ("document", "purpose", "law", "method", "record", "verification")  # by the event
FULL, OPENING = "counter_full", "counter_opening"


class CounterReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the counter hands over when the clerk has confirmed.

    kept: identifies the reading without personal data. same_person: what the clerk saw of face and card.
    checks: `{"id", "result", "reason", "code"}` in order; the code is the key of the reason's words.
    full: what was read (JSON), sealed where `law` is given.
    date_by: `staff` where the chip holds no date of expiry and staff read it on the document.
    standing: of the JPKI certificates behind the card, where the customer consented.
    verification: the check that asked for it.
    document_words, person, stated: what the law's record says (`CounterFacts`).
    """

    document: str
    purpose: str
    staff: str
    place: str
    terminal: str
    staff_id: str | None = None
    terminal_id: str | None = None
    kept: str
    authentic: Literal["verified", "failed", "not_verifiable"]
    current: Literal["current", "expired", "not_told"]
    date_by: Literal["chip", "staff"] = "chip"
    same_person: bool
    standing: Standing = "not_asked"
    verification: str | None = None
    checks: tuple[dict[str, str], ...]
    law: str | None = None
    full: bytes = b""
    document_words: str = ""
    person: dict[str, str] = {}
    stated: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"CounterReading({self.document!r}, {self.authentic!r})"


class CounterCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded check at the counter, without personal data of the customer.

    staff, staff_id, place, terminal, terminal_id: who made it and where, by the sign-in (`honnin.platform.staff`).
    law: the law that asks for a record. method: by which of its methods the check is one, None where it did not pass or
    the document alone is not enough; article: where that method stands in the law as it was on that day.
    record: the id of its verification record; full: whether what was read is sealed with it.
    """

    id: str
    livemode: bool
    created_at: datetime
    document: str
    purpose: str
    staff: str
    place: str
    terminal: str
    staff_id: str | None = None
    terminal_id: str | None = None
    kept: str
    authentic: str
    current: str
    same_person: bool
    standing: Standing = "not_asked"
    verification: str | None = None
    verdict: VerdictAnswer
    evidence: str
    law: str | None
    full: bool
    method: str | None = None
    article: str | None = None
    record: str | None = None
    object: Literal["counter_check"] = "counter_check"


@dataclass(frozen=True, slots=True)
class Counter:
    """Records checks at the counter, and finds them."""

    store: Store
    sealer: Sealer
    records: Records

    def record(self, tenant: Tenant, reading: CounterReading, *, at: datetime) -> CounterCheck:
        """Write one check with its evidence record in one transaction; durable when it returns."""
        made, label = _made(tenant, reading, at)
        return self.store.write(lambda db: self._write(db, tenant, reading, made, label), tenant=tenant.id)

    def foreseen(self, tenant: Tenant, reading: CounterReading, *, at: datetime) -> CounterCheck:
        """Return the check that a reading would make, of which nothing is written; its ids are nobody's."""
        return _made(tenant, reading, at)[0]

    def page(
        self, tenant_id: str, *, after: str | None = None, limit: int = 20
    ) -> tuple[tuple[CounterCheck, ...], bool]:
        """Return up to `limit` checks, newest first, and whether more follow.

        after: the last check that was seen. Raises NotFoundError `counter.check_unknown`.
        """
        table = schema.counter_checks
        query = select(table.c.body).where(table.c.tenant_id == tenant_id)
        with self.store.read() as db:
            if after is not None:
                seen = select(table.c.created_at).where(table.c.tenant_id == tenant_id, table.c.check_id == after)
                last = db.execute(seen).scalar()
                if last is None:
                    raise _unknown()
                earlier = (table.c.created_at == last) & (table.c.check_id < after)
                query = query.where((table.c.created_at < last) | earlier)
            order = (table.c.created_at.desc(), table.c.check_id.desc())
            bodies = db.execute(query.order_by(*order).limit(limit + 1)).scalars().all()
        found = tuple(msgspec.json.decode(body, type=CounterCheck) for body in bodies[:limit])
        return found, len(bodies) > limit

    def check(self, tenant_id: str, check_id: str) -> CounterCheck:
        """Return one check. Raises NotFoundError `counter.check_unknown`."""
        table = schema.counter_checks
        with self.store.read() as db:
            body = db.execute(
                select(table.c.body).where(table.c.tenant_id == tenant_id, table.c.check_id == check_id)
            ).scalar()
        if body is None:
            raise _unknown()
        return msgspec.json.decode(body, type=CounterCheck)

    def full(self, tenant_id: str, check_id: str) -> bytes:
        """Return what was read, as sealed for the law. Raises GoneError `evidence.gone` where nothing is kept."""
        record = self.check(tenant_id, check_id).record
        with self.store.read() as db:
            return self.sealer.open(db, tenant_id, record or check_id, FULL)

    def _write(
        self, db: Connection, tenant: Tenant, reading: CounterReading, made: CounterCheck, label: str | None
    ) -> CounterCheck:
        key, now = secrets.token_bytes(KEY_SIZE), moment(made.created_at)
        inputs = {
            name: getattr(reading, name).encode("utf-8") for name in ("purpose", "staff", "place", "terminal", "kept")
        }
        if made.full:
            inputs["read"] = reading.full
        commitments = commit_all(key, {**inputs, "verdict": msgspec.json.encode(made.verdict)})
        log_id = log_of(db, tenant.id)
        about = Circumstances(
            log_id=log_id,
            evidence_id=made.evidence,
            verification_id=made.id,
            tenant=tenant,
            at=now,
            channel="in_person",
            device="counter_terminal",
            covers="chip",
            document_kind=reading.document,
            certificate_kind=None,
            verifier_status=standing(tenant).status_on(japanese_day(made.created_at)),
            client="counter",
        )
        add_record(db, about, build_record(about, made.verdict, None, None, commitments))
        if made.law and made.method:
            facts = CounterFacts(
                check=made.id,
                evidence=made.evidence,
                created_at=made.created_at,
                document=reading.document_words,
                staff=reading.staff,
                method=made.method,
                label=label,
                person=reading.person,
                stated=reading.stated,
            )
            custody = {FULL: reading.full, OPENING: key} if made.full else {}
            made = msgspec.structs.replace(
                made, record=self.records.make_at_counter(db, tenant.id, made.law, facts, custody)
            )
        db.execute(
            insert(schema.counter_checks).values(
                tenant_id=tenant.id,
                check_id=made.id,
                created_at=now,
                evidence_id=made.evidence,
                body=msgspec.json.encode(made).decode(),
            )
        )
        self.sealer.seal(db, tenant.id, made.id, OPENING, key, subject=made.id, retention=DEFAULT_RETENTION, now=now)
        told = {
            "counter_check": made.id,
            "indication": made.verdict.indication,
            **{
                name: getattr(made, name) for name in ("document", "purpose", "law", "method", "record", "verification")
            },
        }
        outbox.append(db, tenant.id, "counter_check.completed", told, now)
        return made


def _unknown() -> NotFoundError:
    return NotFoundError("counter.check_unknown", "There is no such check.", next="Look at the list.")


def _made(tenant: Tenant, reading: CounterReading, at: datetime) -> tuple[CounterCheck, str | None]:
    """Return the check, without its record, and the letter of its method."""
    verdict = judge(reading, at)
    passed = verdict.indication == "PASSED"
    method = method_of(reading.law, reading.document, at, standing(tenant)) if reading.law and passed else None
    made = CounterCheck(
        id=new_id("cch"),
        livemode=tenant.livemode,
        created_at=at,
        document=reading.document,
        purpose=reading.purpose,
        staff=reading.staff,
        place=reading.place,
        terminal=reading.terminal,
        staff_id=reading.staff_id,
        terminal_id=reading.terminal_id,
        kept=reading.kept,
        authentic=reading.authentic,
        current=reading.current,
        same_person=reading.same_person,
        standing=reading.standing,
        verification=reading.verification,
        verdict=verdict,
        evidence=new_id("evd"),
        law=reading.law,
        full=bool(method and reading.full and _keeps(reading.law)),
        method=method.id if method else None,
        article=f"{method.article}{method.label or ''}" if method else None,
    )
    return made, method.label if method else None


def _keeps(law: str | None) -> bool:
    """Tell whether a law's record is kept with what proves the check."""
    return law is not None and record_law(law).evidence == "signed_data_and_certificate"


def judge(reading: CounterReading, at: datetime) -> VerdictAnswer:
    """Judge a reading: authentic, then current, then in force, then whether the clerk saw one and the same person."""
    dated = {"current": "passed", "expired": "failed", "not_told": "not_checked"}[reading.current]
    checks = (
        *reading.checks,
        _check("current", dated, "proof.date_on_chip" if reading.date_by == "chip" else "proof.date_on_face"),
        _check("revocation", *STANDING[reading.standing]),
        _check("same_person", "passed" if reading.same_person else "failed", "proof.staff_compared"),
    )
    indication: Literal["PASSED", "FAILED", "INDETERMINATE"] = "FAILED"
    sub, reason = None, "Staff did not recognise the person of the document."
    if reading.authentic == "failed":
        sub = "SIG_CRYPTO_FAILURE"
        reason = next(check["reason"] for check in reading.checks if check["result"] == "failed")
    elif reading.authentic == "not_verifiable":
        indication, sub = "INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"
        reason = "No proof over the data leads to an issuer that is trusted here."
    elif reading.current == "expired":
        sub, reason = "EXPIRED", "The document has passed its last day."
    elif reading.standing in {"revoked", "failed"}:
        sub = "REVOKED" if reading.standing == "revoked" else "SIG_CRYPTO_FAILURE"
        reason = say(STANDING[reading.standing][1], "en")
    elif reading.same_person:
        indication, reason = "PASSED", "The data are authentic, and staff recognised the person."
    return VerdictAnswer(indication=indication, sub_indication=sub, reason=reason, at=at, checks=checks)


def _check(name: str, result: str, code: str) -> dict[str, str]:
    return {"id": name, "result": result, "reason": say(code, "en"), "code": code}
