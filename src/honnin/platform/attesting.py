"""Logins that the Digital Authentication Service attests: recorded as checks, and known again.

The agency verifies the card's answer and asks J-LIS for the certificate (digital-agency-apis.md §1.2); what is judged
here is its ID token, by `connect.digital_auth`, before anything comes to this module. No certificate and no serial
number reaches us, so J-LIS cannot link the person: they are known by the issuer's subject, which survives new cards and
certificates (§1.8). Who signs a document by the service is known by certificate and by subject from then on.
"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, insert

from honnin.platform import linking, outbox
from honnin.platform.assuring import assured
from honnin.platform.checking import four_items_answer
from honnin.platform.clock import japanese_day, moment
from honnin.platform.erasing import hold_people
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.custody import Opening
from honnin.platform.evidence.record import Circumstances, add_record, build_record
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    CertificateKind,
    SessionRequest,
    Tenant,
    VerdictAnswer,
    Verification,
    VerificationAnswer,
)
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.tenants import allowed_attributes, log_of, standing
from honnin.words import in_all

if TYPE_CHECKING:
    from honnin.connect.digital_auth.flows import Login

__all__ = ["Attestor"]

KIND: CertificateKind = "user_authentication"
DEVICE = "digital_auth"
COVERS = "id_token"
DEFAULT_RETENTION = "default"
REASON = "The ID token of the Digital Authentication Service passed every check."
CHECKS = (
    {"id": "digital_auth.id_token", "result": "passed", "reason": REASON, "source": "OIDC Core 1.0 §3.1.3.7"},
    {
        "id": "digital_auth.certificate",
        "result": "passed",
        "reason": "The Digital Agency says that it verified the certificate with J-LIS; it was not seen here.",
        "source": "id_token",
    },
)
Also = Callable[[Connection, VerificationAnswer], None]


class Attestor:
    """Records attested logins in one store."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer) -> None:
        self._store = store
        self._keys = keys
        self._sealer = sealer

    def record(
        self, mode: Mode, tenant: Tenant, asked: SessionRequest, login: "Login", *, session_id: str, also: Also
    ) -> VerificationAnswer:
        """Record a login whose ID token was checked, with person, evidence and event; durable when it returns.

        also: further writes of the same transaction. Whatever it raises undoes all of it.
        """
        at = mode.clock()
        verdict = VerdictAnswer(indication="TOTAL-PASSED", reason=REASON, at=at, checks=CHECKS)
        made = Verification(
            id=new_id("ver"),
            livemode=tenant.livemode,
            created_at=at,
            purpose=asked.purpose,
            channel=asked.channel,
            verdict=verdict,
            certificate_kind=KIND,
            evidence=new_id("evd"),
            session=session_id,
            messages=in_all("verdict.user_authentication"),
            assurance=assured(KIND, passed=True),
        )
        shown = allowed_attributes(tenant, asked.wanted)
        items = four_items_answer(login.items, shown, on=japanese_day(at)) if shown else None
        tag = self._tag(tenant, login)

        def work(db: Connection) -> VerificationAnswer:
            hold_people(db, tenant.id)
            person = linking.join_subject(db, tenant.id, tag, moment(at))
            self._write(db, tenant, made, person, login)
            answer = VerificationAnswer(
                **{**msgspec.structs.asdict(made), "person": person, "person_status": "linked"}, four_items=items
            )
            also(db, answer)
            body = {"verification": made.id, "indication": verdict.indication, "session": session_id}
            outbox.append(db, tenant.id, "verification.completed", body, moment(at))
            return answer

        return self._store.write(work, tenant=tenant.id)

    def remember(self, db: Connection, tenant: Tenant, answer: VerificationAnswer, login: "Login") -> None:
        """Know the signer of a check by the service's subject, too, so that a login by the service finds them.

        A pending signer is known by it once J-LIS has told who they are, or the login has come first.
        """
        tag = self._tag(tenant, login)
        if answer.person is not None:
            linking.know_by(db, tenant.id, answer.person, tag)
        elif answer.person_status == "pending":
            linking.know_later(db, tenant.id, tag, answer.id)

    def _tag(self, tenant: Tenant, login: "Login") -> str:
        return linking.subject_tag(self._keys, tenant.id, login.issuer, login.subject)

    def _write(self, db: Connection, tenant: Tenant, made: Verification, person: str, login: "Login") -> None:
        now, key, token = moment(made.created_at), secrets.token_bytes(KEY_SIZE), login.id_token.encode("ascii")
        log_id = log_of(db, tenant.id)
        inputs = {
            "id_token": token,
            "purpose": made.purpose.encode("utf-8"),
            "verdict": msgspec.json.encode(made.verdict),
            "person": person.encode("ascii"),
        }
        about = Circumstances(
            log_id=log_id,
            evidence_id=made.evidence,
            verification_id=made.id,
            tenant=tenant,
            at=now,
            channel=made.channel,
            device=DEVICE,
            covers=COVERS,
            document_kind=None,
            certificate_kind=KIND,
            verifier_status=standing(tenant).status_on(japanese_day(made.created_at)),
            client=made.session or "",
        )
        db.execute(
            insert(schema.verifications).values(
                tenant_id=tenant.id,
                verification_id=made.id,
                created_at=now,
                body=msgspec.json.encode(made).decode(),
                person_id=person,
                person_status="linked",
                evidence_id=made.evidence,
                session_id=made.session,
            )
        )
        add_record(db, about, build_record(about, made.verdict, None, None, commit_all(key, inputs)))
        opening = Opening(key=key, facts=token, purpose=made.purpose)
        self._sealer.seal(
            db, tenant.id, made.evidence, "opening", msgspec.msgpack.encode(opening),
            subject=person, retention=DEFAULT_RETENTION, now=now,
        )  # fmt: skip
