"""Making a check and recording it: verdict, person, evidence, event and sealed data in one transaction.

    1. The law's gate, before any work.               4. The person, by J-LIS's links (asked before the transaction).
    2. An answer given before under the same key.     5. One transaction: all of it, or nothing (`recording`).
    3. The check itself (`checking`).                 6. The answer, with the four items once.

A check that did not pass is recorded all the same; its four items are withheld and nothing of the person is kept but
what opens the record's commitments.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from honnin.connect.jlis import LinksAtHand, NotAtHandError
from honnin.errors import GoneError, NotFoundError
from honnin.pki import Facts
from honnin.platform import linking, outbox
from honnin.platform.checking import Judged, check, check_kind, learn, open_gate
from honnin.platform.clock import moment
from honnin.platform.customers import keep_customer
from honnin.platform.drafting import Made
from honnin.platform.erasing import hold_people
from honnin.platform.evidence.custody import Opening, small_revocation
from honnin.platform.evidence.packing import read_opening, shared_certificates
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.idempotency import Binding, recall, used
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    Attribute,
    Shown,
    Tenant,
    Verification,
    VerificationAnswer,
    VerificationPage,
    VerificationRequest,
)
from honnin.platform.recording import Recorder
from honnin.platform.services import Mode
from honnin.platform.showing import shown_at, shown_of
from honnin.platform.sitting import Sittings
from honnin.platform.store import Store, schema
from honnin.platform.submission import Submission, read_submission

__all__ = ["Verifier", "find_evidence", "find_shown", "find_verification", "list_verifications", "opened_shown"]


class Verifier:
    """Makes and records checks."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer) -> None:
        self.store = store
        self.keys = keys
        self.sealer = sealer
        self._recorder = Recorder(store, keys, sealer)
        self.sittings = Sittings(self._recorder)

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
        Raises what `read_submission`, `shown_at`, `open_gate` and `learn` raise, StateError
        `verification.idempotency_conflict`.
        """
        with self.store.turns:
            made = self._make(mode, tenant, request, idempotency_key, session_id, allowed)
            told = self.sittings.record(made) if isinstance(made, Made) and also is None else None
        if isinstance(made, VerificationAnswer):
            return made
        if told is not None:
            return told.result()

        def work(db: Connection) -> VerificationAnswer:
            answer, fresh = self._recorder.record_one(db, made)
            if fresh:
                if also is not None:
                    also(db, answer)
                outbox.append_many(db, tenant.id, [made.event], moment(made.at))
            return answer

        return self.store.write(work, tenant=tenant.id)

    def verify_soon(
        self,
        mode: Mode,
        tenant: Tenant,
        request: VerificationRequest,
        *,
        idempotency_key: str | None = None,
        waits: bool = True,
    ) -> "Future[VerificationAnswer]":
        """Make one check now and return where its answer will be once it is durable. Raises as `verify`.

        waits: whether outside services may be waited for; else NotAtHandError where they would be.
        """
        with self.store.turns:
            made = self._make(mode, tenant, request, idempotency_key, None, None, waits=waits)
            if not isinstance(made, VerificationAnswer):
                return self.sittings.record(made)
        told: Future[VerificationAnswer] = Future()
        told.set_result(made)
        return told

    def _make(
        self,
        mode: Mode,
        tenant: Tenant,
        request: VerificationRequest,
        idempotency_key: str | None,
        session_id: str | None,
        allowed: tuple[Attribute, ...] | None,
        *,
        waits: bool = True,
    ) -> Made | VerificationAnswer:
        """Make a check, or return the answer that was given before."""
        at = self.sittings.once(mode, mode.clock)
        brought = read_submission(request, mode.results)
        # 1.
        gate = open_gate(tenant, request, at=at, digest_only=brought.covers == "digest")
        certificate = brought.parsed
        check_kind(request, gate, certificate)
        # 2.
        binding = None
        if idempotency_key is not None:
            binding = Binding.of(self.keys, tenant.id, "verifications", idempotency_key, request)
            if used(self.store, binding, at=at):
                with self.store.read() as db:
                    before = recall(db, self.sealer, binding, at=at)
                if before is not None:
                    return msgspec.json.decode(before, type=VerificationAnswer)
        # 3.
        with self.store.turns.resting() if waits else nullcontext():
            shown = _shown(mode, brought, waits=waits)
            learned = learn(mode, certificate, at=at, waits=waits)
        judged = check(mode, tenant, gate, request, brought, certificate, learned, at=at)
        # 4.
        kin, tag = self._person(mode, tenant, judged, at, waits=waits)
        return Made(
            tenant=tenant,
            request=request,
            brought=brought,
            gate=gate,
            judged=judged,
            at=at,
            log_id=self._recorder.log_of(tenant.id),
            kin=kin,
            tag=tag,
            binding=binding,
            session_id=session_id,
            allowed=tenant.attributes if allowed is None else allowed,
            now=moment(at),
            lists=small_revocation(learned.crls),
            certificates=shared_certificates(judged.report.facts, learned.ocsp),
            shown=shown,
        )

    def _person(
        self, mode: Mode, tenant: Tenant, judged: Judged, at: datetime, *, waits: bool
    ) -> tuple[linking.Kin | None, str | None]:
        """Return the certificate's kin and the tenant's name for it; J-LIS is waited for only for somebody new."""
        certificate = judged.report.facts.signers[0].certificate if judged.report.facts.signers else None
        if not judged.passed or certificate is None or certificate.issuer_key_id is None:
            return None, None
        key = (certificate.issuer_key_id, int(certificate.serial, 16))
        tag = linking.link_tag(self.keys, tenant.id, *key)
        links = mode.services.links
        try:
            return linking.learn_kin(links and LinksAtHand(links), *key, at=at), tag
        except NotAtHandError:
            if linking.is_known(self.store, tenant.id, tag):
                return linking.Kin((key,), settled=True), tag
            if not waits:
                raise
        with self.store.turns.resting():
            return linking.learn_kin(links, *key, at=at), tag

    def settle(self, mode: Mode, tenant: Tenant, verification_id: str) -> None:
        """Ask J-LIS again for a pending check's person; nothing happens while it still does not know."""
        with self.store.read() as db:
            row = _row(db, tenant.id, verification_id)
            if row.person_status != "pending":
                return
            try:
                opening = read_opening(db, self.sealer, tenant.id, row.evidence_id)
            except GoneError:  # forgotten meanwhile: there is nobody left to find
                return
        certificate = Facts.decode(opening.facts).signers[0].certificate
        if certificate is None or certificate.issuer_key_id is None:
            return
        at = mode.clock()
        kin = linking.learn_kin(mode.services.links, certificate.issuer_key_id, int(certificate.serial, 16), at=at)
        if not kin.settled:
            return
        tags = [linking.link_tag(self.keys, tenant.id, *key) for key in kin.certificates]

        def work(db: Connection) -> None:
            hold_people(db, tenant.id)
            if _row(db, tenant.id, verification_id).person_status != "pending":
                return  # forgotten, or found, while J-LIS was asked
            person = linking.join_person(db, tenant.id, tags, moment(at))
            keep_customer(db, self.keys, tenant.id, person, *kin.certificates[0])

        self.store.write(work)


