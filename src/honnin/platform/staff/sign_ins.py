"""Signing in at a terminal, and what follows: one session a terminal, ended by leaving, idling, a day, or the operator.

Guessing is bounded by what is written, not by what is remembered: each try is recorded as refused before the password
is looked at, in the transaction that counts the earlier ones, so that neither many tries at once nor a killed process
gain one. After STAFF_TRIES for a member, or ADDRESS_TRIES from one network address, in LOCKED nobody is let in.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from honnin.errors import AccessError
from honnin.platform.clock import Clock, from_text, machine_clock, moment
from honnin.platform.ids import keyed_hash, new_id, new_object_key, read_object_key
from honnin.platform.keys import Keyring
from honnin.platform.staff.members import member_of
from honnin.platform.staff.models import Clerk, Ending, SignIn
from honnin.platform.staff.passwords import Passwords
from honnin.platform.staff.terminals import CounterTerminals
from honnin.platform.store import Store, schema
from honnin.platform.tenants import get_tenant

__all__ = ["IDLE", "LONGEST", "SignIns"]

STAFF_TRIES, ADDRESS_TRIES, LOCKED = 5, 30, timedelta(minutes=15)
IDLE, LONGEST = timedelta(minutes=15), timedelta(hours=12)
NOTED = timedelta(seconds=30)  # of the session's last use, to this precision
KEPT = timedelta(days=400)
_TRIES, _STAFF, _TERMINALS = schema.staff_sign_ins.c, schema.staff.c, schema.counter_terminals.c
_OPEN = (_TRIES.key_hash.is_not(None), _TRIES.ended_at.is_(None))


@dataclass(frozen=True, slots=True)
class SignIns:
    """The sessions of one platform's counters, by the machine's clock."""

    store: Store
    keys: Keyring
    passwords: Passwords
    terminals: CounterTerminals
    clock: Clock = machine_clock

    def sign_in(self, terminal_key: str, login: str, password: str, *, address: str) -> tuple[str, tuple[str, ...]]:
        """Return a new session's key, and the sign-ins at the terminal that ended with it.

        Raises AccessError `staff.no_terminal`, `staff.refused` for a login or password that does not fit,
        `staff.locked` (retryable) after too many tries, `staff.invitation_ended`.
        """
        tenant, terminal = self.terminals.find(terminal_key)
        begun = self._begin(tenant.id, terminal.id, login.strip().casefold(), address)
        if begun.locked:
            raise AccessError(
                "staff.locked", "Too many tries.", next="Wait a quarter of an hour, or ask for a reset.", retryable=True
            )
        member = begun.member
        fits = self.passwords.fits(password, None if member is None else member.password)
        if member is None or not fits or member.status == "disabled":
            raise AccessError("staff.refused", "Login and password do not fit.", next="Type both again.")
        now = self.clock()
        if member.password_until is not None and member.password_until <= moment(now):
            raise AccessError("staff.invitation_ended", "The given password is too old.", next="Ask for a new one.")
        key = new_object_key(tenant.id, begun.sign_in)

        def work(db: Connection) -> tuple[str, ...] | None:
            still = select(_STAFF.password).where(_STAFF.tenant_id == tenant.id, _STAFF.staff_id == member.staff_id)
            row = db.execute(still.where(_STAFF.status != "disabled").with_for_update()).scalar()
            if row != member.password:
                return None
            at_terminal = (_TRIES.tenant_id == tenant.id, _TRIES.terminal_id == terminal.id, *_OPEN)
            db.execute(  # one sign-in at a terminal after the other, on PostgreSQL too
                select(_TERMINALS.terminal_id)
                .where(_TERMINALS.tenant_id == tenant.id, _TERMINALS.terminal_id == terminal.id)
                .with_for_update()
            )
            before = tuple(db.execute(select(_TRIES.sign_in_id).where(*at_terminal)).scalars())
            _end(db, at_terminal, "replaced", moment(now))
            mine = (_TRIES.tenant_id == tenant.id, _TRIES.sign_in_id == begun.sign_in)
            db.execute(
                update(schema.staff_sign_ins)
                .where(*mine)
                .values(outcome="signed_in", key_hash=self._hash(key), seen_at=moment(now))
            )
            return before

        ended = self.store.write(work, tenant=tenant.id)
        if ended is None:
            raise AccessError("staff.refused", "Login and password do not fit.", next="Type both again.")
        return key, ended

    def _begin(self, tenant_id: str, terminal_id: str, login: str, address: str) -> "_Begun":
        """Record a try as refused, or as locked where there were too many."""
        sign_in, now = new_id("sin"), self.clock()
        tag = self._address(tenant_id, address)
        since = moment(now - LOCKED)

        def work(db: Connection) -> _Begun:
            db.execute(
                select(_TERMINALS.terminal_id)
                .where(_TERMINALS.tenant_id == tenant_id, _TERMINALS.terminal_id == terminal_id)
                .with_for_update()
            )
            member = db.execute(
                select(schema.staff).where(_STAFF.tenant_id == tenant_id, _STAFF.login == login).with_for_update()
            ).one_or_none()
            refused = select(func.count()).where(
                _TRIES.tenant_id == tenant_id, _TRIES.outcome == "refused", _TRIES.created_at > since
            )
            tries = db.execute(refused.where(_TRIES.address == tag)).scalar_one()
            locked = tries >= ADDRESS_TRIES
            if member is not None and not locked:
                good = select(func.max(_TRIES.created_at)).where(
                    _TRIES.tenant_id == tenant_id, _TRIES.staff_id == member.staff_id, _TRIES.outcome == "signed_in"
                )
                after = max(db.execute(good).scalar() or "", member.password_since)
                own = refused.where(_TRIES.staff_id == member.staff_id, _TRIES.created_at >= after)
                locked = db.execute(own).scalar_one() >= STAFF_TRIES
            db.execute(
                insert(schema.staff_sign_ins).values(
                    tenant_id=tenant_id,
                    sign_in_id=sign_in,
                    created_at=moment(now),
                    staff_id=None if member is None else member.staff_id,
                    terminal_id=terminal_id,
                    address=tag,
                    outcome="locked" if locked else "refused",
                )
            )
            return _Begun(sign_in, member, locked)

        return self.store.write(work, tenant=tenant_id)

    def find(self, key: str, terminal_key: str) -> Clerk:
        """Return who is signed in with a session's key at this very terminal, and note that the session is in use.

        Raises AccessError `staff.no_terminal`, `staff.signed_out`.
        """
        tenant, terminal = self.terminals.find(terminal_key)
        read = read_object_key(key, "sin")
        out = AccessError("staff.signed_out", "Nobody is signed in.", next="Sign in.")
        if read is None or read.tenant_id != tenant.id:
            raise out
        mine = (_TRIES.tenant_id == tenant.id, _TRIES.sign_in_id == read.object_id)
        with self.store.read() as db:
            row = db.execute(
                select(schema.staff_sign_ins).where(*mine, _TRIES.terminal_id == terminal.id, *_OPEN)
            ).one_or_none()
            if row is None or not hmac.compare_digest(row.key_hash, self._hash(key)):
                raise out
            member = db.execute(
                select(schema.staff).where(_STAFF.tenant_id == tenant.id, _STAFF.staff_id == row.staff_id)
            ).one()
        now = self.clock()
        ending = _ending(row, member, now)
        if ending is not None:
            self.store.write(lambda db: _end(db, (*mine, *_OPEN), ending, moment(now)), tenant=tenant.id)
            raise out
        if now - from_text(row.seen_at) > NOTED:
            seen = update(schema.staff_sign_ins).where(*mine, *_OPEN).values(seen_at=moment(now))
            self.store.write(lambda db: db.execute(seen), tenant=tenant.id)
        return Clerk(tenant=tenant, staff=member_of(member), terminal=terminal, sign_in=read.object_id)

    def renew(self, clerk: Clerk) -> str:
        """Return a new key for a session in place of its present one, as after the password was chosen."""
        key = new_object_key(clerk.tenant.id, clerk.sign_in)
        mine = (_TRIES.tenant_id == clerk.tenant.id, _TRIES.sign_in_id == clerk.sign_in)
        query = update(schema.staff_sign_ins).where(*mine, *_OPEN).values(key_hash=self._hash(key))
        self.store.write(lambda db: db.execute(query), tenant=clerk.tenant.id)
        return key

    def sign_out(self, clerk: Clerk) -> None:
        """End a session."""
        mine = (_TRIES.tenant_id == clerk.tenant.id, _TRIES.sign_in_id == clerk.sign_in, *_OPEN)
        now = moment(self.clock())
        self.store.write(lambda db: _end(db, mine, "signed_out", now), tenant=clerk.tenant.id)

    def all(self, tenant_id: str, *, limit: int = 100) -> list[SignIn]:
        """Return the newest tries to sign in first. Raises InputError `tenant.unknown`."""
        query = select(schema.staff_sign_ins).where(_TRIES.tenant_id == tenant_id)
        with self.store.read() as db:
            get_tenant(db, tenant_id)
            return [_shown(row) for row in db.execute(query.order_by(_TRIES.sign_in_id.desc()).limit(limit))]

    def forget(self, now: datetime) -> int:
        """Delete what was recorded more than 400 days ago; say how many rows that were."""
        old = (_TRIES.created_at < moment(now - KEPT),)
        with self.store.read() as db:
            count: int = db.execute(select(func.count()).select_from(schema.staff_sign_ins).where(*old)).scalar_one()
        if count:
            self.store.write(lambda db: db.execute(delete(schema.staff_sign_ins).where(*old)))
        return count

    def _hash(self, key: str) -> str:
        return keyed_hash(self.keys.derived("staff-session"), "staff-session", key)

    def _address(self, tenant_id: str, address: str) -> str:
        return keyed_hash(self.keys.derived("staff-address"), "staff-address", tenant_id, address)


@dataclass(frozen=True, slots=True)
class _Begun:
    sign_in: str
    member: Any = field(repr=False)  # row of `staff`, or None
    locked: bool


def _ending(row: Any, member: Any, now: datetime) -> Ending | None:
    """Return how a session has ended by now, None while it goes on."""
    if from_text(row.seen_at) + IDLE <= now:
        return "idle"
    if from_text(row.created_at) + LONGEST <= now:
        return "too_long"
    return "withdrawn" if member.status == "disabled" else None


def _end(db: Connection, which: tuple[Any, ...], ending: Ending, now: str) -> None:
    db.execute(update(schema.staff_sign_ins).where(*which).values(ended_at=now, ending=ending))


def _shown(row: Any) -> SignIn:
    return SignIn(
        id=row.sign_in_id,
        at=from_text(row.created_at),
        staff=row.staff_id,
        terminal=row.terminal_id,
        address=row.address,
        outcome=row.outcome,
        ended_at=from_text(row.ended_at) if row.ended_at else None,
        ending=row.ending,
    )
