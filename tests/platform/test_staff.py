"""Staff sign in at a terminal with a password of their own: who may, when it ends, and what guessing gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from honnin.errors import AccessError, HonninError, InputError, StateError
from honnin.platform import Platform
from honnin.platform.staff import CounterTerminals, Members, SignIns
from honnin.platform.staff.passwords import Passwords

OWN = "umi kaze hikari 9"
HERE = "192.0.2.7"


class Desk:
    """A tenant's counter by a clock that stands still until it is moved."""

    def __init__(self, platform: Platform, name: str = "試験銀行") -> None:
        self.now = datetime(2026, 11, 27, 3, tzinfo=UTC)
        self.tenant = platform.create_tenant(name).tenant
        passwords = Passwords(platform.keys)
        self.staff = Members(platform.store, passwords, self.clock)
        self.terminals = CounterTerminals(platform.store, platform.keys, self.clock)
        self.sign_ins = SignIns(platform.store, platform.keys, passwords, self.terminals, self.clock)

    def clock(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    def terminal(self, name: str = "窓口1") -> str:
        return self.terminals.enrol(self.terminals.add(self.tenant, name, "見本支店")[1])

    def member(self, login: str = "mihon") -> str:
        """Add a member who has chosen OWN."""
        _, given = self.staff.add(self.tenant, login, "見本　係員")
        terminal = self.terminal("登録用")
        key, _ = self.sign_ins.sign_in(terminal, login, given, address=HERE)
        self.staff.choose_password(self.sign_ins.find(key, terminal), OWN)
        return login

    def sign_in(self, terminal: str, password: str = OWN, login: str = "mihon", address: str = HERE) -> str:
        return self.sign_ins.sign_in(terminal, login, password, address=address)[0]


@pytest.fixture
def desk(platform: Platform) -> Desk:
    return Desk(platform)


def code_of(call: object) -> str:
    with pytest.raises(HonninError) as caught:
        call()  # type: ignore[operator]
    return caught.value.code


def test_given_password_is_changed_and_the_session_says_who_and_where(desk: Desk) -> None:
    member, given = desk.staff.add(desk.tenant, " Mihon ", "見本　係員")
    assert (member.login, member.status) == ("mihon", "invited")
    terminal = desk.terminal()
    key = desk.sign_in(terminal, given)
    clerk = desk.sign_ins.find(key, terminal)
    assert (clerk.staff.status, clerk.terminal.name, clerk.terminal.place) == ("invited", "窓口1", "見本支店")
    desk.staff.choose_password(clerk, OWN)
    fresh = desk.sign_ins.renew(clerk)
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.signed_out"
    assert desk.sign_ins.find(fresh, terminal).staff.status == "active"
    again = "another " + OWN
    for stale in (clerk, desk.sign_ins.find(fresh, terminal)):  # a form sent twice, and a terminal left unwatched
        assert code_of(lambda stale=stale: desk.staff.choose_password(stale, again)) == "staff.password_chosen"
    assert code_of(lambda: desk.sign_in(terminal, given)) == "staff.refused"
    assert desk.sign_in(terminal)


def test_stored_forms_hold_no_secret(desk: Desk, platform: Platform) -> None:
    desk.member()
    terminal = desk.terminal()
    key = desk.sign_in(terminal)
    with platform.store.read() as db:
        kept = "".join(
            str(row)
            for table in ("staff", "counter_terminals", "staff_sign_ins")
            for row in db.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
        )
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept
    for secret in (OWN, key, key[48:], terminal, terminal[48:], HERE):
        assert secret not in kept


def test_a_stolen_store_alone_cannot_try_passwords(desk: Desk, platform: Platform) -> None:
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    desk.member()
    with platform.store.read() as db:
        stored = db.exec_driver_sql("SELECT password FROM staff").scalar_one()
    with pytest.raises(InvalidKey):
        Argon2id.verify_phc_encoded(OWN.encode(), stored)


def test_guessing_a_member_is_locked_out_and_a_reset_opens(desk: Desk) -> None:
    desk.member()
    terminal = desk.terminal()
    for _ in range(5):
        assert code_of(lambda: desk.sign_in(terminal, "wrong wrong wrong")) == "staff.refused"
    assert code_of(lambda: desk.sign_in(terminal)) == "staff.locked"
    assert code_of(lambda: desk.sign_in(desk.terminal("窓口2"), address="198.51.100.1")) == "staff.locked"
    desk.move(minutes=14)
    assert code_of(lambda: desk.sign_in(terminal)) == "staff.locked"
    desk.move(minutes=2)
    assert desk.sign_in(terminal)
    for _ in range(5):
        assert code_of(lambda: desk.sign_in(terminal, "wrong wrong wrong")) == "staff.refused"
    desk.move(seconds=1)
    _, given = desk.staff.reset(desk.tenant, "mihon")
    desk.move(seconds=1)
    assert desk.sign_in(terminal, given)
    outcomes = [one.outcome for one in desk.sign_ins.all(desk.tenant)]
    assert (outcomes.count("refused"), outcomes.count("locked")) == (10, 3)


def test_tries_at_once_gain_nothing(desk: Desk) -> None:
    desk.member()
    terminal = desk.terminal()

    def guess(_: int) -> str:
        return code_of(lambda: desk.sign_in(terminal, "wrong wrong wrong"))

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(guess, range(12)))
    assert (told.count("staff.refused"), told.count("staff.locked")) == (5, 7)


