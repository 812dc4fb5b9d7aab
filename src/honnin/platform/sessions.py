"""Sessions: a service provider asks a person, on a page of ours, to sign; the person comes back with the outcome.

A session is open until it is completed (once), cancelled by either side, or its time passes. A check that could not
tell (revocation source down) leaves it open, so that the person may try again; every other verdict completes it. Who
goes back without a result leaves it `undetermined` after such a check, `failed` after a card that cannot sign. The four
items wait ten minutes for the service provider, sealed, and end earlier when it deletes them.

The page is reached by a key of its own, of which only a keyed hash is stored; what is signed is sealed too, because an
application form says who the person is.
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from honnin.errors import GoneError, InputError, KeyRefusedError, NotFoundError, StateError
from honnin.platform import outbox
from honnin.platform.checking import open_gate
from honnin.platform.clock import from_text, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.idempotency import Binding, bind, recall
from honnin.platform.ids import keyed_hash, new_id, new_session_key, read_session_key
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    Caller,
    FourItemsAnswer,
    ListOfSessions,
    Session,
    SessionFourItems,
    SessionPage,
    SessionRequest,
    SessionReturn,
    SessionSignature,
    Tenant,
    VerificationAnswer,
)
from honnin.platform.services import Mode
from honnin.platform.session_terms import Content, as_verification, check_registered, read_content, return_to
from honnin.platform.store import Store, schema
from honnin.platform.templates import with_template
from honnin.platform.tenants import allowed_attributes, get_tenant
from honnin.platform.verifying import Verifier, find_verification

__all__ = ["FOUR_ITEMS_FOR", "Sessions"]

FOUR_ITEMS_FOR = timedelta(minutes=10)
PAGE_PATH = "/check/"
TOLD = frozenset({"open", "completed", "undetermined"})  # these show the verdict of their last check
Abandoned = Literal["cancelled", "failed", "undetermined"]


class Sessions:
    """The sessions of one platform."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer, modes: Callable[[bool], Mode]) -> None:
        self._store = store
        self._keys = keys
        self._sealer = sealer
        self._modes = modes
        self._verifier = Verifier(store, keys, sealer)

    # --- the service provider's side

    def create(self, caller: Caller, request: SessionRequest, *, idempotency_key: str | None = None) -> Session:
        """Make a session; its `url` is the person's page and is shown here alone.

        Raises InputError `session.content`, `session.hidden_characters`, `session.return_url`, `session.attributes`,
        `session.attributes_twice`, what `with_template`, `bundle_document` and the law's gate raise, StateError
        `verification.idempotency_conflict`.
        """
        tenant, at = caller.tenant, self._modes(caller.livemode).clock()
        request = with_template(request)
        content = read_content(request)
        check_registered(tenant, request.return_url)
        if len(set(request.attributes)) != len(request.attributes):
            raise InputError("session.attributes_twice", "An attribute is named twice.", next="Name each one once.")
        if allowed_attributes(tenant, request.attributes) != request.attributes:
            raise InputError("session.attributes", "The tenant may not have all of these attributes.")
        gate = open_gate(tenant, as_verification(request, content), at=at, digest_only=False)
        request = msgspec.structs.replace(request, law=gate.law, method=gate.method)
        binding = None
        if idempotency_key is not None:
            binding = Binding.of(self._keys, tenant.id, "sessions", idempotency_key, request)

        def work(db: Connection) -> Session:
            if binding is not None and (before := recall(db, self._sealer, binding, at=at)) is not None:
                return msgspec.json.decode(before, type=Session)
            session = self._insert(db, tenant, request, content, at)
            if binding is not None:
                bind(db, self._sealer, binding, session.id, msgspec.json.encode(session), at=at)
            outbox.append(db, tenant.id, "session.created", {"session": session.id}, moment(at))
            return session

        return self._store.write(work)

    def read(self, caller: Caller, session_id: str) -> Session:
        """Return a session. Raises NotFoundError `session.unknown`."""
        with self._store.read() as db:
            return self._whole(db, caller.tenant, _row(db, caller.id, session_id))

    get = read

    def list(self, caller: Caller, *, after: str | None = None, limit: int = 20) -> ListOfSessions:
        """Return a page of sessions, newest first. Raises NotFoundError `session.unknown` for a bad cursor."""
        table = schema.sessions
        query = select(table).where(table.c.tenant_id == caller.id)
        with self._store.read() as db:
            if after is not None:
                last = _row(db, caller.id, after)
                query = query.where(
                    (table.c.created_at < last.created_at)
                    | ((table.c.created_at == last.created_at) & (table.c.session_id < after))
                )
            rows = db.execute(
                query.order_by(table.c.created_at.desc(), table.c.session_id.desc()).limit(limit + 1)
            ).all()
            shown = tuple(self._whole(db, caller.tenant, row) for row in rows[:limit])
        return ListOfSessions(data=shown, has_more=len(rows) > limit, next=shown[-1].id if shown else None)

    def cancel(self, caller: Caller, session_id: str) -> Session:
        """Cancel an open session. Raises NotFoundError `session.unknown`, StateError `session.not_open`."""
        return self._cancel(caller.tenant, session_id)

    def four_items(self, caller: Caller, session_id: str) -> SessionFourItems:
        """Return a completed session's four items, until deleted or ten minutes have passed.

        Raises StateError `session.not_completed`, GoneError `session.four_items_gone`.
        """
        at = self._modes(caller.livemode).clock()
        with self._store.read() as db:
            row = _row(db, caller.id, session_id)
            if row.status != "completed":
                raise StateError("session.not_completed", "The session is not completed.", next="Wait for its event.")
            if row.four_items_until is None or row.four_items_until <= moment(at):
                raise _items_gone()
            try:
                content = self._sealer.open(db, caller.id, session_id, "four_items")
            except GoneError as error:
                raise _items_gone() from error
        return SessionFourItems(
            session=session_id,
            livemode=caller.livemode,
            available_until=from_text(row.four_items_until),
            four_items=msgspec.json.decode(content, type=FourItemsAnswer),
        )

    def delete_four_items(self, caller: Caller, session_id: str) -> None:
        """Delete a session's four items; deleting again changes nothing. Raises NotFoundError `session.unknown`."""
        now = moment(self._modes(caller.livemode).clock())

        def work(db: Connection) -> None:
            _row(db, caller.id, session_id)
            if self._sealer.end(db, caller.id, session_id, now, retention="four_items"):
                outbox.append(db, caller.id, "session.four_items_deleted", {"session": session_id}, now)

        self._store.write(work)

    # --- the person's side

    def page(self, session_key: str) -> SessionPage:
        """Return what the person's page shows. Raises KeyRefusedError `session.key`."""
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
            session = self._seen(tenant, row)
            text, document = "", b""
            if session.status == "open":
                content = self._open_content(db, tenant.id, row)
                text, document = content.text, content.document
        return SessionPage(
            id=session.id,
            tenant_name=tenant.name,
            requester=msgspec.json.decode(row.body, type=SessionRequest).requester,
            livemode=tenant.livemode,
            status=session.status,
            expires_at=session.expires_at,
            purpose=session.purpose,
            law=session.law,
            attributes=session.attributes,
            return_url=session.return_url,
            verification=session.verification,
            text=text,
            document=document,
        )

    def complete(self, session_key: str, signed: SessionSignature) -> SessionReturn:
        """Verify what the person's device signed and end the session, once.

        A verdict that could not tell leaves the session open. Raises KeyRefusedError `session.key`, StateError
        `session.not_open`, and what `Verifier.verify` raises.
        """
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
            session = self._seen(tenant, row)
            if session.status != "open":
                raise _not_open(session.status)
            content = self._open_content(db, tenant.id, row)
        mode = self._modes(tenant.livemode)
        asked = msgspec.json.decode(row.body, type=SessionRequest)
        request = msgspec.structs.replace(
            as_verification(asked, content),
            signature=signed.signature,
            certificate=signed.certificate,
            device=signed.device,
        )
        answer = self._verifier.verify(
            mode,
            tenant,
            request,
            session_id=session.id,
            allowed=asked.attributes,
            also=lambda db, answer: self._completed(db, tenant, session.id, answer),
        )
        with self._store.read() as db:
            ended = self._whole(db, tenant, _row(db, tenant.id, session.id))
        return SessionReturn(session=ended, url=return_to(ended), verdict=answer.verdict, messages=answer.messages)

    def abandon(self, session_key: str, *, unable: bool = False) -> SessionReturn:
        """End a session without a result, as the person wished or because they could not go on.

        unable: not the person's wish; it ends as `undetermined` after a check that could not tell, else as `failed`.
        Raises KeyRefusedError `session.key`, StateError `session.not_open`.
        """
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
        status: Abandoned = "cancelled"
        if unable:
            status = "failed" if row.verification_id is None else "undetermined"
        session = self._cancel(tenant, row.session_id, status)
        return SessionReturn(session=session, url=return_to(session))

    def ending(self, session_key: str) -> SessionReturn:
        """Return how a session ended and where its person goes, or what an open one's last check could not tell.

        Raises KeyRefusedError `session.key`, StateError `session.still_open` where nothing was checked yet.
        """
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
            session = self._seen(tenant, row)
            if session.status == "open" and session.verification is None:
                raise StateError("session.still_open", "The session has not ended.", next="Sign or cancel first.")
            back = SessionReturn(session=session, url=return_to(session))
            if session.status not in TOLD or session.verification is None:
                return back
            made = find_verification(db, tenant.id, session.verification)
        return msgspec.structs.replace(back, verdict=made.verdict, messages=made.messages)

    # --- both

    def expire(self, now: str, *, livemode: bool) -> int:
        """Mark the sessions of one mode whose time has passed, with their events; return how many."""
        table, tenants = schema.sessions, schema.tenants
        with self._store.read() as db:
            rows = db.execute(
                select(table.c.tenant_id, table.c.session_id)
                .join(tenants, tenants.c.tenant_id == table.c.tenant_id)
                .where(table.c.status == "open", table.c.expires_at <= now, tenants.c.livemode.is_(livemode))
                .limit(500)
            ).all()
        return sum(self._store.write(partial(self._expire, row.tenant_id, row.session_id, now)) for row in rows)

    def _expire(self, tenant_id: str, session_id: str, now: str, db: Connection) -> int:
        table = schema.sessions
        ended = db.execute(
            update(table)
            .where(table.c.tenant_id == tenant_id, table.c.session_id == session_id, table.c.status == "open")
            .values(status="expired")
        )
        if ended.rowcount:
            self._sealer.end(db, tenant_id, session_id, now, retention="session")
            outbox.append(db, tenant_id, "session.expired", {"session": session_id}, now)
        return ended.rowcount

    def _insert(
        self, db: Connection, tenant: Tenant, request: SessionRequest, content: Content, at: datetime
    ) -> Session:
        session_id, now = new_id("ses"), moment(at)
        expires_at = moment(at + timedelta(seconds=request.expires_in))
        key = new_session_key(tenant.id, session_id)
        self._sealer.seal(
            db,
            tenant.id,
            session_id,
            "content",
            msgspec.msgpack.encode(content),
            subject=session_id,
            retention="session",
            now=now,
            expires_at=expires_at,
        )
        bare = msgspec.structs.replace(request, text=None, document=None, files=())
        db.execute(
            insert(schema.sessions).values(
                tenant_id=tenant.id,
                session_id=session_id,
                page_hash=self._hash(key),
                created_at=now,
                expires_at=expires_at,
                status="open",
                body=msgspec.json.encode(bare).decode(),
            )
        )
        return msgspec.structs.replace(self._seen(tenant, _row(db, tenant.id, session_id)), url=PAGE_PATH + key)

    def _completed(self, db: Connection, tenant: Tenant, session_id: str, answer: VerificationAnswer) -> None:
        table, now = schema.sessions, moment(answer.created_at)
        until = answer.created_at + FOUR_ITEMS_FOR
        could_not_tell = answer.verdict.indication == "INDETERMINATE"
        values: dict[str, Any] = {"verification_id": answer.id}
        if not could_not_tell:
            values |= {"status": "completed", "four_items_until": moment(until) if answer.four_items else None}
        # two answers for one session: the later one finds it no longer open, and its whole transaction is undone
        ended = db.execute(
            update(table)
            .where(table.c.tenant_id == tenant.id, table.c.session_id == session_id, table.c.status == "open")
            .values(**values)
        )
        if ended.rowcount != 1:
            raise _not_open("completed")
        if could_not_tell:
            return
        self._sealer.end(db, tenant.id, session_id, now, retention="session")
        if answer.four_items is not None:
            self._sealer.seal(
                db,
                tenant.id,
                session_id,
                "four_items",
                msgspec.json.encode(answer.four_items),
                subject=session_id,
                retention="four_items",
                now=now,
                expires_at=moment(until),
            )
        body = {"session": session_id, "verification": answer.id, "indication": answer.verdict.indication}
        outbox.append(db, tenant.id, "session.completed", body, now)

    def _cancel(self, tenant: Tenant, session_id: str, status: Abandoned = "cancelled") -> Session:
        table, now = schema.sessions, moment(self._modes(tenant.livemode).clock())

        def work(db: Connection) -> Session:
            row = _row(db, tenant.id, session_id)
            ended = db.execute(
                update(table)
                .where(
                    table.c.tenant_id == tenant.id,
                    table.c.session_id == session_id,
                    table.c.status == "open",
                    table.c.expires_at > now,
                )
                .values(status=status)
            )
            if ended.rowcount != 1:
                raise _not_open(self._seen(tenant, row).status)
            self._sealer.end(db, tenant.id, session_id, now, retention="session")
            body = {"session": session_id}
            if status == "undetermined":
                body["verification"] = row.verification_id
            outbox.append(db, tenant.id, f"session.{status}", body, now)
            return self._seen(tenant, _row(db, tenant.id, session_id))

        return self._store.write(work)

    def _by_key(self, db: Connection, session_key: str) -> tuple[Tenant, Any]:
        key = read_session_key(session_key)
        if key is not None:
            table = schema.sessions
            row = db.execute(
                select(table).where(table.c.tenant_id == key.tenant_id, table.c.session_id == key.session_id)
            ).one_or_none()
            if row is not None and hmac.compare_digest(row.page_hash, self._hash(session_key)):
                return get_tenant(db, key.tenant_id), row
        raise KeyRefusedError("session.key", "This page's address is not known.", next="Start again at the service.")

    def _seen(self, tenant: Tenant, row: Any) -> Session:
        asked = msgspec.json.decode(row.body, type=SessionRequest)
        status = row.status
        if status == "open" and row.expires_at <= moment(self._modes(tenant.livemode).clock()):
            status = "expired"
        return Session(
            id=row.session_id,
            livemode=tenant.livemode,
            created_at=from_text(row.created_at),
            expires_at=from_text(row.expires_at),
            status=status,
            template=asked.template,
            purpose=asked.purpose,
            law=asked.law,
            method=asked.method,
            attributes=asked.attributes,
            return_url=asked.return_url,
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

    def _hash(self, session_key: str) -> str:
        return keyed_hash(self._keys.derived("session-key"), "session-key", session_key)


def _row(db: Connection, tenant_id: str, session_id: str) -> Any:
    table = schema.sessions
    row = db.execute(
        select(table).where(table.c.tenant_id == tenant_id, table.c.session_id == session_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("session.unknown", "There is no such session.", next="Check its id.")
    return row


def _not_open(status: str) -> StateError:
    return StateError("session.not_open", f"The session is {status}.", next="Make a new one.")


def _items_gone() -> GoneError:
    return GoneError("session.four_items_gone", "The four items are not there any more, or never were.")
