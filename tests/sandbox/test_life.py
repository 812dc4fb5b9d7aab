"""Life events: which certificates end, for which reason, and what comes after them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from honnin.errors import InputError, NotFoundError, StateError
from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.life import EVENTS, happen
from honnin.sandbox.people import card_material, persons
from honnin.sandbox.people_listing import listing
from honnin.sandbox.states import history, situation, state_of
from honnin.sandbox.world import World

NewWorld = Callable[..., World]


def latest(world: World, person: str, kind: str) -> Entry:
    return [e for e in register.of_person(world, person, world.now()) if e.kind == kind][-1]


@pytest.mark.parametrize(
    ("event", "signature", "authentication", "card"),
    [
        ("move", "affiliationChanged", None, "in_use"),
        ("rename", "affiliationChanged", None, "in_use"),
        ("correct", "affiliationChanged", None, "in_use"),
        ("lose", "certificateHold", "certificateHold", "suspended"),
        ("hold", "certificateHold", "certificateHold", "suspended"),
        ("die", "cessationOfOperation", "cessationOfOperation", "lapsed"),
        ("abroad", "cessationOfOperation", "cessationOfOperation", "lapsed"),
        ("compromise", "keyCompromise", "keyCompromise", "in_use"),
        ("request", "cessationOfOperation", "cessationOfOperation", "in_use"),
        ("return", "cessationOfOperation", "cessationOfOperation", "returned"),
        ("discard", "unspecified", "unspecified", "lapsed"),
        ("issue", None, None, "in_use"),
    ],
)
def test_event_ends_certificates(
    new_world: NewWorld, event: str, signature: str | None, authentication: str | None, card: str
) -> None:
    world = new_world()
    happen(world, "hanako", event)
    assert latest(world, "hanako", "signature").reason == signature
    assert latest(world, "hanako", "user_authentication").reason == authentication
    assert state_of(world, "hanako", world.now()).card_state == card
    assert history(world, "hanako", world.now())[-1] == (world.now(), event)


# how a person comes into each situation
WAYS: dict[str, tuple[str, ...]] = {
    "in_use": (),
    "suspended": ("lose",),
    "discarded": ("discard",),
    "returned": ("return",),
    "abroad": ("abroad",),
    "dead": ("die",),
}
RECORD = {"move", "rename", "correct"}
IMPOSSIBLE = {
    "in_use": {"find"},
    "suspended": set(EVENTS) - RECORD - {"find", "reissue", "die", "abroad"},
    "discarded": set(EVENTS) - RECORD - {"reissue", "die", "abroad"},
    "returned": set(EVENTS) - RECORD - {"reissue", "die", "abroad"},
    "abroad": set(EVENTS) - {"die"},
    "dead": set(EVENTS),
}


def usable(world: World, person: str) -> bool:
    entries = register.of_person(world, person, world.now())
    return any(not e.revoked_by(world.now()) and e.not_after >= world.now() for e in entries)


@pytest.mark.parametrize("before", WAYS)
def test_each_event_in_each_situation(new_world: NewWorld, before: str) -> None:
    """What is refused changes nothing; whoever is dead, abroad or without a card has no certificate that passes."""
    world = new_world()
    for event in EVENTS:
        person = next(one["id"] for one in listing(world) if one["card_state"] == "in_use" and one["pins"])
        for way in WAYS[before]:
            happen(world, person, way)
        state = state_of(world, person, world.now())
        assert situation(state) == before
        held = history(world, person, world.now())
        if event in IMPOSSIBLE[before]:
            with pytest.raises(StateError) as caught:
                happen(world, person, event)
            assert (caught.value.code, bool(caught.value.next)) == ("life.not_possible", True)
            assert history(world, person, world.now()) == held
        else:
            assert happen(world, person, event).event == event
        after = situation(state_of(world, person, world.now()))
        assert after == "in_use" or not usable(world, person), (before, event, person)
        if after == "in_use":
            happen(world, person, "return")


def test_a_move_leaves_a_lost_card_lost(new_world: NewWorld) -> None:
    world = new_world()
    happen(world, "hanako", "lose")
    happen(world, "hanako", "move")
    assert state_of(world, "hanako", world.now()).card_state == "suspended"
    assert happen(world, "hanako", "reissue").issued
    assert state_of(world, "hanako", world.now()).card_state == "in_use"


def test_renewal_supersedes_and_remembers(new_world: NewWorld) -> None:
    world = new_world()
    before = latest(world, "hanako", "signature")
    outcome = happen(world, "hanako", "renew")
    after = latest(world, "hanako", "signature")
    ended = register.entry(world, "signature", before.serial)
    assert ended is not None
    assert (ended.reason, ended.revoked_at) == ("superseded", world.now())
    assert after.previous == before.serial
    assert after.card == before.card
    assert outcome.issued["signature"] == f"{after.serial:x}"


def test_renewal_within_three_months_of_the_end_runs_to_the_sixth_birthday(new_world: NewWorld) -> None:
    """tomoko turns 52 forty days after the world's birth and renewed twenty days before it."""
    world = new_world()
    chain = [e for e in register.of_person(world, "tomoko", world.now()) if e.kind == "signature"]
    assert (chain[1].not_after.date() - chain[0].not_after.date()).days in {1826, 1827}


