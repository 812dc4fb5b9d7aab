"""Staff of a tenant: the operator adds, disables and resets them; each chooses a password at the first sign-in."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from honnin.errors import InputError, NotFoundError, StateError
from honnin.platform.clock import Clock, from_text, machine_clock, moment
from honnin.platform.hidden import LINE_ENDS, hides
from honnin.platform.ids import new_id
from honnin.platform.staff.models import Clerk, StaffMember
from honnin.platform.staff.passwords import Passwords, check_password, given_password
from honnin.platform.store import Store, schema
from honnin.platform.tenants import get_tenant

__all__ = ["Members", "named"]

GIVEN_LASTS = timedelta(days=7)
LONGEST_NAME = 60
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}\Z")
_STAFF = schema.staff.c


@dataclass(frozen=True, slots=True)
class Members:
    """The staff of one platform's tenants, by the machine's clock."""

    store: Store
    passwords: Passwords
    clock: Clock = machine_clock

    def add(self, tenant_id: str, login: str, name: str) -> tuple[StaffMember, str]:
        """Add a member; return it with the password that signs in once, within seven days.

        Raises InputError `staff.login`, `staff.name`, `tenant.unknown`; StateError `staff.exists`.
        """
        login, name, now = login.strip().casefold(), named(name, "staff.name"), self.clock()
        if not _LOGIN.match(login):
            raise InputError("staff.login", "A login has 2 to 40 characters of a-z, 0-9, dot, hyphen, underscore.")
        password = given_password()
        stored = self.passwords.stored(password)
        row = {
            "tenant_id": tenant_id,
            "staff_id": new_id("stf"),
            "login": login,
            "name": name,
            "created_at": moment(now),
            "status": "invited",
            "password": stored,
            "password_since": moment(now),
            "password_until": moment(now + GIVEN_LASTS),
        }

        def work(db: Connection) -> StaffMember:
            get_tenant(db, tenant_id)
            taken = select(_STAFF.staff_id).where(_STAFF.tenant_id == tenant_id, _STAFF.login == login)
            if db.execute(taken).scalar() is not None:
                raise StateError("staff.exists", "This login is taken.", next="Choose another one, or reset it.")
            db.execute(insert(schema.staff).values(row))
            return member_of(db.execute(_by_login(tenant_id, login)).one())

        return self.store.write(work, tenant=tenant_id), password

    def all(self, tenant_id: str) -> list[StaffMember]:
        """Return a tenant's staff by login. Raises InputError `tenant.unknown`."""
        with self.store.read() as db:
            get_tenant(db, tenant_id)
            rows = db.execute(select(schema.staff).where(_STAFF.tenant_id == tenant_id).order_by(_STAFF.login))
            return [member_of(row) for row in rows]

    def disable(self, tenant_id: str, login: str) -> StaffMember:
        """Let a member sign in no more; a session that is open ends. Raises NotFoundError `staff.unknown`."""
        return self._change(tenant_id, login, status="disabled")

    def reset(self, tenant_id: str, login: str) -> tuple[StaffMember, str]:
        """Give a member a new password, as `add` does: unlocks, enables, and ends open sessions.

        Raises NotFoundError `staff.unknown`.
        """
        password, now = given_password(), self.clock()
        changed = self._change(
            tenant_id,
            login,
            status="invited",
            password=self.passwords.stored(password),
            password_since=moment(now),
            password_until=moment(now + GIVEN_LASTS),
        )
        return changed, password

    def choose_password(self, clerk: Clerk, password: str) -> None:
        """Give an invited member who signed in the password that they chose; their sessions elsewhere end.

        A member who has chosen one gets another by `reset` alone: an unwatched terminal must not be enough to take it
        over. Raises StateError `staff.password_chosen`; InputError `staff.password_short`, `staff.password_weak`,
        `staff.password_same`.
        """
        chosen = StateError("staff.password_chosen", "The password was chosen already.", next="Ask for a reset.")
        if clerk.staff.status != "invited":
            raise chosen
        check_password(password, clerk.staff.login, clerk.staff.name, clerk.tenant.name)
        key = (_STAFF.tenant_id == clerk.tenant.id, _STAFF.staff_id == clerk.staff.id)
        with self.store.read() as db:
            present = db.execute(select(_STAFF.password).where(*key)).scalar()
        if self.passwords.fits(password, present):
            raise InputError("staff.password_same", "This is the password as it was.", next="Choose another one.")
        values = {"password": self.passwords.stored(password), "password_since": moment(self.clock())}
        query = update(schema.staff).where(*key, _STAFF.status == "invited", _STAFF.password == present)

        def work(db: Connection) -> bool:
            done = db.execute(query.values(**values, status="active", password_until=None)).rowcount == 1
            if done:
                _end_sessions(db, clerk.tenant.id, clerk.staff.id, values["password_since"], but=clerk.sign_in)
            return done

        if not self.store.write(work, tenant=clerk.tenant.id):
            raise chosen

    def _change(self, tenant_id: str, login: str, **values: Any) -> StaffMember:
        login = login.strip().casefold()

        def work(db: Connection) -> StaffMember:
            db.execute(
                update(schema.staff).where(_STAFF.tenant_id == tenant_id, _STAFF.login == login).values(**values)
            )
            row = db.execute(_by_login(tenant_id, login)).one_or_none()
            if row is None:
                raise NotFoundError(
                    "staff.unknown", "The tenant has no such member of staff.", next="See `honnin tenant staff list`."
                )
            _end_sessions(db, tenant_id, row.staff_id, moment(self.clock()))
            return member_of(row)

        return self.store.write(work, tenant=tenant_id)


def _end_sessions(db: Connection, tenant_id: str, staff_id: str, now: str, *, but: str = "") -> None:
    tries = schema.staff_sign_ins.c
    theirs = (tries.tenant_id == tenant_id, tries.staff_id == staff_id, tries.sign_in_id != but)
    still = (tries.key_hash.is_not(None), tries.ended_at.is_(None))
    db.execute(update(schema.staff_sign_ins).where(*theirs, *still).values(ended_at=now, ending="withdrawn"))


def named(text: str, code: str) -> str:
    """Return a name without surrounding space. Raises InputError with `code` for one that cannot be read."""
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_NAME or hides(text) or set(text) & LINE_ENDS:
        raise InputError(code, f"A name has 1 to {LONGEST_NAME} characters that can be seen.", next="Choose another.")
    return text


def member_of(row: Any) -> StaffMember:
    """Return the member that a row of `staff` is."""
    return StaffMember(
        id=row.staff_id, login=row.login, name=row.name, created_at=from_text(row.created_at), status=row.status
    )


def _by_login(tenant_id: str, login: str) -> Any:
    return select(schema.staff).where(_STAFF.tenant_id == tenant_id, _STAFF.login == login)