def _shown(mode: Mode, brought: Submission, *, waits: bool) -> Shown | None:
    if brought.opened is None or brought.submitted is None:
        return None
    return shown_at(mode, brought.opened, brought.submitted, brought.content, waits=waits)


def find_verification(db: Connection, tenant_id: str, verification_id: str) -> Verification:
    """Return a check of a tenant. Raises NotFoundError `verification.unknown`."""
    return _verification(_row(db, tenant_id, verification_id))


def find_evidence(db: Connection, tenant_id: str | None, object_id: str) -> tuple[str, str]:
    """Return (tenant id, evidence id) for the id of a check, a tap or a record; of any tenant where none is given.

    Raises NotFoundError `evidence.unknown`.
    """
    checks, at_counter = schema.verifications.c, schema.counter_checks.c
    files, taps, proof = schema.documents.c, schema.taps.c, schema.evidence.c
    row = None
    for tenant, made, evidence in (
        (checks.tenant_id, checks.verification_id, checks.evidence_id),
        (at_counter.tenant_id, at_counter.check_id, at_counter.evidence_id),
        (files.tenant_id, files.document_id, files.evidence_id),
        (taps.tenant_id, taps.tap_id, taps.evidence_id),
        (proof.tenant_id, proof.evidence_id, proof.evidence_id),  # of what is gone itself, as an old tap
    ):
        query = select(tenant, evidence).where((made == object_id) | (evidence == object_id))
        row = row or db.execute(query if tenant_id is None else query.where(tenant == tenant_id)).one_or_none()
    if row is None or row.evidence_id is None:
        raise NotFoundError("evidence.unknown", "There is no such evidence.", next="Give the id of a verification.")
    return row.tenant_id, row.evidence_id


def find_shown(db: Connection, sealer: Sealer, tenant_id: str, verification_id: str) -> Shown:
    """Return what the phone showed before the signature of a check.

    Raises NotFoundError `verification.unknown`, `evidence.not_shown`, GoneError `evidence.gone`.
    """
    row = _row(db, tenant_id, verification_id)
    return opened_shown(read_opening(db, sealer, tenant_id, row.evidence_id))


def opened_shown(opening: Opening) -> Shown:
    """Return what an opening says of the showing. Raises NotFoundError `evidence.not_shown`."""
    jws = opening.shown
    if jws is None:
        raise NotFoundError(
            "evidence.not_shown",
            "Nothing proves what was shown before this signature.",
            next="Only signatures through a service that shows words have such a proof.",
        )
    return shown_of(jws)


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