def test_an_address_that_guesses_names_is_locked_out(desk: Desk) -> None:
    desk.member()
    terminal = desk.terminal()
    for n in range(30):
        assert code_of(lambda n=n: desk.sign_in(terminal, login=f"nobody{n}")) == "staff.refused"
    assert code_of(lambda: desk.sign_in(terminal)) == "staff.locked"
    assert desk.sign_in(terminal, address="198.51.100.1")


def test_sessions_end_by_idling_by_a_long_day_and_by_leaving(desk: Desk) -> None:
    desk.member()
    terminal = desk.terminal()
    key = desk.sign_in(terminal)
    for _ in range(3):
        desk.move(minutes=14)
        desk.sign_ins.find(key, terminal)
    desk.move(minutes=15)
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.signed_out"
    key = desk.sign_in(terminal)
    for _ in range(71):
        desk.move(minutes=10)
        desk.sign_ins.find(key, terminal)
    desk.move(minutes=10)
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.signed_out"
    key = desk.sign_in(terminal)
    desk.sign_ins.sign_out(desk.sign_ins.find(key, terminal))
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.signed_out"
    assert [one.ending for one in desk.sign_ins.all(desk.tenant)[:3]] == ["signed_out", "too_long", "idle"]


def test_one_clerk_at_a_terminal(desk: Desk) -> None:
    desk.member("first")
    desk.member("second")
    terminal = desk.terminal()
    first = desk.sign_in(terminal, login="first")
    of_first = desk.sign_ins.find(first, terminal).sign_in
    second, ended = desk.sign_ins.sign_in(terminal, "second", OWN, address=HERE)
    assert ended == (of_first,)
    assert code_of(lambda: desk.sign_ins.find(first, terminal)) == "staff.signed_out"
    assert desk.sign_ins.find(second, terminal).staff.login == "second"


def test_operator_withdraws(desk: Desk) -> None:
    desk.member()
    terminal, other = desk.terminal(), desk.terminal("窓口2")
    key = desk.sign_in(terminal)
    assert desk.staff.disable(desk.tenant, "mihon").status == "disabled"
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.signed_out"
    assert code_of(lambda: desk.sign_in(terminal)) == "staff.refused"
    desk.move(seconds=1)
    _, given = desk.staff.reset(desk.tenant, "mihon")
    key = desk.sign_in(terminal, given)
    elsewhere = desk.sign_in(other, given)
    desk.staff.choose_password(desk.sign_ins.find(key, terminal), "another " + OWN)
    assert code_of(lambda: desk.sign_ins.find(elsewhere, other)) == "staff.signed_out"
    assert desk.sign_ins.find(key, terminal)
    (one, *_) = [one for one in desk.terminals.all(desk.tenant) if one.name == "窓口1"]
    desk.terminals.retire(desk.tenant, one.id)
    assert code_of(lambda: desk.sign_ins.find(key, terminal)) == "staff.no_terminal"
    assert code_of(lambda: desk.sign_in(terminal, "another " + OWN)) == "staff.no_terminal"