def test_nothing_outlives_its_card(new_world: NewWorld) -> None:
    world = new_world()
    happen(world, "kyoko", "renew", at=world.now() + timedelta(days=365 * 5))
    renewed = register.of_person(world, "kyoko", world.now() + timedelta(days=365 * 6))[-1]
    assert renewed.not_after == datetime(2032, 10, 22, 14, 59, 59, tzinfo=UTC)  # tenth birthday of the card of 2023


def test_move_then_issue_gives_a_signature_certificate_alone(new_world: NewWorld) -> None:
    world = new_world()
    before = latest(world, "hanako", "signature")
    happen(world, "hanako", "move", changes={"address": "京都府京都市中京区見本町１番", "municipality": "26104"})
    world.advance(timedelta(days=2))
    outcome = happen(world, "hanako", "issue")
    after = latest(world, "hanako", "signature")
    assert set(outcome.issued) == {"signature"}
    assert after.previous == before.serial
    assert after.holder.address == "京都府京都市中京区見本町１番"
    assert after.municipality == "26104"


def test_a_move_that_says_nothing_leads_somewhere(new_world: NewWorld) -> None:
    world = new_world()
    before = state_of(world, "hanako", world.now())
    happen(world, "hanako", "move")
    after = state_of(world, "hanako", world.now())
    assert (before.address, before.municipality) != (after.address, after.municipality)


def test_a_hold_is_never_released(new_world: NewWorld) -> None:
    world = new_world()
    happen(world, "hanako", "lose")
    world.advance(timedelta(days=1))
    happen(world, "hanako", "find")
    assert latest(world, "hanako", "signature").reason == "certificateHold"
    world.advance(timedelta(days=1))
    happen(world, "hanako", "die")
    assert latest(world, "hanako", "signature").reason == "certificateHold"


def test_one_certificate_alone_may_be_given_up(new_world: NewWorld) -> None:
    world = new_world()
    happen(world, "hanako", "request", purposes=("user_authentication",))
    assert latest(world, "hanako", "signature").reason is None
    assert latest(world, "hanako", "user_authentication").reason == "cessationOfOperation"


def test_a_new_card_is_another_chip(new_world: NewWorld) -> None:
    world = new_world()
    before = card_material(world, "hanako")
    happen(world, "hanako", "reissue")
    after = card_material(world, "hanako")
    assert (before.card_id, after.card_id) == ("hanako-1", "hanako-2")
    assert before.signature_certificate != after.signature_certificate


