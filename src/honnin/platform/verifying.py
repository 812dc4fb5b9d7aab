"""Making a check and recording it: verdict, person, evidence, event and sealed data in one transaction.

    1. The law's gate, before any work.               4. The person, by J-LIS's links (asked before the transaction).
    2. An answer given before under the same key.     5. One transaction: all of it, or nothing.
    3. The check itself (`checking`).                 6. The answer, with the four items once.

A check that did not pass is recorded all the same; its four items are withheld and nothing of the person is kept but
what opens the record's commitments.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, bindparam, insert, select

from honnin.errors import GoneError, NotFoundError
from honnin.pki import Facts
from honnin.platform import linking, outbox
from honnin.platform.checking import Gate, Judged, check, four_items_answer, law_answer, open_gate
from honnin.platform.clock import japanese_day, moment
from honnin.platform.customers import keep_customer
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.custody import Custody, Opening, small_revocation
from honnin.platform.evidence.record import Circumstances, build_record
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.idempotency import Binding, bind, recall
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    Attribute,
    Tenant,
    Verification,
    VerificationAnswer,
    VerificationPage,
    VerificationRequest,
)
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared
from honnin.platform.submission import Submission, read_submission
from honnin.platform.tenants import allowed_attributes, log_of, standing

__all__ = ["Verifier", "find_evidence", "find_verification", "list_verifications"]

_ADD_VERIFICATION = Prepared(insert(schema.verifications))
_ADD_EVIDENCE = Prepared(
    insert(schema.evidence).values(
        {name: bindparam(name) for name in ("tenant_id", "evidence_id", "log_id", "created_at", "record")}
    )
)
DEFAULT_RETENTION = "default"
DOCUMENT_KINDS = {"card": "my_number_card", "mobile": "mobile_certificate"}


@dataclass(frozen=True, slots=True, repr=False)
class _Made:
    """A check on its way into the store."""

    tenant: Tenant
    request: VerificationRequest
    brought: Submission
    gate: Gate
    judged: Judged
    at: datetime
    kin: linking.Kin | None
    client: str
    id: str = field(default_factory=lambda: new_id("ver"))
    evidence_id: str = field(default_factory=lambda: new_id("evd"))


@dataclass(frozen=True, slots=True)
class Verifier:
    """Makes and records checks."""

    store: Store
    keys: Keyring
    sealer: Sealer

    def verify(
        self,
        mode: Mode,
        tenant: Tenant,
        request: VerificationRequest,
        *,
        idempotency_key: str | None = None,
        session_id: str | None = None,
        allowed: tuple[Attribute, ...] | None = None,
        also: Callable[[Connection, VerificationAnswer], None] | None = None,
    ) -> VerificationAnswer:
        """Make one check and return its answer once it is durable.

        allowed: attributes that may be given, at most the tenant's; none when empty.
        also: further writes of the same transaction.
        Raises what `read_submission`, `open_gate` and `check` raise, StateError `verification.idempotency_conflict`.
        """
        at = mode.clock()
        brought = read_submission(request)
        # 1.
        gate = open_gate(tenant, request, at=at, digest_only=brought.covers == "digest")
        # 2.
        binding = None
        if idempotency_key is not None:
            binding = Binding.of(self.keys, tenant.id, "verifications", idempotency_key, request)
            with self.store.read() as db:
                before = recall(db, self.sealer, binding, at=at)
            if before is not None:
                return msgspec.json.decode(before, type=VerificationAnswer)
        # 3. and 4.
        judged = check(mode, tenant, gate, request, brought)
        kin = self._kin(mode, tenant, judged, at)
        made = _Made(tenant, request, brought, gate, judged, at, kin, client=session_id or "api")

        def work(db: Connection) -> VerificationAnswer:
            # 5.
            if binding is not None and (earlier := recall(db, self.sealer, binding, at=at)) is not None:
                return msgspec.json.decode(earlier, type=VerificationAnswer)
            answer = self._record(db, made, session_id, tenant.attributes if allowed is None else allowed)
            if binding is not None:
                bind(db, self.sealer, binding, made.id, msgspec.json.encode(answer), at=at)
            if also is not None:
                also(db, answer)
            body = {"verification": made.id, "indication": answer.verdict.indication, "session": session_id}
            outbox.append(db, tenant.id, "verification.completed", body, moment(at))
            return answer

        # 6.
        return self.store.write(work, tenant=tenant.id)

    def _kin(self, mode: Mode, tenant: Tenant, judged: Judged, at: datetime) -> linking.Kin | None:
        certificate = judged.report.facts.signers[0].certificate if judged.report.facts.signers else None
        if not judged.passed or certificate is None or certificate.issuer_key_id is None:
            return None
        key = (certificate.issuer_key_id, int(certificate.serial, 16))
        with self.store.read() as db:
            if linking.known_person(db, tenant.id, linking.link_tag(self.keys, tenant.id, *key)):
                return linking.Kin((key,), settled=True)
        return linking.learn_kin(mode.services.links, *key, at=at)

    def _record(
        self, db: Connection, made: _Made, session_id: str | None, allowed: tuple[Attribute, ...]
    ) -> VerificationAnswer:
        person, status = self._person(db, made)
        judged, tenant = made.judged, made.tenant
        body = Verification(
            id=made.id,
            livemode=tenant.livemode,
            created_at=made.at,
            purpose=made.request.purpose,
            channel=made.request.channel,
            verdict=judged.verdict,
            law=law_answer(judged.law),
            revocation=judged.revocation,
            evidence=made.evidence_id,
            session=session_id,
            messages=judged.report.words(),
        )
        _ADD_VERIFICATION.run(
            db,
            tenant_id=tenant.id,
            verification_id=made.id,
            created_at=moment(made.at),
            body=msgspec.json.encode(body).decode(),
            person_id=person,
            person_status=status,
            evidence_id=made.evidence_id,
            session_id=session_id,
        )
        self._keep(db, made, body, person)
        shown = allowed_attributes(tenant, allowed)
        items = four_items_answer(judged.report.four_items, shown, on=made.gate.on) if judged.passed else None
        answer = VerificationAnswer(
            **{**msgspec.structs.asdict(body), "person": person, "person_status": status},
            four_items=items,
        )
        if (certificate := _certificate_for(made)) is not None:
            answer = msgspec.structs.replace(answer, certificate=certificate)
        return answer

    def _person(self, db: Connection, made: _Made) -> tuple[str | None, Literal["linked", "pending", "none"]]:
        if made.kin is None:
            return None, "none"
        tenant_id, now = made.tenant.id, moment(made.at)
        tags = [linking.link_tag(self.keys, tenant_id, *key) for key in made.kin.certificates]
        if not made.kin.settled and linking.known_person(db, tenant_id, tags[0]) is None:
            linking.wait_for_link(db, tenant_id, tags[0], made.id)
            return None, "pending"
        person = linking.join_person(db, tenant_id, tags, now)
        keep_customer(db, self.keys, tenant_id, person, *made.kin.certificates[0])
        return person, "linked"

    def _keep(self, db: Connection, made: _Made, body: Verification, person: str | None) -> None:
        key, now, tenant = secrets.token_bytes(KEY_SIZE), moment(made.at), made.tenant
        inputs = {
            **made.brought.inputs(),
            "purpose": made.request.purpose.encode("utf-8"),
            "verdict": msgspec.json.encode(body.verdict),
        }
        if person is not None:
            inputs["person"] = person.encode("ascii")
        commitments = commit_all(key, inputs)
        log_id = log_of(db, tenant.id)
        about = Circumstances(
            log_id=log_id,
            evidence_id=made.evidence_id,
            verification_id=made.id,
            tenant=tenant,
            at=now,
            channel=made.request.channel,
            device=made.request.device,
            covers=made.brought.covers,
            document_kind=DOCUMENT_KINDS.get(made.judged.carrier or ""),
            certificate_kind=made.judged.purpose,
            verifier_status=standing(tenant).status_on(made.gate.on),
            client=made.client,
        )
        _ADD_EVIDENCE.run(
            db,
            tenant_id=tenant.id,
            evidence_id=made.evidence_id,
            log_id=log_id,
            created_at=now,
            record=build_record(about, body.verdict, body.revocation, made.judged.law, commitments),
        )
        self._seal(db, made, key, commitments, subject=person or made.id)

    def _seal(self, db: Connection, made: _Made, key: bytes, commitments: dict[str, str], *, subject: str) -> None:
        facts = made.judged.report.facts
        if "certificate" in commitments:
            facts = facts.with_commitments({0: commitments["certificate"]})
        opening = Opening(
            key=key,
            facts=facts.encode(),
            revocation=small_revocation(made.judged.learned.ocsp, made.judged.learned.crls),
            purpose=made.request.purpose,
        )
        parts: dict[str, Any] = {"opening": opening}
        if made.gate.custody and made.judged.passed:
            parts["custody"] = Custody(
                signed=made.brought.signed,
                content=made.brought.content,
                certificate=made.brought.certificate,
            )
        law = made.judged.law
        retention = law.retention if law is not None and law.retention and made.judged.passed else DEFAULT_RETENTION
        for kind, part in parts.items():
            self.sealer.seal(
                db,
                made.tenant.id,
                made.evidence_id,
                kind,
                msgspec.msgpack.encode(part),
                subject=subject,
                retention=retention,
                now=moment(made.at),
            )

    def settle(self, mode: Mode, tenant: Tenant, verification_id: str) -> None:
        """Ask J-LIS again for a pending check's person; nothing happens while it still does not know."""
        with self.store.read() as db:
            row = _row(db, tenant.id, verification_id)
            if row.person_status != "pending":
                return
            try:
                sealed = self.sealer.open(db, tenant.id, row.evidence_id, "opening")
            except GoneError:  # forgotten meanwhile: there is nobody left to find
                return
        opening = msgspec.msgpack.decode(sealed, type=Opening)
        certificate = Facts.decode(opening.facts).signers[0].certificate
        if certificate is None or certificate.issuer_key_id is None:
            return
        at = mode.clock()
        kin = linking.learn_kin(mode.services.links, certificate.issuer_key_id, int(certificate.serial, 16), at=at)
        if not kin.settled:
            return
        tags = [linking.link_tag(self.keys, tenant.id, *key) for key in kin.certificates]

        def work(db: Connection) -> None:
            person = linking.join_person(db, tenant.id, tags, moment(at))
            keep_customer(db, self.keys, tenant.id, person, *kin.certificates[0])

        self.store.write(work)


