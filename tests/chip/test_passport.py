"""The passport reader against the sandbox's emulated passports: every kind of chip, every forgery, every fault."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.sessions import PASSPORTS as PROFILES
from tests.searching import tells

from honnin.chip import Challenge, Reader, Trust, open_reader
from honnin.chip.document import Proof
from honnin.chip.icao9303 import parse_security_object
from honnin.chip.icao9303.passive import passive_authentication
from honnin.chip.passport import CanKey, MrzKey, Passport
from honnin.chip.passport.proving import judge_mapping
from honnin.errors import CardError, FormatError, HonninError, InputError, ReaderError
from honnin.pki.rfc5652 import read_signed_data
from honnin.sandbox.cards.passport import EmulatedPassport
from honnin.sandbox.foreign_ministry import csca_certificates, der
from honnin.sandbox.foreign_ministry.authorities import document_signer
from honnin.sandbox.foreign_ministry.files import signed_file
from honnin.sandbox.foreign_ministry.passports import IssuedPassport, issue
from honnin.sandbox.world import World

pytestmark = pytest.mark.xdist_group("emulated_passports")

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
CHALLENGE = Challenge(bytes(range(16)), "counter", "bank")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("passports")


@pytest.fixture(scope="module")
def world(data: Path) -> World:
    return World(data)


@pytest.fixture(scope="module")
def trust(world: World) -> Trust:
    return Trust(csca_certificates(world), world.now())


def key_of(passport: IssuedPassport) -> MrzKey:
    return MrzKey.of(passport.number, passport.birth, passport.expiry)


def opened(world: World, kind: str, *, person: str = "hanako") -> tuple[Reader, MrzKey]:
    reader = open_reader(f"emulated:{person}/passport:{kind}", data=world.data)
    return reader, key_of(issue(world, person, *kind.split(",")))


def proofs_of(world: World, kind: str, trust: Trust | None) -> dict[str, Proof]:
    reader, key = opened(world, kind)
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        passport.lds1.read()
        return {proof.kind: proof for proof in passport.lds1.prove(CHALLENGE, trust=trust)}


@pytest.mark.parametrize("kind", PROFILES)
def test_every_kind_of_chip_is_read_and_proved(world: World, trust: Trust, kind: str) -> None:
    issued = issue(world, "hanako", kind)
    reader, key = opened(world, kind)
    told: list[tuple[str, int, int]] = []
    with reader, Passport(reader, progress=lambda *step: told.append(step)) as passport:
        (detection,) = passport.detect()
        assert detection.present
        assert passport.tries() == ()
        assert passport.lds1.unlock(key).by == "mrz"
        reading = passport.lds1.read()
        proofs = {proof.kind: proof for proof in passport.lds1.prove(CHALLENGE, trust=trust)}
    assert {file.file_id: file.content for file in reading.files} == issued.files
    values = reading.values
    assert values.zone is not None
    assert (values.zone.surname, values.zone.given_names, values.zone.wrong) == ("MIHON", "HANAKO", ())
    assert values.zone.document_number == issued.number
    (face,) = values.faces
    assert (face.media_type, face.width, face.height) == ("image/jpeg", 300, 400)
    assert values.person is not None
    assert values.person.full_name == "見本, 花子"
    assert values.details is not None
    assert values.unreadable == ()
    assert proofs["passive_authentication"].result == "passed"
    assert proofs["passive_authentication"].leaves_out == ("com",)
    assert proofs["revocation"].result == "not_checked"
    chip_proofs = {"active_authentication", "chip_authentication"} & proofs.keys()
    expected = set()
    if issued.profile.active:
        expected.add("active_authentication")
    if issued.profile.chip:
        expected.add("chip_authentication")
    assert chip_proofs == expected
    assert all(proofs[name].result == "passed" for name in chip_proofs)
    last = {name: (done, total) for name, done, total in told}
    assert all(done == total for done, total in last.values())
    assert sum(total for _, total in last.values()) == sum(len(content) for content in issued.files.values())


@pytest.mark.parametrize(
    ("kind", "by"), [("jp-bac-rsa", "bac"), ("pace-gm", "pace"), ("pace-im", "pace"), ("pace-only", "pace")]
)
def test_pace_is_taken_where_it_is_offered(world: World, kind: str, by: str) -> None:
    reader, key = opened(world, kind)
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        assert passport.lds1.opened is not None
        assert passport.lds1.opened.by == by


@pytest.mark.parametrize("kind", ["pace-gm", "pace-im", "pace-cam", "pace-only"])
def test_the_access_number_opens_by_pace(world: World, kind: str) -> None:
    reader, _ = opened(world, kind)
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(CanKey(issue(world, "hanako", kind).can))
        assert passport.lds1.read("dg1").values.zone is not None


def test_the_access_number_opens_no_chip_without_pace(world: World) -> None:
    reader, _ = opened(world, "jp-bac-rsa")
    with reader, Passport(reader) as passport, pytest.raises(CardError, match="access_refused"):
        passport.lds1.unlock(CanKey("123456"))


@pytest.mark.parametrize("kind", PROFILES)
def test_a_wrong_key_is_told_and_the_right_one_still_opens(world: World, kind: str) -> None:
    reader, key = opened(world, kind)
    with reader, Passport(reader) as passport:
        for _ in range(3):
            with pytest.raises(CardError, match=r"key_wrong|chip_not_authentic"):
                passport.lds1.unlock(MrzKey.of("XX0000000", "900101", "300101"))
            with pytest.raises(CardError, match="locked"):
                passport.lds1.read("dg1")
        passport.lds1.unlock(key)
        assert passport.lds1.read("dg1").values.zone is not None


def test_nothing_is_read_from_a_closed_chip(world: World) -> None:
    reader, _ = opened(world, "jp-bac-rsa")
    with reader, Passport(reader) as passport:
        for call in (passport.lds1.read, lambda: passport.lds1.prove(CHALLENGE)):
            with pytest.raises(CardError, match="locked"):
                call()
    with open_reader("emulated:hanako/passport:pace-gm", data=world.data) as chip:
        assert chip.transmit(bytes.fromhex("00A4040C07A0000002471001")) == b"\x90\x00"
        assert chip.transmit(bytes.fromhex("00A4020C020101")) == b"\x69\x82"
        assert chip.transmit(bytes.fromhex("00B0810000")) == b"\x69\x82"


def test_unknown_parts_are_refused(world: World) -> None:
    reader, key = opened(world, "jp-bac-rsa")
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        for part in ("dg3", "dg17", "card_access"):
            with pytest.raises(InputError, match="part_unknown"):
                passport.lds1.read(part)
        assert passport.lds1.read("dg13").files == ()


# What each forgery and fault makes of passive and active authentication, with the State's CSCA at hand.
FORGERIES = {
    "altered_text": ("failed", "passed"),
    "altered_portrait": ("failed", "passed"),
    "copied": ("passed", "failed"),
    "wrong_issuer": ("not_checked", "passed"),
    "forged_issuer": ("failed", "passed"),
    "swapped_key": ("failed", "failed"),
    "expired_signer": ("failed", "passed"),
    "unsigned_file": ("passed", "passed"),
    "expired": ("passed", "passed"),
}


def test_every_fault_of_the_sandbox_is_judged_here() -> None:
    import honnin.sandbox.foreign_ministry as ministry

    table = json.loads((Path(ministry.__file__).parent / "profiles.json").read_text(encoding="utf-8"))
    assert set(table["faults"]) == set(FORGERIES)
    assert set(table["profiles"]) == set(PROFILES)


@pytest.mark.parametrize("line", ["jp-bac-rsa", "jp-bac-ec"])
@pytest.mark.parametrize("fault", FORGERIES)
def test_forgeries(world: World, trust: Trust, fault: str, line: str) -> None:
    passive, active = FORGERIES[fault]
    if fault == "forged_issuer" and line == "jp-bac-ec":
        line = "jp-bac-rsa"
    proofs = proofs_of(world, f"{line},{fault}", trust)
    assert (proofs["passive_authentication"].result, proofs["active_authentication"].result) == (passive, active)


@pytest.mark.parametrize("kind", ["bac-chip", "pace-gm", "pace-cam", "pace-3des"])
def test_a_copied_chip_fails_chip_authentication(world: World, trust: Trust, kind: str) -> None:
    proofs = proofs_of(world, f"{kind},copied", trust)
    assert proofs["passive_authentication"].result == "passed"
    assert proofs["chip_authentication"].result == "failed"


def test_an_unsigned_file_stays_outside_of_the_proof(world: World, trust: Trust) -> None:
    reader, key = opened(world, "jp-bac-rsa,unsigned_file")
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        assert passport.lds1.read("dg12").values.details is not None
        passive, *_ = passport.lds1.prove(CHALLENGE, trust=trust)
    assert passive.result == "passed"
    assert "dg12" not in passive.covers
    assert "dg12" in passive.leaves_out


@pytest.mark.parametrize("kind", ["jp-bac-rsa", "jp-bac-ec", "pace-cam"])
def test_without_a_csca_nothing_is_verified(world: World, trust: Trust, kind: str) -> None:
    for given_trust in (None, Trust((), trust.at), Trust((b"\x30\x03\x02\x01\x00", b""), trust.at)):
        proofs = proofs_of(world, kind, given_trust)
        assert proofs["passive_authentication"].result == "not_checked"
        if kind == "pace-cam":
            assert proofs["chip_authentication"].result == "not_checked"


def test_without_a_csca_a_changed_file_still_fails(world: World) -> None:
    assert proofs_of(world, "jp-bac-rsa,altered_text", None)["passive_authentication"].result == "failed"


def test_a_master_list_is_trusted_as_its_certificates(world: World, trust: Trust) -> None:
    content = der.sequence(der.integer(0), der.set_of(*trust.anchors))
    listed = signed_file(document_signer(world, "rsa"), "2.23.136.1.1.2", content, world.born)
    assert proofs_of(world, "jp-bac-ec", Trust((listed,), trust.at))["passive_authentication"].result == "passed"
    broken = signed_file(document_signer(world, "rsa"), "2.23.136.1.1.2", content[:-9], world.born)
    with pytest.raises(FormatError, match="master_list_malformed"):
        proofs_of(world, "jp-bac-ec", Trust((broken,), trust.at))


class Between:
    """A reader between the passport and the real one, which a test may change."""

    name = "between"
    atr = b""

    def __init__(self, inner: Reader) -> None:
        self.inner = inner
        self.sent: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        return self.inner.transmit(apdu)

    def reset(self) -> None:
        self.inner.reset()

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


class Losing(Between):
    """Contact is lost at one command."""

    def __init__(self, inner: Reader, at: int) -> None:
        super().__init__(inner)
        self.at = at

    def transmit(self, apdu: bytes) -> bytes:
        answer = super().transmit(apdu)
        if len(self.sent) == self.at:
            raise ReaderError("reader.contact_lost", "Contact was lost.", retryable=True)
        return answer


def test_reading_goes_on_after_lost_contact(world: World) -> None:
    inner, key = opened(world, "jp-bac-rsa")
    told: list[str] = []
    with (
        Losing(inner, 20) as reader,
        Passport(reader, extended=False, progress=lambda n, *_: told.append(n)) as passport,
    ):
        passport.lds1.unlock(key)
        with pytest.raises(ReaderError):
            passport.lds1.read()
        assert {"sod", "com"} <= set(told)
        told.clear()
        passport.lds1.unlock(key)
        reading = passport.lds1.read()
    assert {file.file_id: file.content for file in reading.files} == issue(world, "hanako", "jp-bac-rsa").files
    assert "com" not in told


def test_another_passport_is_not_taken_for_the_same(world: World) -> None:
    """The same key data and another chip: what was read before is forgotten."""
    inner, key = opened(world, "jp-bac-rsa")
    other, _ = opened(world, "jp-bac-rsa,altered_text")

    class Swapping(Between):
        def reset(self) -> None:
            self.inner = other
            super().reset()

    with Swapping(inner) as reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        first = passport.lds1.read("dg1").file("dg1")
        passport.lds1.unlock(key)
        second = passport.lds1.read("dg1").file("dg1")
    assert first != second


class Short(Between):
    """A reader or chip that carries no extended lengths: it answers them with a status word, or breaks off."""

    def __init__(self, inner: Reader, answer: str | None) -> None:
        super().__init__(inner)
        self.answer = answer

    def transmit(self, apdu: bytes) -> bytes:
        if len(apdu) > 5 and apdu[4] == 0:
            self.sent.append(apdu)
            if self.answer is None:
                raise ReaderError("reader.failed", "Too long.")
            return bytes.fromhex(self.answer)
        return super().transmit(apdu)

    @property
    def extended(self) -> int:
        return sum(1 for apdu in self.sent if len(apdu) > 5 and apdu[4] == 0)


@pytest.mark.parametrize("answer", ["6700", "6D00", "6882", None])
def test_a_reader_that_carries_no_extended_length(world: World, trust: Trust, answer: str | None) -> None:
    """The session ends at the first extended command; it is opened anew once, and short reads do the rest."""
    inner, key = opened(world, "jp-bac-ec")
    with Short(inner, answer) as reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        reading = passport.lds1.read()
        passive, *_ = passport.lds1.prove(CHALLENGE, trust=trust)
    assert reader.extended == 1
    assert sum(1 for apdu in reader.sent if apdu[1] == 0x82) == 2
    assert {file.file_id: file.content for file in reading.files} == issue(world, "hanako", "jp-bac-ec").files
    assert passive.result == "passed"


@pytest.mark.parametrize("answer", ["6700", None])
def test_an_answer_too_long_for_the_reader_is_not_checked(world: World, trust: Trust, answer: str | None) -> None:
    """The signature of an RSA key of 2048 bits needs extended lengths; the other proofs do not suffer."""
    inner, key = opened(world, "jp-bac-rsa")
    with Short(inner, answer) as reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        passport.lds1.read()
        proofs = {proof.kind: proof.result for proof in passport.lds1.prove(CHALLENGE, trust=trust)}
        assert passport.lds1.read("dg1").values.zone is not None
    assert (proofs["passive_authentication"], proofs["active_authentication"]) == ("passed", "not_checked")


def test_short_and_extended_reads_cost_as_many_commands_as_they_must(world: World) -> None:
    for extended, most in ((True, 22), (False, 80)):
        inner, key = opened(world, "jp-bac-rsa")
        with Between(inner) as reader, Passport(reader, extended=extended) as passport:
            passport.lds1.unlock(key)
            passport.lds1.read()
        assert len(reader.sent) <= most


def emulated(passport: IssuedPassport) -> Reader:
    from honnin.chip.readers.emulated import ForeignReader

    return ForeignReader("made up", EmulatedPassport(lambda: passport))


def changed(passport: IssuedPassport, **fields: object) -> IssuedPassport:
    from msgspec.structs import replace

    return replace(passport, **fields)


def test_files_beyond_32_kilobytes(world: World) -> None:
    """Offsets from 8000 on need the odd instruction."""
    passport = issue(world, "hanako", "jp-bac-rsa")
    long = der.tlv(0x75, b"".join(n.to_bytes(2) for n in range(40_000)))
    for extended in (True, False):
        made = emulated(changed(passport, files=passport.files | {0x0102: long}))
        with made as reader, Passport(reader, extended=extended) as chip:
            chip.lds1.unlock(key_of(passport))
            reading = chip.lds1.read("dg2")
        assert reading.file("dg2") == long
        assert reading.values.unreadable == ("dg2",)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "card"),
        (b"\x75", "card.file_short"),
        (b"\x75\x82\x7f\xff" + bytes(300), "card.file_short"),
        (b"\x75\x84\x7f\xff\xff\xff" + bytes(300), "card.file_too_large"),
        (b"\x75\x80" + bytes(300), "chip.object_malformed"),
        (b"\x61\x10" + bytes(300), "chip.object_malformed"),
        (b"\x7f" * 300, "chip.object_malformed"),
    ],
)
def test_a_chip_that_lies_about_sizes(world: World, content: bytes, code: str) -> None:
    passport = issue(world, "hanako", "jp-bac-rsa")
    with emulated(changed(passport, files=passport.files | {0x0102: content})) as reader, Passport(reader) as chip:
        chip.lds1.unlock(key_of(passport))
        with pytest.raises(HonninError) as raised:
            chip.lds1.read("dg2")
        assert raised.value.code.startswith(code)
        assert chip.lds1.read("dg1").values.zone is not None


@pytest.mark.parametrize("kind", ["jp-bac-ec", "jp-bac-rsa", "pace-gm", "pace-cam"])
def test_one_changed_byte_is_never_verified(world: World, trust: Trust, kind: str) -> None:
    """Every byte of every file: a covered one fails, another changes no proof.

    Every byte is held against its signed digest; the whole is judged for every byte but those of the portrait between
    every eleventh, as they take the same way.
    """
    passport = issue(world, "hanako", kind)
    groups = {n & 0xFF: content for n, content in passport.files.items() if n & 0xFF <= 16}
    sod = passport.files[0x011D]
    listed = parse_security_object(sod)
    for number, content in groups.items():
        for at in range(len(content)):
            flipped = content[:at] + bytes((content[at] ^ 1 << at % 8,)) + content[at + 1 :]
            assert not listed.matches(number, flipped)
            if number != 2 or at % 11 == 0:
                judged = passive_authentication(sod, groups | {number: flipped}, anchors=trust.anchors, at=trust.at)
                assert (judged.result, judged.changed) == ("failed", (number,))
    for at in range(len(sod)):
        flipped = sod[:at] + bytes((sod[at] ^ 1 << at % 8,)) + sod[at + 1 :]
        judged = passive_authentication(flipped, groups, anchors=trust.anchors, at=trust.at)
        if judged.result == "passed":
            assert parse_security_object(flipped).digests == listed.digests
            assert judged.covers == tuple(sorted(groups))


def test_one_changed_byte_of_the_mapping_proves_no_other_key(world: World, trust: Trust) -> None:
    """Every byte of EF.CardSecurity, which signs the key that the chip authentication mapping proves."""
    content = issue(world, "hanako", "pace-cam").card_security
    assert content is not None
    reader, key = opened(world, "pace-cam")
    with reader, Passport(reader) as passport:
        passport.lds1.unlock(key)
        assert passport.lds1.opened is not None
        mapped = passport.lds1.opened.mapped
    assert mapped is not None
    assert judge_mapping(mapped, content, trust.anchors, trust.at).result == "passed"
    signed = read_signed_data(content).content
    failed = 0
    for at in range(len(content)):
        flipped = content[:at] + bytes((content[at] ^ 1 << at % 8,)) + content[at + 1 :]
        result = judge_mapping(mapped, flipped, trust.anchors, trust.at).result
        failed += result == "failed"
        assert result != "passed" or read_signed_data(flipped).content == signed
    assert failed > len(content) // 2


def flips() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    flip = st.builds(lambda at, bit: lambda a: flip_bit(a, at, bit), st.integers(0, 2400), st.integers(0, 7))
    cut = st.integers(0, 260).map(lambda n: lambda a: a[:n])
    longer = st.binary(min_size=1, max_size=300).map(lambda more: lambda a: a[:-2] + more + a[-2:])
    words = [0x9000, 0x6300, 0x6700, 0x6982, 0x6988, 0x6A82, 0x6A88, 0x6B00, 0x6C10, 0x6D00, 0x6F00, 0x6110]
    refused = st.sampled_from(words).map(lambda sw: lambda _: sw.to_bytes(2))
    return flip | cut | longer | refused


def flip_bit(answer: bytes, at: int, bit: int) -> bytes:
    place = at % len(answer)
    return answer[:place] + bytes((answer[place] ^ 1 << bit,)) + answer[place + 1 :]


class Garbling(Between):
    """One answer is changed on the way."""

    def __init__(self, inner: Reader, at: int, change: Callable[[bytes], bytes]) -> None:
        super().__init__(inner)
        self.at = at
        self.change = change

    def transmit(self, apdu: bytes) -> bytes:
        answer = super().transmit(apdu)
        return self.change(answer) if len(self.sent) == self.at else answer


@settings(UNHURRIED, max_examples=60)
@given(kind=st.sampled_from(["jp-bac-ec", "pace-gm", "pace-im", "pace-cam"]), at=st.integers(1, 40), change=flips())
def test_one_garbled_answer_is_an_error_or_the_truth(
    world: World, trust: Trust, kind: str, at: int, change: Callable[[bytes], bytes]
) -> None:
    inner, key = opened(world, kind)
    with Garbling(inner, at, change) as reader, Passport(reader) as passport:
        try:
            passport.lds1.unlock(key)
            reading = passport.lds1.read()
            proofs = passport.lds1.prove(CHALLENGE, trust=trust)
        except HonninError:
            return
    genuine = issue(world, "hanako", kind).files
    for file in reading.files:
        assert file.content == genuine[file.file_id]
    assert proofs[0].result == "passed"


class Hostile:
    """A chip that answers from a script, again from the start when it ends."""

    name = "hostile"
    atr = b""

    def __init__(self, script: list[bytes | None]) -> None:
        self.script = script
        self.sent = 0

    def transmit(self, apdu: bytes) -> bytes:
        self.sent += 1
        assert self.sent < 2000, "the chip kept honnin busy"
        answer = self.script[(self.sent - 1) % len(self.script)]
        if answer is None:
            raise ReaderError("reader.contact_lost", "Contact was lost.")
        return answer

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        pass


def scripts() -> st.SearchStrategy[list[bytes | None]]:
    offer = bytes.fromhex("31143012060A04007F0007020204020202010202010D9000")
    formed = st.sampled_from(
        [b"\x90\x00", bytes(8) + b"\x90\x00", offer, b"\x7c\x00\x90\x00", b"\x63\x00", b"\x6a\x82"]
    )
    dynamic = st.binary(max_size=90).map(
        lambda body: b"\x7c" + bytes((len(body) + 2,)) + b"\x80" + bytes((len(body),)) + body + b"\x90\x00"
    )
    anything = st.binary(max_size=60).map(lambda body: body + b"\x90\x00")
    return st.lists(formed | dynamic | anything | st.binary(max_size=3) | st.none(), min_size=1, max_size=10)


@settings(UNHURRIED, max_examples=300)
@given(script=scripts(), key=st.sampled_from([MrzKey.of("TS1234567", "900412", "310630"), CanKey("123456")]))
def test_a_hostile_chip_opens_nothing(script: list[bytes | None], key: MrzKey | CanKey) -> None:
    with Hostile(script) as reader, Passport(reader) as passport:
        for call in (lambda: passport.lds1.detect(), lambda: passport.lds1.unlock(key)):
            try:
                call()
            except HonninError as error:
                assert "TS1234567" not in f"{error}{error!r}"  # noqa: PT017 - whatever the error, no key in it
        assert passport.lds1.opened is None


def test_no_key_shows(world: World) -> None:
    passport = issue(world, "hanako", "pace-gm")
    reader, key = opened(world, "pace-gm")
    with reader, Passport(reader) as chip:
        chip.lds1.unlock(key)
        chip.lds1.read("dg1")
        said = "".join(str(exchange) for exchange in chip.transcript.exchanges)
    shown = f"{key!r}{CanKey(passport.can)!r}{passport!r}{said}"
    assert not tells(shown, passport.number)
    assert not tells(shown, passport.can)


def test_everybody_who_can_have_a_passport_has_one(world: World, trust: Trust) -> None:
    """Names, unknown parts of birth dates, sexes: every zone is whole and every passport is read and proved."""
    from honnin.sandbox.people_listing import listing

    held = [one["id"] for one in listing(world) if "passport" in one["documents"]]
    assert len(held) > 20
    for person in held:
        reader, key = opened(world, "jp-bac-ec" if person == held[0] else "pace-only", person=person)
        with reader, Passport(reader) as passport:
            passport.lds1.unlock(key)
            zone = passport.lds1.read("dg1").values.zone
            assert zone is not None
            assert zone.wrong == ()
            assert zone.surname
            assert zone.given_names
    without = next(one["id"] for one in listing(world) if "passport" not in one["documents"])
    with pytest.raises(HonninError, match="no_document"):
        open_reader(f"emulated:{without}/passport", data=world.data)
