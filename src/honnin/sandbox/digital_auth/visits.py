"""A visit: one authorization request on its way through the person's screens, kept in the world between two requests.

browser, phone: digests of the cookies of the browser that began, and of the one that plays the phone (the same unless a
QR code handed over). wrong: the PIN that the card refused. agreed: PINs whose last try the person wants to spend.
sealed: the PINs typed so far, encrypted under the phone's cookie, gone when the card was used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from hmac import compare_digest
from secrets import randbelow
from typing import Literal

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from honnin.sandbox.digital_auth.app_card import Pin
from honnin.sandbox.digital_auth.authorizing import Asked
from honnin.sandbox.digital_auth.deciding import Used
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.refusals import PageRefusal
from honnin.sandbox.digital_auth.store import digest, new_secret
from honnin.sandbox.world import World

__all__ = ["State", "Visit", "change", "derived", "load", "open_pins", "open_visit", "same", "seal_pins"]

Step = Literal["start", "words", "pin", "items_pin", "card", "allow", "ended"]


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a visit has come. ended: the way back, and the reason for an end without success."""

    browser: str
    phone: str
    number: int
    step: Step = "start"
    hand_over: str | None = None
    person: str | None = None
    sealed: str | None = None
    wrong: Pin | None = None
    agreed: tuple[Pin, ...] = ()
    used: Used | None = None
    location: str | None = None
    reason: str | None = None
    language: str = "ja"

    def __repr__(self) -> str:
        return f"State({self.step!r})"


class Visit(msgspec.Struct, frozen=True):
    """One visit."""

    visit_id: str
    asked: Asked
    state: State


def open_visit(world: World, asked: Asked, cookie: str) -> Visit:
    """Begin a visit of the browser that holds a cookie."""
    visit_id, now = new_secret(), world.now().timestamp()
    handed = profile(world).assumptions.hand_over.hand_over == "qr"
    state = State(
        browser=digest(cookie),
        phone=digest(cookie),
        number=10 + randbelow(90),
        hand_over=digest(derived("hand-over", cookie, visit_id)) if handed else None,
    )
    until = now + profile(world).assumptions.lifetimes.screens
    with world.transaction() as db:
        db.execute("DELETE FROM dauth_visits WHERE until <= ?", (now - 3600,))
        db.execute(
            "INSERT INTO dauth_visits VALUES (?, ?, ?, ?, ?)",
            (digest(visit_id), msgspec.json.encode(asked).decode(), now, until, msgspec.json.encode(state).decode()),
        )
    return Visit(visit_id, asked, state)


def load(world: World, visit_id: str) -> Visit:
    """Return a visit. Raises PageRefusal `visit_unknown`, `visit_expired`."""
    row = world.connection().execute("SELECT * FROM dauth_visits WHERE visit = ?", (digest(visit_id),)).fetchone()
    if row is None:
        raise PageRefusal("visit_unknown", 404)
    if row["until"] <= world.now().timestamp():
        raise PageRefusal("visit_expired", 410)
    asked = msgspec.json.decode(row["request"], type=Asked)
    return Visit(visit_id, asked, msgspec.json.decode(row["state"], type=State))


@contextmanager
def change(world: World, visit: Visit) -> Iterator[list[State]]:
    """Replace a visit's state by the one that the block appends; refused when somebody else changed it meanwhile.

    Raises PageRefusal `visit_changed`: two windows, or a form sent twice.
    """
    replaced: list[State] = []
    yield replaced
    before, after = (msgspec.json.encode(state).decode() for state in (visit.state, replaced[-1]))
    with world.transaction() as db:
        done = db.execute(
            "UPDATE dauth_visits SET state = ? WHERE visit = ? AND state = ?", (after, digest(visit.visit_id), before)
        )
    if done.rowcount != 1:
        raise PageRefusal("visit_changed", 409)


def derived(purpose: str, cookie: str, visit_id: str) -> str:
    """Return a secret of a visit that only the holder of a cookie can make: form token, hand-over secret, seal."""
    return sha256(f"{purpose}\0{cookie}\0{visit_id}".encode()).hexdigest()


def same(a: str, b: str) -> bool:
    """Compare two secrets in constant time."""
    return compare_digest(a.encode(), b.encode())


def seal_pins(pins: dict[Pin, str], cookie: str, visit_id: str) -> str:
    """Encrypt what was typed under the phone's cookie."""
    key = OctKey.import_key(bytes.fromhex(derived("seal", cookie, visit_id)))
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, msgspec.json.encode(pins), key)


def open_pins(sealed: str | None, cookie: str, visit_id: str) -> dict[Pin, str]:
    """Return what was typed; nothing for another cookie."""
    if sealed is None:
        return {}
    key = OctKey.import_key(bytes.fromhex(derived("seal", cookie, visit_id)))
    try:
        plain = jwe.decrypt_compact(sealed.encode(), key).plaintext
    except JoseError:
        return {}
    return msgspec.json.decode(plain or b"{}", type=dict[Pin, str])
