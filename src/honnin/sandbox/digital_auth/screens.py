"""The app's screens in the official order (§1.2): explanation, PIN, PIN of the four items, card, permission, done.

Nothing is asked of the card before the person put it there: tries are read without spending one, the last try is only
spent when the person says so, and a PIN of the wrong shape never reaches the card. In the sign flow the words to be
signed are shown first, and the form that goes on carries their digest, so that what was seen is what is signed.
"""

import re
from hashlib import sha256

import msgspec

from honnin.errors import NotFoundError
from honnin.sandbox.digital_auth.app_card import AppCard, CardFailedError, Pin, WrongPinError
from honnin.sandbox.digital_auth.authorizing import Asked
from honnin.sandbox.digital_auth.deciding import BIOMETRICS, grant, pins_needed, purpose_of, refuse, use_card
from honnin.sandbox.digital_auth.refusals import PageRefusal
from honnin.sandbox.digital_auth.store import digest
from honnin.sandbox.digital_auth.transactions import Transaction, transaction
from honnin.sandbox.digital_auth.visits import (
    State,
    Visit,
    change,
    derived,
    open_pins,
    same,
    seal_pins,
)
from honnin.sandbox.people import person as person_of
from honnin.sandbox.world import World

__all__ = ["ACTIONS", "MistakeError", "act", "form_token", "shown_digest", "signed_words"]

SHAPES: dict[Pin, str] = {
    "signature": r"(?=[A-Z0-9]*[A-Z])(?=[A-Z0-9]*[0-9])[A-Z0-9]{6,16}",
    "user_authentication": r"[0-9]{4}",
    "input_support": r"[0-9]{4}",
}
Form = dict[str, str]


class MistakeError(Exception):
    """Something on the screen needs another input; `words`: key of the sentence, `field`: where it belongs."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.words = words
        self.field = field


def signed_words(world: World, asked: Asked) -> Transaction | None:
    """Return the transaction of a sign request."""
    return None if asked.sign_transaction_id is None else transaction(world, asked.sign_transaction_id)


def shown_digest(found: Transaction) -> str:
    """Return what binds the screen's words to the bytes: SHA-256 over the words and the bytes that the card gets."""
    return sha256((found.text or "").encode() + b"\0" + found.given).hexdigest()


def act(world: World, visit: Visit, action: str, form: Form, *, cookie: str, language: str, switched: str) -> State:
    """Take one step and return the new state.

    language: in which the screens are shown.
    switched: how the `authorization` service is switched.
    Raises MistakeError (the same screen again), PageRefusal.
    """
    allowed, step = ACTIONS[action]
    if visit.state.step not in allowed:
        raise PageRefusal("visit_changed", 409)
    with change(world, visit) as after:
        after.append(step(_Turn(world, visit, form, cookie, language, switched)))
    return after[-1]


class _Turn(msgspec.Struct, frozen=True):
    """What one action knows."""

    world: World
    visit: Visit
    form: Form
    cookie: str
    language: str
    switched: str

    @property
    def state(self) -> State:
        return self.visit.state

    def card(self) -> AppCard:
        return AppCard(self.world, self.state.person or "")

    def ended(self, reason: str) -> State:
        location = refuse(self.world, self.visit.asked, reason, state=self.switched)
        return msgspec.structs.replace(self.state, step="ended", location=location, reason=reason, sealed=None)


def _join(turn: _Turn) -> State:
    """Let another device play the phone: it shows the secret of the QR code, once."""
    secret, expected = turn.form.get("hand", ""), turn.state.hand_over
    if expected is None or not same(digest(secret), expected):
        raise PageRefusal("visit_taken", 403)
    return msgspec.structs.replace(turn.state, phone=digest(turn.cookie), hand_over=None)


def _start(turn: _Turn) -> State:
    try:
        person = person_of(turn.form.get("person", "")).id
    except NotFoundError as error:
        raise MistakeError("choose_card", "person") from error
    state = msgspec.structs.replace(turn.state, person=person, sealed=None, wrong=None, agreed=())
    card = AppCard(turn.world, person)
    purpose = purpose_of(turn.visit.asked)
    if not card.issued(purpose):
        return turn.ended("not_issued")
    if any(card.tries(pin) == 0 for pin in pins_needed(turn.world, turn.visit.asked, card)):
        return turn.ended("pin_locked")
    return msgspec.structs.replace(state, step="pin" if turn.visit.asked.sign_transaction_id is None else "words")