def test_given_password_and_code_grow_old(desk: Desk) -> None:
    _, given = desk.staff.add(desk.tenant, "mihon", "見本")
    _, code = desk.terminals.add(desk.tenant, "窓口1", "見本支店")
    desk.move(days=1)
    assert code_of(lambda: desk.terminals.enrol(code)) == "staff.code"
    terminal = desk.terminal()
    desk.move(days=6)
    assert code_of(lambda: desk.sign_in(terminal, given)) == "staff.invitation_ended"


def test_code_works_once_as_people_type_it_and_a_new_one_takes_the_terminal_away(desk: Desk) -> None:
    made, code = desk.terminals.add(desk.tenant, "窓口1", "見本支店")
    typed = code.upper().replace("0", "O").replace("1", "l").replace("-", " ")
    key = desk.terminals.enrol(typed)
    assert desk.terminals.find(key)[1].id == made.id
    assert code_of(lambda: desk.terminals.enrol(code)) == "staff.code"
    _, second = desk.terminals.new_code(desk.tenant, made.id)
    assert code_of(lambda: desk.terminals.find(key)) == "staff.no_terminal"
    assert desk.terminals.find(desk.terminals.enrol(second))[1].id == made.id


def test_another_tenants_keys_open_nothing(desk: Desk, platform: Platform) -> None:
    desk.member()
    other = Desk(platform, "別の銀行")
    other.member()
    terminal, theirs = desk.terminal(), other.terminal()
    key = desk.sign_in(terminal)
    forged = theirs[:24] + key[24:]
    for session, at in (
        (key, theirs),
        (forged, theirs),
        (forged, terminal),
        (key[:-1] + ("0" if key[-1] != "0" else "1"), terminal),
        ("", terminal),
    ):
        assert code_of(lambda session=session, at=at: desk.sign_ins.find(session, at)) == "staff.signed_out"
    for wrong in ("", "x", theirs[:24] + terminal[24:], terminal[:-1] + ("0" if terminal[-1] != "0" else "1")):
        assert code_of(lambda wrong=wrong: desk.sign_ins.find(key, wrong)) == "staff.no_terminal"
    assert {one.staff for one in other.sign_ins.all(other.tenant)}.isdisjoint(
        {one.id for one in desk.staff.all(desk.tenant)}
    )


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "abcdefghijklmnop", "mihonmihonmihon", "x" * 129])
def test_weak_passwords_are_refused(desk: Desk, password: str) -> None:
    _, given = desk.staff.add(desk.tenant, "mihon", "見本　係員")
    terminal = desk.terminal()
    clerk = desk.sign_ins.find(desk.sign_in(terminal, given), terminal)
    with pytest.raises(InputError) as refused:
        desk.staff.choose_password(clerk, password)
    assert refused.value.code in {"staff.password_short", "staff.password_weak"}
    with pytest.raises(InputError, match="as it was"):
        desk.staff.choose_password(clerk, given)


def test_what_cannot_be_named_is_refused(desk: Desk) -> None:
    desk.staff.add(desk.tenant, "mihon", "見本")
    with pytest.raises(StateError):
        desk.staff.add(desk.tenant, "MIHON", "別人")
    for login, name in (("見本", "見本"), ("a", "見本"), ("ok", ""), ("ok", "見\u202e本"), ("ok", "x" * 61)):
        with pytest.raises(InputError):
            desk.staff.add(desk.tenant, login, name)
    with pytest.raises(InputError):
        desk.terminals.add(desk.tenant, "", "見本支店")
    with pytest.raises(InputError):
        desk.staff.add("ten_000000000000000000000000", "mihon", "見本")
    with pytest.raises(AccessError):
        desk.terminals.enrol("見本")


def test_old_tries_are_forgotten(desk: Desk) -> None:
    desk.member()
    assert desk.sign_ins.forget(desk.now) == 0
    desk.move(days=401)
    assert desk.sign_ins.forget(desk.now) == 1
    assert desk.sign_ins.all(desk.tenant) == []
