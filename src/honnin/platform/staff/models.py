"""Staff, terminals and sign-ins as commands and pages see them; none carries a password or a key."""

from datetime import datetime
from typing import Literal

import msgspec

from honnin.platform.models import Tenant

__all__ = ["Clerk", "CounterTerminal", "SignIn", "StaffMember"]

Outcome = Literal["signed_in", "refused", "locked"]
Ending = Literal["signed_out", "replaced", "idle", "too_long", "withdrawn"]


class StaffMember(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a tenant's staff.

    login: what is typed to sign in. name: what records say. status: `invited` until the given password was changed.
    """

    id: str
    login: str
    name: str
    created_at: datetime
    status: Literal["invited", "active", "disabled"]


class CounterTerminal(msgspec.Struct, frozen=True, kw_only=True):
    """One terminal of a tenant's counters. status: `waiting` until its code was typed in its browser."""

    id: str
    name: str
    place: str
    created_at: datetime
    status: Literal["waiting", "active", "retired"]


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One try to sign in. staff: None where nobody has the name that was typed, which is not kept.

    address: a keyed hash, the same for the same network address. ended_at, ending: of the session that began.
    """

    id: str
    at: datetime
    staff: str | None
    terminal: str
    address: str
    outcome: Outcome
    ended_at: datetime | None = None
    ending: Ending | None = None


class Clerk(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, where. sign_in: the id of the sign-in, which bounds whatever the clerk has begun."""

    tenant: Tenant
    staff: StaffMember
    terminal: CounterTerminal
    sign_in: str
