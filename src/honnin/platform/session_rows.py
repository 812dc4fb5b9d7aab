"""Sessions as the store holds them: found by id or by the key of the person's page, shown, and ended."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, select, update

from honnin.errors import GoneError, KeyRefusedError, NotFoundError, StateError
from honnin.platform import outbox
from honnin.platform.attesting import Attestor
from honnin.platform.clock import from_text, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import keyed_hash, new_return_code, read_object_key
from honnin.platform.keys import Keyring
from honnin.platform.models import Session, SessionRequest, Tenant
from honnin.platform.services import Mode
from honnin.platform.session_terms import Content
from honnin.platform.store import Store, schema
from honnin.platform.tenants import get_tenant
from honnin.platform.verifying import Verifier, find_verification

__all__ = ["RESULT_FOR", "Abandoned", "SessionRows", "find_session", "items_gone", "not_open"]

RESULT_FOR = timedelta(minutes=10)  # how long the four items wait, and the code of the return address holds
Abandoned = Literal["cancelled", "failed", "undetermined"]


class SessionRows:
    """The sessions of one platform."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer, modes: Callable[[bool], Mode]) -> None:
        self._store = store
        self._keys = keys
        self._sealer = sealer
        self._modes = modes
        self._verifier = Verifier(store, keys, sealer)
        self._attestor = Attestor(store, keys, sealer)

    def _now(self, tenant: Tenant) -> str:
        return moment(self._modes(tenant.livemode).clock())

    def _end(
        self, tenant: Tenant, session_id: str, status: Abandoned = "cancelled", *, coded: bool = False
    ) -> tuple[Session, str]:
        """End an open session without a result; return it and the code of its return, empty unless `coded`."""
        table, now = schema.sessions, self._now(tenant)
        code: str = ""
        values: dict[str, Any] = {}
        if coded:
            code, values = self._new_code(tenant.id, session_id, now)

        def work(db: Connection) -> Session:
            row = find_session(db, tenant.id, session_id)
            ended = db.execute(
                update(table)
                .where(
                    table.c.tenant_id == tenant.id,
                    table.c.session_id == session_id,
                    table.c.status == "open",
                    table.c.expires_at > now,
                )
                .values(status=status, **values)
            )
            if ended.rowcount != 1:
                raise not_open(self._seen(tenant, row).status)
            self._sealer.end(db, tenant.id, session_id, now, retention="session")
            body = {"session": session_id}
            if status == "undetermined":
                body["verification"] = row.verification_id
            outbox.append(db, tenant.id, f"session.{status}", body, now)
            return self._seen(tenant, find_session(db, tenant.id, session_id))

        return self._store.write(work), code

    def _new_code(self, tenant_id: str, session_id: str, now: str) -> tuple[str, dict[str, Any]]:
        """Return a new code for a return address, and the columns that remember it."""
        code = new_return_code()
        until = moment(from_text(now) + RESULT_FOR)
        return code, {"code_hash": self._code_hash(tenant_id, session_id, code), "code_until": until}

    def _code_fits(self, row: Any, code: str) -> bool:
        given = self._code_hash(row.tenant_id, row.session_id, code)
        return row.code_hash is not None and hmac.compare_digest(row.code_hash, given)

    def _by_key(self, db: Connection, session_key: str) -> tuple[Tenant, Any]:
        key = read_object_key(session_key, "ses")
        if key is not None:
            table = schema.sessions
            row = db.execute(
                select(table).where(table.c.tenant_id == key.tenant_id, table.c.session_id == key.object_id)
            ).one_or_none()
            if row is not None and hmac.compare_digest(row.page_hash, self._key_hash(session_key)):
                return get_tenant(db, key.tenant_id), row
        raise KeyRefusedError("session.key", "This page's address is not known.", next="Start again at the service.")

    def _seen(self, tenant: Tenant, row: Any) -> Session:
        asked = msgspec.json.decode(row.body, type=SessionRequest)
        status = row.status
        if status == "open" and row.expires_at <= self._now(tenant):
            status = "expired"
        return Session(
            id=row.session_id,
            livemode=tenant.livemode,
            created_at=from_text(row.created_at),
            expires_at=from_text(row.expires_at),
            status=status,
            certificate_kind=asked.certificate_kind,
            template=asked.template,
            purpose=asked.purpose,
            law=asked.law,
            method=asked.method,
            attributes=asked.wanted,
            return_url=asked.return_url,
            return_code=needs_code(tenant, asked),
            state=asked.state,
            verification=row.verification_id,
            four_items_until=from_text(row.four_items_until) if row.four_items_until else None,
        )

    def _whole(self, db: Connection, tenant: Tenant, row: Any) -> Session:
        session = self._seen(tenant, row)
        if session.verification is None:
            return session
        check = find_verification(db, tenant.id, session.verification)
        return msgspec.structs.replace(session, person=check.person, person_status=check.person_status)

    def _open_content(self, db: Connection, tenant_id: str, row: Any) -> Content:
        content = self._sealer.open(db, tenant_id, row.session_id, "content")
        return msgspec.msgpack.decode(content, type=Content)

    def _key_hash(self, session_key: str) -> str:
        return keyed_hash(self._keys.derived("session-key"), "session-key", session_key)

    def _code_hash(self, tenant_id: str, session_id: str, code: str) -> str:
        return keyed_hash(self._keys.derived("session-code"), "session-code", tenant_id, session_id, code)


def needs_code(tenant: Tenant, asked: SessionRequest) -> bool:
    """Tell whether the four items are read after the return's code alone: as asked, else for a live tenant."""
    return tenant.livemode if asked.return_code is None else asked.return_code


def find_session(db: Connection, tenant_id: str, session_id: str) -> Any:
    """Return a session's row. Raises NotFoundError `session.unknown`."""
    table = schema.sessions
    row = db.execute(
        select(table).where(table.c.tenant_id == tenant_id, table.c.session_id == session_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("session.unknown", "There is no such session.", next="Check its id.")
    return row


def not_open(status: str) -> StateError:
    """Return the error for a session that has ended."""
    return StateError("session.not_open", f"The session is {status}.", next="Make a new one.")


def items_gone() -> GoneError:
    """Return the error for four items that cannot be read any more."""
    return GoneError("session.four_items_gone", "The four items are not there any more, or never were.")