def find_verification(db: Connection, tenant_id: str, verification_id: str) -> Verification:
    """Return a check of a tenant. Raises NotFoundError `verification.unknown`."""
    return _verification(_row(db, tenant_id, verification_id))


def find_evidence(db: Connection, tenant_id: str | None, object_id: str) -> tuple[str, str]:
    """Return (tenant id, evidence id) for a check's id or an evidence id; of any tenant where none is given.

    Raises NotFoundError `evidence.unknown`.
    """
    table = schema.verifications
    query = select(table.c.tenant_id, table.c.evidence_id).where(
        (table.c.verification_id == object_id) | (table.c.evidence_id == object_id)
    )
    if tenant_id is not None:
        query = query.where(table.c.tenant_id == tenant_id)
    row = db.execute(query).one_or_none()
    if row is None:
        raise NotFoundError("evidence.unknown", "There is no such evidence.", next="Give the id of a verification.")
    return row.tenant_id, row.evidence_id


def list_verifications(db: Connection, tenant_id: str, *, after: str | None, limit: int) -> VerificationPage:
    """Return a page of a tenant's checks, newest first. Raises NotFoundError `verification.unknown`."""
    table = schema.verifications
    query = select(table).where(table.c.tenant_id == tenant_id)
    if after is not None:
        last = _row(db, tenant_id, after)
        query = query.where(
            (table.c.created_at < last.created_at)
            | ((table.c.created_at == last.created_at) & (table.c.verification_id < after))
        )
    rows = db.execute(query.order_by(table.c.created_at.desc(), table.c.verification_id.desc()).limit(limit + 1)).all()
    shown = tuple(_verification(row) for row in rows[:limit])
    return VerificationPage(data=shown, has_more=len(rows) > limit, next=shown[-1].id if shown else None)


def _row(db: Connection, tenant_id: str, verification_id: str) -> Any:
    table = schema.verifications
    row = db.execute(
        select(table).where(table.c.tenant_id == tenant_id, table.c.verification_id == verification_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("verification.unknown", "There is no such verification.", next="Check its id.")
    return row


def _verification(row: Any) -> Verification:
    body = msgspec.json.decode(row.body, type=Verification)
    return msgspec.structs.replace(body, person=row.person_id, person_status=row.person_status)


def _certificate_for(made: _Made) -> bytes | None:
    """Return the certificate for a tenant that may have it: a certified verifier, with its legal ground configured."""
    tenant = made.tenant
    entitled = tenant.certificate_ground and standing(tenant).status_on(japanese_day(made.at)) == "certified"
    return made.brought.certificate if entitled and made.judged.passed else None
