"""Logins with the user authentication certificate, for service providers that talk to the card themselves.

    1. The service provider asks for a challenge: bound to itself, its audience and its purpose, for a few minutes.
    2. The person's card signs the challenge's bytes with the user authentication key.
    3. The challenge is taken once: certificate of that kind, path, revocation, signature. Who it is comes out, as this
       service provider's id of the person, and never one of the four items: the certificate has none.

A check that could not tell leaves the challenge open until its time passes. The signature certificate is refused: its
key signs documents, and a login must not be able to become one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, delete, insert, select, update

from honnin.errors import GoneError, InputError, NotFoundError, StateError
from honnin.platform import outbox
from honnin.platform.challenges import new_challenge
from honnin.platform.clock import from_text, moment
from honnin.platform.hidden import hides
from honnin.platform.idempotency import Binding, Once
from honnin.platform.ids import new_id
from honnin.platform.models import (
    AssuranceSeen,
    Caller,
    CertificateKind,
    ShortWord,
    VerdictAnswer,
    VerificationAnswer,
    VerificationRequest,
    Words,
)
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.verifying import Verifier, find_verification

__all__ = ["Login", "LoginRequest", "LoginSignature", "Logins"]

KIND: CertificateKind = "user_authentication"
KEPT = timedelta(days=1)  # how long a challenge that nobody signed is remembered as expired
LoginStatus = Literal["open", "passed", "failed", "expired"]


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/logins`: ask for a challenge.

    audience: where the person logs in, as they know it (`https://shop.example`); purpose: what for (`login`).
    expires_in: seconds, 30 to 600.
    """

    audience: Words
    purpose: Words = "login"
    expires_in: Annotated[int, Meta(ge=30, le=600)] = 180


class LoginSignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/logins/{id}/complete`: what the card made of the challenge's bytes, and its certificate (DER).

    audience, purpose: what you believe this login is for; another login's signature is refused.
    """

    audience: Words
    purpose: Words = "login"
    signature: Annotated[bytes, Meta(min_length=1, max_length=2048)]
    certificate: Annotated[bytes, Meta(min_length=1, max_length=16 << 10)]
    device: ShortWord | None = None

    def __repr__(self) -> str:
        return "LoginSignature(…)"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A login: its challenge (base64 of the bytes to sign) while it is open, and who it was once it passed.

    status: `passed` or `failed` (the certificate was revoked, the signature wrong …) are final; an `open` one with a
    `verification` could not be told yet. assurance: of a login that passed.
    """

    id: str
    object: Literal["login"] = "login"
    livemode: bool
    created_at: datetime
    expires_at: datetime
    status: LoginStatus
    audience: str
    purpose: str
    challenge: bytes | None = None
    verification: str | None = None
    verdict: VerdictAnswer | None = None
    certificate_kind: CertificateKind | None = None
    person: str | None = None
    person_status: Literal["linked", "pending", "none"] = "none"
    assurance: AssuranceSeen | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)


class Logins:
    """The logins of one platform. modes: the two modes by livemode."""

    def __init__(self, store: Store, verifier: Verifier, modes: Callable[[bool], Mode], once: Once) -> None:
        self._store = store
        self._verifier = verifier
        self._modes = modes
        self._once = once

    def create(self, caller: Caller, request: LoginRequest, *, idempotency_key: str | None = None) -> Login:
        """Make a challenge.

        Raises InputError `login.hidden_characters`, StateError `verification.idempotency_conflict`.
        """
        if hides(request.audience) or hides(request.purpose):
            raise InputError(
                "login.hidden_characters",
                "`audience` or `purpose` holds characters that a screen does not show, or that reorder others.",
                next="Remove them.",
            )
        at, login_id = self._mode(caller).clock(), new_id("lgn")
        now, expires_at = moment(at), moment(at + timedelta(seconds=request.expires_in))
        challenge = new_challenge(
            tenant=caller.id,
            login=login_id,
            audience=request.audience,
            purpose=request.purpose,
            expires_at=expires_at,
        )

        def work(db: Connection) -> Login:
            db.execute(
                insert(schema.logins).values(
                    tenant_id=caller.id,
                    login_id=login_id,
                    created_at=now,
                    expires_at=expires_at,
                    status="open",
                    audience=request.audience,
                    purpose=request.purpose,
                    challenge=challenge,
                )
            )
            return self._seen(db, caller, login_id)

        binding = self._once.binding(caller, "logins", idempotency_key, request)
        return self._once.write(caller, binding, Login, work, named=login_id)

    def read(self, caller: Caller, login_id: str) -> Login:
        """Return a login. Raises NotFoundError `login.unknown`."""
        with self._store.read() as db:
            return self._seen(db, caller, login_id)

    def complete(
        self, caller: Caller, login_id: str, signed: LoginSignature, *, idempotency_key: str | None = None
    ) -> Login:
        """Judge a signed challenge and take it, once.

        Raises NotFoundError `login.unknown`, GoneError `login.expired`, StateError `login.used`,
        `verification.idempotency_conflict`, InputError `login.mismatch` for another audience or purpose,
        `verification.certificate_kind`.
        """
        binding = self._once.binding(caller, "logins.complete", idempotency_key, (login_id, signed))
        return self._once.taken(caller, binding, Login, lambda: self._complete(caller, login_id, signed, binding))

    def _complete(self, caller: Caller, login_id: str, signed: LoginSignature, binding: Binding | None) -> Login:
        mode = self._mode(caller)
        found: list[Login] = []
        with self._store.read() as db:
            row = _row(db, caller.id, login_id)
        if row.status != "open":
            raise _used()
        if row.expires_at <= moment(mode.clock()):
            raise GoneError("login.expired", "The challenge's time has passed.", next="Ask for a new one.")
        if (signed.audience, signed.purpose) != (row.audience, row.purpose):
            raise InputError(
                "login.mismatch",
                "The challenge was made for another audience or purpose.",
                next="Complete the login that this person began here.",
            )
        request = VerificationRequest(
            purpose=row.purpose,
            document=bytes(row.challenge),
            signature=signed.signature,
            certificate=signed.certificate,
            device=signed.device,
            certificate_kind=KIND,
        )

        def also(db: Connection, answer: VerificationAnswer) -> None:
            values: dict[str, Any] = {"verification_id": answer.id}
            told = answer.verdict.indication != "INDETERMINATE"
            if told:
                values["status"] = "passed" if answer.verdict.indication == "TOTAL-PASSED" else "failed"
            table = schema.logins
            taken = db.execute(
                update(table)
                .where(table.c.tenant_id == caller.id, table.c.login_id == login_id, table.c.status == "open")
                .values(**values)
            )
            if taken.rowcount != 1:  # two answers to one challenge: all of the later one is undone
                raise _used()
            if told:
                body = {"login": login_id, "verification": answer.id, "status": values["status"]}
                outbox.append(db, caller.id, "login.completed", body, moment(answer.created_at))
            found[:] = [self._seen(db, caller, login_id)]
            self._once.bind(db, caller, binding, found[0], named=answer.id)

        self._verifier.verify(mode, caller.tenant, request, allowed=(), also=also)
        return found[0]

    def forget(self, now: str, *, livemode: bool) -> int:
        """Delete challenges of one mode that nobody took, a day after their time; return how many."""
        table, tenants = schema.logins, schema.tenants
        before = moment(from_text(now) - KEPT)
        old = (table.c.status == "open") & (table.c.expires_at < before)
        with self._store.read() as db:
            if db.execute(select(table.c.login_id).where(old).limit(1)).first() is None:
                return 0
        of_mode = select(tenants.c.tenant_id).where(tenants.c.livemode.is_(livemode))
        return self._store.write(
            lambda db: db.execute(delete(table).where(old, table.c.tenant_id.in_(of_mode))).rowcount
        )

    def _mode(self, caller: Caller) -> Mode:
        return self._modes(caller.livemode)

    def _seen(self, db: Connection, caller: Caller, login_id: str) -> Login:
        row = _row(db, caller.id, login_id)
        late = row.status == "open" and row.expires_at <= moment(self._mode(caller).clock())
        seen = Login(
            id=login_id,
            livemode=caller.livemode,
            created_at=from_text(row.created_at),
            expires_at=from_text(row.expires_at),
            status="expired" if late else row.status,
            audience=row.audience,
            purpose=row.purpose,
            challenge=bytes(row.challenge) if row.status == "open" and not late else None,
            verification=row.verification_id,
        )
        if row.verification_id is None:
            return seen
        check = find_verification(db, caller.id, row.verification_id)
        passed = row.status == "passed"
        return msgspec.structs.replace(
            seen,
            verdict=check.verdict,
            certificate_kind=check.certificate_kind,
            person=check.person if passed else None,
            person_status=check.person_status if passed else "none",
            assurance=check.assurance if passed else None,
            messages=check.messages,
        )


def _row(db: Connection, tenant_id: str, login_id: str) -> Any:
    table = schema.logins
    row = db.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.login_id == login_id)).one_or_none()
    if row is None:
        raise NotFoundError("login.unknown", "There is no such login.", next="Check its id.")
    return row


def _used() -> StateError:
    return StateError("login.used", "The challenge was taken already.", next="Ask for a new one.")