def test_a_phone_ends_with_the_card_it_derives_from(new_world: NewWorld) -> None:
    world = new_world()
    assert latest(world, "keita", "mobile_signature").not_after <= latest(world, "keita", "signature").not_after
    happen(world, "keita", "move")
    assert latest(world, "keita", "mobile_signature").reason == "affiliationChanged"
    assert latest(world, "keita", "mobile_user_authentication").reason is None


def test_a_child_gets_a_signature_certificate_at_fifteen(new_world: NewWorld) -> None:
    """yui turned twelve 100 days before the world's birth."""
    world = new_world()
    fifteen = world.born + timedelta(days=1096 - 100)
    assert "signature" not in happen(world, "yui", "issue", at=fifteen - timedelta(days=2)).issued
    assert "signature" in happen(world, "yui", "issue", at=fifteen + timedelta(days=2)).issued


def test_a_first_certificate_of_a_kind_sets_its_pin_at_the_counter(new_world: NewWorld) -> None:
    def pins() -> dict[str, str]:
        found: dict[str, str] = next(one["pins"] for one in listing(world) if one["id"] == "yui")
        return found

    world = new_world()
    assert list(pins()) == ["user_authentication"]
    assert card_material(world, "yui").signature_pin == ""
    world.set_clock(world.born + timedelta(days=1100), frozen=True)
    happen(world, "yui", "renew")
    assert set(pins()) == {"signature", "user_authentication"}
    assert card_material(world, "yui").signature_pin == pins()["signature"]


def test_every_certificate_that_can_come_has_a_pin() -> None:
    for one in persons():
        assert set(one.certificates) <= set(one.pins) | set(one.counter_pins), one.id


def test_what_happens_later_is_not_known_yet(new_world: NewWorld) -> None:
    world = new_world()
    happen(world, "hanako", "move", at=world.now() + timedelta(days=3))
    assert not latest(world, "hanako", "signature").revoked_by(world.now())
    assert state_of(world, "hanako", world.now()).address.startswith("東京都")
    world.advance(timedelta(days=3))
    assert latest(world, "hanako", "signature").revoked_by(world.now())


def test_nothing_happens_before_what_has_happened_already(new_world: NewWorld) -> None:
    """Whoever turns the clock back would else get a certificate that a later death does not end."""
    world = new_world()
    happen(world, "hanako", "die", at=world.now() + timedelta(days=3))
    with pytest.raises(StateError) as caught:
        happen(world, "hanako", "renew")
    assert caught.value.code == "life.time_passed"
    assert "2026-11-24" in caught.value.next


@pytest.mark.parametrize(
    ("event", "changes", "code"),
    [
        ("marry", {}, "life.event_unknown"),
        ("move", {"name": "見本"}, "life.change_unfit"),
        ("die", {"address": "見本"}, "life.change_unfit"),
        ("move", {"municipality": "99999"}, "life.municipality_unknown"),
        ("correct", {"birth": "19901399"}, "identity.date_malformed"),
        ("correct", {"birth": "20300101"}, "life.change_unfit"),
        ("correct", {"sex": "x"}, "life.change_unfit"),
        ("move", {"address": "あ" * 201}, "life.change_unfit"),
        ("rename", {"name": ""}, "life.change_unfit"),
    ],
)
def test_impossible_events_change_nothing(new_world: NewWorld, event: str, changes: dict[str, str], code: str) -> None:
    world = new_world()
    before = state_of(world, "hanako", world.now())
    with pytest.raises(Exception) as caught:
        happen(world, "hanako", event, changes=changes)
    assert getattr(caught.value, "code", None) == code
    assert state_of(world, "hanako", world.now()) == before
    assert latest(world, "hanako", "signature").reason is None


def test_nothing_happens_to_nobody(new_world: NewWorld) -> None:
    with pytest.raises(NotFoundError) as caught:
        happen(new_world(), "nobody", "move")
    assert caught.value.code == "people.unknown"
    assert issubclass(NotFoundError, InputError)
