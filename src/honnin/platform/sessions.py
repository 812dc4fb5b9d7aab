"""Sessions: a service provider asks a person, on a page of ours, to sign or to log in; they come back with the outcome.

A session is open until it is completed (once), cancelled by either side, or its time passes. A check that could not
tell (revocation source down) leaves it open, so that the person may try again; every other verdict completes it. Who
goes back without a result leaves it `undetermined` after such a check, `failed` after a card that cannot sign. The four
items wait ten minutes for the service provider, sealed, and end earlier when it deletes them; a session with a return
code gives them after that code was brought, which proves that the person who signed came back (`session_visits`).

The page is reached by a key of its own, of which only a keyed hash is stored; what is signed is sealed too, because an
application form says who the person is.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import Connection, insert, select, update

from honnin.errors import AccessError, GoneError, InputError, ServiceError, StateError
from honnin.platform import outbox
from honnin.platform.checking import open_gate
from honnin.platform.clock import from_text, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.failing import Failing
from honnin.platform.idempotency import Once
from honnin.platform.ids import new_id, new_object_key
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    Caller,
    FourItemsAnswer,
    ListOfSessions,
    Session,
    SessionFourItems,
    SessionRequest,
    Tenant,
)
from honnin.platform.services import Mode
from honnin.platform.session_rows import find_session, items_gone
from honnin.platform.session_terms import Content, as_verification, check_registered, login_content, read_content
from honnin.platform.session_visits import SessionVisits
from honnin.platform.store import Store, schema
from honnin.platform.templates import with_template
from honnin.platform.tenants import allowed_attributes

__all__ = ["Sessions"]

LOGGER = logging.getLogger("honnin.platform")
PAGE_PATH = "/check/"


class Sessions(SessionVisits):
    """The sessions of one platform, as the service provider sees them."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer, modes: Callable[[bool], Mode], once: Once) -> None:
        super().__init__(store, keys, sealer, modes)
        self._once = once
        self._failing = Failing(LOGGER, "sessions", passes=ServiceError)

    def create(self, caller: Caller, request: SessionRequest, *, idempotency_key: str | None = None) -> Session:
        """Make a session; its `url` is the person's page and is shown here alone.

        Raises InputError `session.content`, `session.hidden_characters`, `session.return_url`, `session.attributes`,
        `session.attributes_twice`, what `with_template`, `bundle_document` and the law's gate raise, StateError
        `verification.idempotency_conflict`.
        """
        tenant, at = caller.tenant, self._modes(caller.livemode).clock()
        request = with_template(request)
        content = read_content(request)
        check_registered(tenant, request.return_url, local=self._modes(tenant.livemode).local_addresses)
        wanted = request.wanted
        if len(set(wanted)) != len(wanted):
            raise InputError("session.attributes_twice", "An attribute is named twice.", next="Name each one once.")
        if allowed_attributes(tenant, wanted) != wanted:
            raise InputError("session.attributes", "The tenant may not have all of these attributes.")
        gate = open_gate(tenant, as_verification(request, content), at=at, digest_only=False)
        request = msgspec.structs.replace(request, attributes=wanted, law=gate.law, method=gate.method)
        session_id = new_id("ses")

        def work(db: Connection) -> Session:
            session = self._insert(db, tenant, session_id, request, content, at)
            outbox.append(db, tenant.id, "session.created", {"session": session.id}, moment(at))
            return session

        binding = self._once.binding(caller, "sessions", idempotency_key, request)
        return self._once.write(caller, binding, Session, work, named=session_id)

    def read(self, caller: Caller, session_id: str) -> Session:
        """Return a session. Raises NotFoundError `session.unknown`."""
        with self._store.read() as db:
            return self._whole(db, caller.tenant, find_session(db, caller.id, session_id))

    get = read

    def list(self, caller: Caller, *, after: str | None = None, limit: int = 20) -> ListOfSessions:
        """Return a page of sessions, newest first. Raises NotFoundError `session.unknown` for a bad cursor."""
        table = schema.sessions
        query = select(table).where(table.c.tenant_id == caller.id)
        with self._store.read() as db:
            if after is not None:
                last = find_session(db, caller.id, after)
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
        return self._end(caller.tenant, session_id)[0]

    def redeem(self, caller: Caller, session_id: str, code: str) -> Session:
        """Take the code that came back with the person, once: it tells that this browser ended the session.

        Raises AccessError `session.code`, StateError `session.code_used`, `session.not_ended`, GoneError
        `session.code_late`.
        """
        table, now = schema.sessions, self._now(caller.tenant)

        def work(db: Connection) -> Session:
            row = find_session(db, caller.id, session_id)
            if self._seen(caller.tenant, row).status == "open":
                raise StateError("session.not_ended", "The session has not ended.", next="Wait for its event.")
            if not self._code_fits(row, code):
                raise AccessError(
                    "session.code",
                    "This code is not the session's.",
                    next="Show this browser nothing of the session: another one ended it.",
                )
            if row.code_until <= now:
                raise GoneError("session.code_late", "The code is older than ten minutes.", next="Make a new session.")
            taken = db.execute(
                update(table)
                .where(
                    table.c.tenant_id == caller.id,
                    table.c.session_id == session_id,
                    table.c.code_used_at.is_(None),
                )
                .values(code_used_at=now)
            )
            if taken.rowcount != 1:
                raise StateError(
                    "session.code_used",
                    "The code was brought before.",
                    next="Show nothing to a second browser; what you read already may be read again without it.",
                )
            return self._whole(db, caller.tenant, row)

        return self._store.write(work)

    def four_items(self, caller: Caller, session_id: str, *, code: str | None = None) -> SessionFourItems:
        """Return a completed session's four items, until deleted or ten minutes have passed.

        code: what came back with the person, as `redeem` takes it. Raises what `redeem` raises, StateError
        `session.not_completed`, AccessError `session.code_missing`, GoneError `session.four_items_gone`.
        """
        if code is not None:
            self.redeem(caller, session_id, code)
        at = self._modes(caller.livemode).clock()
        with self._store.read() as db:
            row = find_session(db, caller.id, session_id)
            if row.status != "completed":
                raise StateError("session.not_completed", "The session is not completed.", next="Wait for its event.")
            if self._seen(caller.tenant, row).return_code and row.code_used_at is None:
                raise AccessError(
                    "session.code_missing",
                    "The code of the return address was not brought yet.",
                    next="Send it as Honnin-Session-Code, or to /redeem.",
                )
            if row.four_items_until is None or row.four_items_until <= moment(at):
                raise items_gone()
            try:
                content = self._sealer.open(db, caller.id, session_id, "four_items")
            except GoneError as error:
                raise items_gone() from error
        is_login = msgspec.json.decode(row.body, type=SessionRequest).is_login
        return SessionFourItems(
            session=session_id,
            source="card" if is_login else "certificate",
            livemode=caller.livemode,
            available_until=from_text(row.four_items_until),
            four_items=msgspec.json.decode(content, type=FourItemsAnswer),
        )

    def delete_four_items(self, caller: Caller, session_id: str) -> None:
        """Delete a session's four items; deleting again changes nothing. Raises NotFoundError `session.unknown`."""
        now = moment(self._modes(caller.livemode).clock())

        def work(db: Connection) -> None:
            find_session(db, caller.id, session_id)
            if self._sealer.end(db, caller.id, session_id, now, retention="four_items"):
                outbox.append(db, caller.id, "session.four_items_deleted", {"session": session_id}, now)

        self._store.write(work)

    def expire(self, now: str, *, livemode: bool) -> int:
        """Mark the sessions of one mode whose time has passed, with their events; return how many.

        One that cannot be marked keeps no other.
        """
        table, tenants, expired = schema.sessions, schema.tenants, 0
        with self._store.read() as db:
            rows = db.execute(
                select(table.c.tenant_id, table.c.session_id)
                .join(tenants, tenants.c.tenant_id == table.c.tenant_id)
                .where(table.c.status == "open", table.c.expires_at <= now, tenants.c.livemode.is_(livemode))
                .where(table.c.session_id.not_in(self._failing.paused()))
                .limit(500)
            ).all()
        for row in rows:
            with self._failing.guard(row.session_id, tenant=row.tenant_id):
                expired += self._store.write(partial(self._expire, row.tenant_id, row.session_id, now))
        return expired

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
        self, db: Connection, tenant: Tenant, session_id: str, request: SessionRequest, content: Content, at: datetime
    ) -> Session:
        now = moment(at)
        expires_at = moment(at + timedelta(seconds=request.expires_in))
        key = new_object_key(tenant.id, session_id)
        if request.is_login:
            content = login_content(tenant, session_id, request, expires_at)
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
                page_hash=self._key_hash(key),
                created_at=now,
                expires_at=expires_at,
                status="open",
                body=msgspec.json.encode(bare).decode(),
            )
        )
        return msgspec.structs.replace(self._seen(tenant, find_session(db, tenant.id, session_id)), url=PAGE_PATH + key)
