"""Serial succession and counterpart serial: linked, pending for ninety minutes, unknown."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.issuing import authority_of
from honnin.sandbox.jlis.linking import LinkAnswer, find, link
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

NewWorld = Callable[..., World]


def ask(world: World, person: str, kind: str = "signature") -> LinkAnswer:
    entry = [e for e in register.of_person(world, person, world.now()) if e.kind == kind][-1]
    found = find(world, authority_of(world, entry).key_id.hex(), f"{entry.serial:x}")
    return link(world, found, world.now())


def test_an_old_certificate_has_its_counterpart_and_no_previous_one(new_world: NewWorld) -> None:
    world = new_world()
    told = ask(world, "hanako")
    assert (told.state, told.previous) == ("linked", None)
    assert told.counterpart is not None
    back = link(world, find(world, told.counterpart.issuer_key_id, told.counterpart.serial), world.now())
    entry = register.of_person(world, "hanako", world.now())[0]
    assert back.counterpart is not None
    assert int(back.counterpart.serial, 16) == entry.serial


def test_a_new_certificate_is_pending_for_ninety_minutes(new_world: NewWorld) -> None:
    """sora renewed twenty minutes before the world's birth."""
    world = new_world()
    assert ask(world, "sora") == LinkAnswer("pending")
    world.advance(timedelta(minutes=70, seconds=-1))
    assert ask(world, "sora").state == "pending"
    world.advance(timedelta(seconds=1))
    told = ask(world, "sora")
    assert told.state == "linked"
    assert told.previous is not None


def test_a_chain_leads_over_generations_to_the_first(new_world: NewWorld) -> None:
    """hisashi: issued, lost, issued anew by the next generation of keys."""
    world = new_world()
    for _ in range(2):
        happen(world, "hisashi", "renew")
        world.advance(timedelta(days=1))
    told, serials = ask(world, "hisashi"), []
    while told.previous is not None:
        serials.append(told.previous.serial)
        told = link(world, find(world, told.previous.issuer_key_id, told.previous.serial), world.now())
    assert len(serials) == len(set(serials)) == 3


def test_one_certificate_alone_has_no_counterpart(new_world: NewWorld) -> None:
    world = new_world()
    assert ask(world, "shin").counterpart is None
    assert ask(world, "riyo", "user_authentication").counterpart is None


@pytest.mark.parametrize(
    ("key_id", "serial"), [("", ""), ("zz", "1"), ("00" * 20, "1"), ("{ca}", "ffffffffffffffffffff"), ("{ca}", "-1")]
)
def test_what_was_never_issued_is_unknown(new_world: NewWorld, key_id: str, serial: str) -> None:
    world = new_world()
    entry = register.of_person(world, "hanako", world.now())[0]
    wanted = key_id.format(ca=authority_of(world, entry).key_id.hex())
    assert link(world, find(world, wanted, serial), world.now()) == LinkAnswer("unknown")
