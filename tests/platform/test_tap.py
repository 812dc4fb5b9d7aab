"""Tap use: registered with a PIN once, then without one, only at supervised terminals, each nonce once."""

import base64
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from honnin.chip import Challenge, MyNumberCard, Trust, open_reader
from honnin.chip.document import TrustedKey
from honnin.chip.my_number_card.tap import TapCard, Tapped
from honnin.connect.worlds import open_world
from honnin.errors import AccessError, NotFoundError, PinError, StateError
from honnin.platform import Settings
from honnin.platform.models import Caller, VerificationRequest
from honnin.platform.tap import Tap, Terminal
from honnin.web.serving import Running, serve_in_thread

BORN = date(1990, 4, 12)


class Door:
    """A supervised door, and the customers who are registered there."""

    def __init__(self, running: Running) -> None:
        self.platform, self.data = running.platform, running.platform.settings.data
        self.world = open_world(self.data)
        self.caller: Caller = self.platform.authenticate(running.api_key)
        self.tenant = self.caller.tenant
        self.taps = self.platform.taps
        self.terminal: Terminal = self.taps.add_terminal(
            self.tenant, "入口", "見本図書館", supervised=True, outdoors=False
        )

    @property
    def mode(self) -> Any:
        return self.platform._modes[False]

    def register(self, person: str = "hanako", pin: str = "HANAKO2468") -> str:
        """Verify a person with a PIN and register them."""
        from honnin.chip import Pin

        with open_reader(f"emulated:{person}", data=self.data) as reader, MyNumberCard(reader) as card:
            card.jpki.unlock(Pin("signature", pin))
            certificate = card.jpki.certificate("signature")
            made = card.jpki.sign_message("signature", b"library")
        request = VerificationRequest(
            purpose="library", document=b"library", signature=made.value, certificate=certificate
        )
        answer = self.platform.verify(self.caller, request)
        assert answer.person
        self.taps.register(self.tenant, answer.person, BORN, at=self.mode.clock())
        return answer.person

    def trust(self) -> Trust:
        keys = tuple(TrustedKey("my_number_card", *key) for key in self.world.document_trust()["my_number_card"])
        return Trust((), self.world.now(), keys)

    def tap(self, url: str = "emulated:hanako", *, challenge: Challenge | None = None) -> Tap:
        """Tap a card: certificate, birth-date key, internal authentication."""
        at = self.mode.clock()
        challenge = challenge or self.taps.begin(self.tenant, self.terminal.id, at=at)
        with open_reader(url, data=self.data) as reader, MyNumberCard(reader) as card:
            terminal = TapCard(card)
            seen = self.taps.recognise(self.mode, self.tenant, terminal.certificate())
            tapped: Tapped | None = None
            if seen.birth_date is not None:
                tapped = terminal.internal_authentication(seen.birth_date, challenge, self.trust())
        return self.taps.finish(self.tenant, self.terminal.id, challenge, seen, tapped, at=self.mode.clock())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data: Path = tmp_path_factory.mktemp("tap") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as served:
        yield served


@pytest.fixture(scope="module")
def door(running: Running) -> Door:
    return Door(running)


@pytest.fixture(scope="module")
def hanako(door: Door) -> str:
    return door.register()


def test_customer_taps_without_a_pin_and_is_found_by_the_counterpart(door: Door, hanako: str) -> None:
    tap = door.tap()
    assert (tap.outcome, tap.person, tap.assurance_level) == ("accepted", hanako, 1)


def test_stranger_and_ended_certificate_stay_outside(door: Door, hanako: str) -> None:
    assert door.tap("emulated:taro").outcome == "refused"
    assert door.tap("emulated:taro").person is None


def test_copy_of_a_card_stays_outside(door: Door, hanako: str) -> None:
    tap = door.tap("emulated:hanako/my_number_card:copied")
    assert tap.outcome == "refused"
    assert tap.person is None


def test_nonce_serves_once_and_for_its_terminal_and_time(door: Door, hanako: str) -> None:
    at = door.mode.clock()
    challenge = door.taps.begin(door.tenant, door.terminal.id, at=at)
    assert door.tap(challenge=challenge).outcome == "accepted"
    with pytest.raises(StateError, match=r"tap\.nonce"):
        door.tap(challenge=challenge)
    with pytest.raises(StateError, match=r"tap\.nonce"):
        door.tap(challenge=Challenge(bytes(32), "tap", door.terminal.id))
    late = door.taps.begin(door.tenant, door.terminal.id, at=at - timedelta(seconds=61))
    with pytest.raises(StateError, match=r"tap\.nonce"):
        door.tap(challenge=late)
    other = door.taps.add_terminal(door.tenant, "出口", "見本図書館", supervised=True, outdoors=False)
    with pytest.raises(StateError, match=r"tap\.nonce"):
        door.tap(challenge=door.taps.begin(door.tenant, other.id, at=door.mode.clock()))


def test_proof_over_another_nonce_is_refused(door: Door, hanako: str) -> None:
    at = door.mode.clock()
    first = door.taps.begin(door.tenant, door.terminal.id, at=at)
    second = door.taps.begin(door.tenant, door.terminal.id, at=at)
    with open_reader("emulated:hanako", data=door.data) as reader, MyNumberCard(reader) as card:
        seen = door.taps.recognise(door.mode, door.tenant, TapCard(card).certificate())
        assert seen.birth_date is not None
        tapped = TapCard(card).internal_authentication(seen.birth_date, first, door.trust())
    assert door.taps.finish(door.tenant, door.terminal.id, second, seen, tapped, at=at).outcome == "refused"


def test_birth_date_key_of_somebody_else_opens_no_card(door: Door, hanako: str) -> None:
    challenge = door.taps.begin(door.tenant, door.terminal.id, at=door.mode.clock())
    with open_reader("emulated:hanako", data=door.data) as reader, MyNumberCard(reader) as card:
        seen = door.taps.recognise(door.mode, door.tenant, TapCard(card).certificate())
    assert seen.birth_date is not None
    with (
        open_reader("emulated:taro", data=door.data) as reader,
        MyNumberCard(reader) as card,
        pytest.raises(PinError),
    ):
        TapCard(card).internal_authentication(seen.birth_date, challenge, door.trust())


@pytest.mark.parametrize(
    ("supervised", "outdoors", "code"), [(False, False, "tap.not_supervised"), (True, True, "tap.outdoors")]
)
def test_terminal_must_be_supervised_and_indoors(door: Door, supervised: bool, outdoors: bool, code: str) -> None:
    with pytest.raises(AccessError) as caught:
        door.taps.add_terminal(door.tenant, "a", "b", supervised=supervised, outdoors=outdoors)
    assert caught.value.code == code


def test_unknown_terminal_gets_no_nonce(door: Door) -> None:
    with pytest.raises(NotFoundError):
        door.taps.begin(door.tenant, "trm_unknown", at=door.mode.clock())


def test_birth_date_lies_sealed(door: Door, hanako: str) -> None:
    with door.platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT content FROM sealed WHERE kind = 'tap_birth'").scalars().all()
    assert rows
    assert all(b"020412" not in bytes(content) for content in rows)
    assert base64.b64encode(b"020412") not in b"".join(map(bytes, rows))