def _words(turn: _Turn) -> State:
    found = signed_words(turn.world, turn.visit.asked)
    if found is None or not same(turn.form.get("shown", ""), shown_digest(found)):
        raise PageRefusal("visit_changed", 409)
    return msgspec.structs.replace(turn.state, step="pin", language=turn.language)


def _pin(turn: _Turn) -> State:
    card, purpose = turn.card(), purpose_of(turn.visit.asked)
    if turn.form.get("biometrics") == "yes" and card.is_phone and purpose == "user_authentication":
        typed, state = BIOMETRICS, turn.state
    else:
        typed, state = _typed(turn, card, purpose)
    more = "input_support" in pins_needed(turn.world, turn.visit.asked, card)
    sealed = seal_pins({purpose: typed}, turn.cookie, turn.visit.visit_id)
    return msgspec.structs.replace(state, step="items_pin" if more else "card", sealed=sealed, wrong=None)


def _items_pin(turn: _Turn) -> State:
    typed, state = _typed(turn, turn.card(), "input_support")
    pins = open_pins(turn.state.sealed, turn.cookie, turn.visit.visit_id) | {"input_support": typed}
    sealed = seal_pins(pins, turn.cookie, turn.visit.visit_id)
    return msgspec.structs.replace(state, step="card", sealed=sealed, wrong=None)


def _typed(turn: _Turn, card: AppCard, pin: Pin) -> tuple[str, State]:
    """Return a PIN of the right shape, and the state that remembers whether its last try may be spent."""
    typed = turn.form.get("pin", "").strip().upper()
    if not re.fullmatch(SHAPES[pin], typed):
        raise MistakeError(f"pin_shape_{pin}", "pin")
    agreed = turn.form.get("last_try") == "yes"
    if card.tries(pin) == 1 and not agreed:
        raise MistakeError("last_try_needed", "last_try")
    kept = tuple(one for one in turn.state.agreed if one != pin)
    return typed, msgspec.structs.replace(turn.state, agreed=(*kept, pin) if agreed else kept)


def _card(turn: _Turn) -> State:
    pins, card = open_pins(turn.state.sealed, turn.cookie, turn.visit.visit_id), turn.card()
    needed = pins_needed(turn.world, turn.visit.asked, card)
    for pin in needed:
        last = card.tries(pin) == 1 and pin not in turn.state.agreed and pins.get(pin) != BIOMETRICS
        if pin not in pins or last:
            return _again(turn, pin, pins)
    try:
        used = use_card(turn.world, turn.visit.asked, card, pins)
    except WrongPinError as error:
        return msgspec.structs.replace(_again(turn, error.pin, pins), wrong=error.pin)
    except CardFailedError as error:
        return turn.ended(error.reason)
    return msgspec.structs.replace(turn.state, step="allow", used=used, sealed=None)


def _again(turn: _Turn, pin: Pin, pins: dict[Pin, str]) -> State:
    """Go back to the screen of one PIN; the others stay typed."""
    kept = {name: typed for name, typed in pins.items() if name != pin}
    return msgspec.structs.replace(
        turn.state,
        step="items_pin" if pin == "input_support" else "pin",
        sealed=seal_pins(kept, turn.cookie, turn.visit.visit_id),
        agreed=tuple(one for one in turn.state.agreed if one != pin),
    )


def _allow(turn: _Turn) -> State:
    used = turn.state.used
    if used is None:
        raise PageRefusal("visit_changed", 409)
    language = turn.state.language
    location = grant(turn.world, turn.visit.asked, used, language=language, state=turn.switched)
    return msgspec.structs.replace(turn.state, step="ended", location=location, reason=None, used=None)


def _decline(turn: _Turn) -> State:
    return msgspec.structs.replace(turn.ended("items_refused"), used=None)


def _cancel(turn: _Turn) -> State:
    return msgspec.structs.replace(turn.ended("cancelled"), used=None)


def _again_from_start(turn: _Turn) -> State:
    return msgspec.structs.replace(turn.state, step="start", person=None, sealed=None, wrong=None, agreed=())


BEFORE_CARD = ("words", "pin", "items_pin", "card")
ACTIONS = {
    "join": (("start",), _join),
    "start": (("start",), _start),
    "words": (("words",), _words),
    "pin": (("pin",), _pin),
    "items_pin": (("items_pin",), _items_pin),
    "card": (("card",), _card),
    "allow": (("allow",), _allow),
    "decline": (("allow",), _decline),
    "cancel": (("start", *BEFORE_CARD, "allow"), _cancel),
    "back": (BEFORE_CARD, _again_from_start),
}


def form_token(cookie: str, visit_id: str) -> str:
    """Return the secret that every form of a visit carries."""
    return derived("form", cookie, visit_id)
