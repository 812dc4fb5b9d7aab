"""The person's side of a session: its page, signing, and the way back.

Who started a session knows everything of its return address beforehand, and may pass the page's link on: the person
who signs would then finish what another browser began. So a session that ends here gives the browser that ended it,
and no other, a code in its return address; of the code only a keyed hash is kept.
"""

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, update

from honnin.errors import StateError
from honnin.law import methods
from honnin.platform import outbox
from honnin.platform.clock import japanese_day, moment
from honnin.platform.models import (
    SessionPage,
    SessionRequest,
    SessionReturn,
    SessionSignature,
    Tenant,
    VerificationAnswer,
    Way,
)
from honnin.platform.session_rows import RESULT_FOR, Abandoned, SessionRows, find_session, not_open
from honnin.platform.session_terms import as_verification, return_to
from honnin.platform.store import schema
from honnin.platform.tenants import standing
from honnin.platform.verifying import find_verification

if TYPE_CHECKING:
    from honnin.connect.digital_auth.registration import Registration

__all__ = ["SessionVisits"]

WAYS: dict[Way, str] = {"digital_auth": "phone_nfc", "card": "computer_card_reader"}  # with the law's kind of device
TOLD = frozenset({"open", "completed", "undetermined"})  # these show the verdict of their last check


class SessionVisits(SessionRows):
    """What the person's page does with a session."""

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
            certificate_kind=session.certificate_kind,
            purpose=session.purpose,
            law=session.law,
            attributes=session.attributes,
            return_url=session.return_url,
            verification=session.verification,
            text=text,
            document=document,
            ways=self._ways(tenant, row),
        )

    def registration(self, session_key: str) -> "tuple[Registration, Tenant]":
        """Return how a session's mode reaches the Digital Authentication Service, and for whom.

        Raises KeyRefusedError `session.key`, StateError `check.way_closed`.
        """
        with self._store.read() as db:
            tenant, _ = self._by_key(db, session_key)
        registered = self._modes(tenant.livemode).services.digital_auth
        if registered is None:
            raise StateError("check.way_closed", "This way is not open here.", next="Choose another way.")
        return registered, tenant

    def complete(self, session_key: str, signed: SessionSignature) -> SessionReturn:
        """Verify what the person's device signed, or record who logged in, and end the session, once.

        A verdict that could not tell leaves the session open. Raises KeyRefusedError `session.key`, StateError
        `session.not_open`, and what `Verifier.verify` raises.
        """
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
            session = self._seen(tenant, row)
            if session.status != "open":
                raise not_open(session.status)
            content = self._open_content(db, tenant.id, row)
        mode = self._modes(tenant.livemode)
        asked = msgspec.json.decode(row.body, type=SessionRequest)
        request = msgspec.structs.replace(
            as_verification(asked, content),
            signature=signed.signature,
            certificate=signed.certificate,
            signing_result=signed.signing_result,
            device=signed.device,
        )
        code, remembered = self._new_code(tenant.id, session.id, moment(mode.clock()))

        def also(db: Connection, answer: VerificationAnswer) -> None:
            self._completed(db, tenant, session.id, answer, remembered)
            if signed.login is not None and not asked.is_login:
                self._attestor.remember(db, tenant, answer, signed.login)

        if asked.is_login and signed.login is not None:
            answer = self._attestor.record(mode, tenant, asked, signed.login, session_id=session.id, also=also)
        else:
            answer = self._verifier.verify(
                mode, tenant, request, session_id=session.id, allowed=asked.wanted, also=also
            )
        with self._store.read() as db:
            ended = self._whole(db, tenant, find_session(db, tenant.id, session.id))
        code = "" if ended.status == "open" else code
        return SessionReturn(
            session=ended, url=return_to(ended, code), code=code, verdict=answer.verdict, messages=answer.messages
        )

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
        session, code = self._end(tenant, row.session_id, status, coded=True)
        return SessionReturn(session=session, url=return_to(session, code), code=code)

    def ending(self, session_key: str, code: str = "") -> SessionReturn:
        """Return how a session ended and where its person goes, or what an open one's last check could not tell.

        code: what the browser was given when it ended the session; stands in the address where it is the right one.
        Raises KeyRefusedError `session.key`, StateError `session.still_open` where nothing was checked yet.
        """
        with self._store.read() as db:
            tenant, row = self._by_key(db, session_key)
            session = self._seen(tenant, row)
            if session.status == "open" and session.verification is None:
                raise StateError("session.still_open", "The session has not ended.", next="Sign or cancel first.")
            code = code if code and self._code_fits(row, code) else ""
            back = SessionReturn(session=session, url=return_to(session, code), code=code)
            if session.status not in TOLD or session.verification is None:
                return back
            made = find_verification(db, tenant.id, session.verification)
        return msgspec.structs.replace(back, verdict=made.verdict, messages=made.messages)

    def _ways(self, tenant: Tenant, row: Any) -> tuple[Way, ...]:
        """Return the ways that the law opens to their devices today, and for which there is a service."""
        asked, mode = msgspec.json.decode(row.body, type=SessionRequest), self._modes(tenant.livemode)
        possible = [way for way in WAYS if way != "digital_auth" or mode.services.digital_auth is not None]
        if asked.is_login and asked.wanted:  # on the card they lie behind a PIN of their own that no page asks for
            possible = [way for way in possible if way != "card"]
        if asked.law is None or asked.method is None:
            return tuple(possible)
        law, on, channel, of = asked.law, japanese_day(mode.clock()), asked.channel, standing(tenant)
        open_to = {
            way: {one.id for one in methods(law, on=on, channel=channel, tenant=of, device=WAYS[way])}
            for way in possible
        }
        return tuple(way for way in possible if asked.method in open_to[way])

    def _completed(
        self, db: Connection, tenant: Tenant, session_id: str, answer: VerificationAnswer, code: dict[str, Any]
    ) -> None:
        table, now = schema.sessions, moment(answer.created_at)
        until = answer.created_at + RESULT_FOR
        could_not_tell = answer.verdict.indication == "INDETERMINATE"
        values: dict[str, Any] = {"verification_id": answer.id}
        if not could_not_tell:
            values |= {"status": "completed", "four_items_until": moment(until) if answer.four_items else None, **code}
        # two answers for one session: the later one finds it no longer open, and its whole transaction is undone
        ended = db.execute(
            update(table)
            .where(table.c.tenant_id == tenant.id, table.c.session_id == session_id, table.c.status == "open")
            .values(**values)
        )
        if ended.rowcount != 1:
            raise not_open("completed")
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
