"""Card face, input support and common application against a scripted card, and the sheet's worked examples."""

import copy
import pickle
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from tests.chip.number_card import (
    CARD_FACE,
    FOUR_ITEMS,
    INPUT_SUPPORT,
    NUMBER,
    NUMBER_B,
    NUMBER_FILE,
    PORTRAIT,
    NumberCard,
    keys,
    raw,
)

from honnin.chip import Challenge, MyNumberCard, Pin, Proof, Trust
from honnin.chip.my_number_card import BirthDateKey, NumberA, NumberB
from honnin.chip.my_number_card.refusals import session_broken
from honnin.chip.protected_reader import ProtectedReader
from honnin.chip.session_key import SessionCipher, deliver
from honnin.errors import AccessError, CardError, FormatError, HonninError, PinError, ReaderError
from honnin.identity import IndividualNumber

CHALLENGE = Challenge(bytes(16), "counter", "bank")
B = NumberB(NUMBER_B)
A = NumberA.of(NUMBER)
PIN = Pin("input_support", "1357")
EVERYTHING = frozenset({"individual_number", "four_items", "portrait", "birth_date"})


def trust(card: NumberCard, **changed: bytes) -> Trust:
    return Trust((), datetime(2026, 11, 26, tzinfo=UTC), (card.trusted(**changed),))


def by_kind(proofs: tuple[Proof, ...]) -> dict[str, Proof]:
    return {proof.kind: proof for proof in proofs}


def test_the_face_is_read_by_number_b_and_proved() -> None:
    card = NumberCard()
    with MyNumberCard(card) as mine:
        assert mine.card_face.detect().present
        assert mine.card_face.unlock(B).opens == ("face",)
        reading = mine.card_face.read()
        proofs = by_kind(mine.card_face.prove(CHALLENGE, trust=trust(card)))
    face = reading.values.face
    assert face is not None
    assert face.birth_date.whole == date(1980, 2, 17)
    assert (face.sex, face.portrait) == ("female", PORTRAIT)
    assert face.expiry_date is not None
    assert reading.values.basics is not None
    assert reading.values.basics.municipality == "13221"
    assert reading.values.number_image is None
    assert {kind: proof.result for kind, proof in proofs.items()} == dict.fromkeys(
        ("issuer", "data_signature", "internal_authentication"), "passed"
    )
    assert "portrait" in proofs["data_signature"].covers
    assert proofs["data_signature"].leaves_out == ("expiry_date", "security_code_image")
    assert card.verified == set()


def test_an_unknown_ca_is_not_a_failure() -> None:
    card = NumberCard()
    with MyNumberCard(card) as mine:
        mine.card_face.unlock(B)
        mine.card_face.read("face")
        for given in (None, trust(card, key_id=bytes(16))):
            results = {proof.result for proof in mine.card_face.prove(CHALLENGE, trust=given)}
            assert results == {"not_checked"}


def test_a_copy_without_the_key_fails() -> None:
    card = NumberCard(clone=True)
    with MyNumberCard(card) as mine:
        mine.card_face.unlock(B)
        mine.card_face.read("face")
        proofs = by_kind(mine.card_face.prove(CHALLENGE, trust=trust(card)))
    assert proofs["data_signature"].result == "passed"
    assert proofs["internal_authentication"].result == "failed"


def test_the_age_record_needs_the_birth_date_alone() -> None:
    card = NumberCard()
    with MyNumberCard(card) as mine:
        mine.card_face.unlock(BirthDateKey.of(date(1980, 2, 17)))
        reading = mine.card_face.read()
        proofs = by_kind(mine.card_face.prove(CHALLENGE, trust=trust(card)))
    assert reading.values.age is not None
    assert reading.values.age.birth_date.iso() == "1980-02-17"
    assert reading.values.face is None
    assert {proof.result for proof in proofs.values()} == {"passed"}


def test_the_individual_number_is_gated_by_what_is_read() -> None:
    card = NumberCard()
    with MyNumberCard(card) as mine:
        for call in (
            lambda: mine.card_face.unlock(A),
            lambda: mine.card_face.read("number_image"),
            lambda: mine.input_support.unlock(A),
            lambda: mine.input_support.read("number"),
            lambda: mine.input_support.matches(A.number),
        ):
            with pytest.raises(AccessError) as refused:
                call()
            assert refused.value.code == "card.collection_refused"
        assert card.pins_sent == 0
        mine.input_support.unlock(PIN)
        reading = mine.input_support.read()
        proofs = by_kind(mine.input_support.prove(CHALLENGE, trust=trust(card)))
    assert reading.values.individual_number is None
    assert reading.values.four_items is not None
    assert reading.file("number") is None
    assert proofs["data_signature"].covers == ("four_items",)
    assert {proof.result for proof in proofs.values()} == {"passed"}
    assert not any(NUMBER_FILE in apdu for apdu in card.sent)


def test_number_and_four_items_for_who_may_have_them() -> None:
    card = NumberCard()
    with MyNumberCard(card, allow=EVERYTHING) as mine:
        mine.input_support.unlock(PIN)
        reading = mine.input_support.read()
        proofs = by_kind(mine.input_support.prove(CHALLENGE, trust=trust(card)))
        mine.card_face.unlock(A)
        assert mine.card_face.read("number_image").values.number_image == b"\x89PNG number"
    values = reading.values
    assert values.individual_number is not None
    assert values.individual_number.reveal() == NUMBER
    assert values.four_items is not None
    assert (values.four_items.name, values.four_items.sex) == ("日本　太郎", "male")
    assert values.four_items.address == "東京都千代田区霞が関１－２－３"
    assert proofs["data_signature"].covers == ("number", "four_items")
    assert {proof.result for proof in proofs.values()} == {"passed"}


@pytest.mark.parametrize(("file", "part"), [(1, "number"), (2, "four_items")])
@pytest.mark.parametrize("blank", [b"\0" * 256, b"\xff" * 256, None])
def test_what_is_signed_and_not_given_is_no_verified_rest(file: int, part: str, blank: bytes | None) -> None:
    """A card that blanks one of the two parts that its signature stands for shows nothing green."""
    card = NumberCard()
    folder = card.folders[INPUT_SUPPORT]
    if blank is None:
        del folder.files[file]
    else:
        folder.files[file] = blank
    with MyNumberCard(card, allow=EVERYTHING) as mine:
        mine.input_support.unlock(PIN)
        values = mine.input_support.read().values
        proof = by_kind(mine.input_support.prove(CHALLENGE, trust=trust(card)))["data_signature"]
    assert (values.individual_number is None, values.four_items is None) == (part == "number", part == "four_items")
    assert (proof.result, proof.code, proof.covers) == ("failed", "proof.items_withheld", ("number", "four_items"))


def test_a_typed_number_is_compared_by_the_chip() -> None:
    card = NumberCard()
    with MyNumberCard(card, allow=EVERYTHING) as mine:
        assert mine.input_support.matches(IndividualNumber(NUMBER))
        assert not mine.input_support.matches(IndividualNumber("537686677188"))
        assert card.left["a"] == 9
    with pytest.raises(FormatError, match="number_malformed"):
        NumberA.of("123456789012")  # the specimen's: nothing goes to a chip


def test_number_b_opens_the_four_items() -> None:
    card = NumberCard()
    with MyNumberCard(card) as mine:
        mine.input_support.unlock(B)
        assert mine.input_support.read("four_items").values.four_items is not None
        assert by_kind(mine.input_support.prove(CHALLENGE, trust=trust(card)))["data_signature"].result == "passed"


@pytest.mark.parametrize("digits", ["", "5502172035228", "55131720352285", "55021799992285", "5502172035228A"])
def test_what_cannot_be_number_b_is_not_sent(digits: str) -> None:
    with pytest.raises(PinError, match="number_format"):
        NumberB(digits)


def test_a_locked_number_is_a_lock_of_its_own() -> None:
    card = NumberCard()
    card.left["b"] = 1
    with MyNumberCard(card) as mine:
        wrong = NumberB.of("550218", 2035, "2285")
        with pytest.raises(PinError, match="last_try"):
            mine.card_face.unlock(wrong)
        with pytest.raises(PinError) as locked:
            mine.card_face.unlock(wrong, allow_last_try=True)
        assert locked.value.code == "card.number_locked"
        assert dict.fromkeys((name for name, _ in mine.all_tries()), 0).keys() == {"input_support", "card_face"}


@pytest.mark.parametrize(
    ("application", "file", "at", "failing"),
    [
        (CARD_FACE, 2, 30, "data_signature"),  # birth date
        (CARD_FACE, 2, 400, "data_signature"),  # pictures
        (CARD_FACE, 2, 2000, "data_signature"),  # portrait
        (CARD_FACE, 4, 60, "issuer"),
        (CARD_FACE, 4, 400, "issuer"),
    ],
)
def test_a_changed_byte_of_the_face_fails(application: bytes, file: int, at: int, failing: str) -> None:
    card = NumberCard()
    card.flip(application, file, at)
    with MyNumberCard(card) as mine:
        mine.card_face.unlock(B)
        mine.card_face.read()
        proofs = by_kind(mine.card_face.prove(CHALLENGE, trust=trust(card)))
    assert proofs[failing].result == "failed"
    assert proofs["data_signature"].result == "failed"
    assert proofs["internal_authentication"].result == "failed"


def test_the_unsigned_expiry_changes_no_proof() -> None:
    card = NumberCard()
    content = card.folders[CARD_FACE].files[2]
    card.folders[CARD_FACE].files[2] = content.replace(b"20350217", b"20990217")
    with MyNumberCard(card) as mine:
        mine.card_face.unlock(B)
        face = mine.card_face.read("face").values.face
        proofs = by_kind(mine.card_face.prove(CHALLENGE, trust=trust(card)))
    assert face is not None
    assert face.expiry_date is not None
    assert face.expiry_date.year == 2099
    assert proofs["data_signature"].result == "passed"
    assert "expiry_date" in proofs["data_signature"].leaves_out


def test_an_object_that_stands_twice_is_refused() -> None:
    card = NumberCard()
    content = card.folders[INPUT_SUPPORT].files[2]
    second = bytes.fromhex("DF220FE697A5E69CACE38080E5A4AAE9838E")
    card.folders[INPUT_SUPPORT].files[2] = b"\xff\x20" + bytes((content[2] + len(second),)) + content[3:] + second
    with MyNumberCard(card) as mine:
        mine.input_support.unlock(PIN)
        assert mine.input_support.read("four_items").values.unreadable == ("four_items",)
        assert by_kind(mine.input_support.prove(CHALLENGE, trust=trust(card)))["data_signature"].result == "failed"


def test_the_common_record() -> None:
    with MyNumberCard(NumberCard()) as mine:
        values = mine.common.read().values
        present = {found.application: found.present for found in mine.detect()}
    assert (values.serial, values.municipality) == ("400000012719843", "13221")
    assert values.expires is not None
    assert values.expires.iso() == "2035-02-17"
    assert present["resident_register"]
    assert not present["drivers_licence"]
    assert not present["jpki"]


def test_the_resident_register_is_never_read() -> None:
    card = NumberCard()
    with MyNumberCard(card, allow=EVERYTHING) as mine:
        mine.detect()
        mine.all_tries()
    at = [n for n, apdu in enumerate(card.sent) if apdu.endswith(bytes.fromhex("D3921000310001010401"))]
    assert all(card.sent[n + 1][1] == 0xA4 for n in at)


def test_progress_tells_bytes() -> None:
    told: list[tuple[str, int, int]] = []
    card = NumberCard()
    with MyNumberCard(card, progress=lambda *step: told.append(step)) as mine:
        mine.card_face.unlock(B)
        mine.card_face.read("face")
    assert told[0][:2] == ("face", 256)
    assert told[-1][1] == told[-1][2] == len(card.folders[CARD_FACE].files[2]) - 2


def test_lost_contact_keeps_what_this_card_had() -> None:
    card = NumberCard()
    with MyNumberCard(card, allow=EVERYTHING) as mine:
        mine.input_support.unlock(PIN)
        mine.input_support.read("signature", "number")
        card.lose_after = card.reads
        with pytest.raises(ReaderError):
            mine.input_support.read("four_items")
        mine.input_support.unlock(PIN)
        before = card.reads
        mine.input_support.read("number", "signature", "four_items")
        assert card.reads - before == 1


def test_the_individual_number_shows_itself_nowhere() -> None:
    number = IndividualNumber(NUMBER)
    shown = f"{number} {number!r} {A!r} {[number]!r}"
    assert NUMBER not in shown
    for attempt in (lambda: pickle.dumps(number), lambda: copy.deepcopy(number)):
        with pytest.raises(TypeError):
            attempt()
    assert number == IndividualNumber("1234 5678 9018")
    with pytest.raises(TypeError):
        hash(number)


def test_worked_digests_of_the_sheet() -> None:
    assert sha256(NUMBER_FILE).hexdigest() == "c60c415d94405f03e9c454a8bae073837d2c619925196526852fe61d9c58422d"
    assert sha256(FOUR_ITEMS[14:]).hexdigest() == "ceef17612149b4bf0178a52188e3d11f8bd3433c8892d4e88b79db9178fbe399"


def test_session_messages_of_the_sheet() -> None:
    session = SessionCipher(SessionCipher.key_of(bytes(range(32))), session_broken)
    verify = bytes.fromhex("002000940C") + NUMBER.encode()
    assert session.protect(verify).hex().upper() == "0820009413861101CE94087DDB727AD1CFAEA2218834B674"
    select = bytes.fromhex("00A4020C020001")
    assert session.protect(select).hex().upper() == "08A4020C1386110146D4CAAC313B21DA35E3FE7C435C3150"


def test_the_session_key_is_delivered_by_oaep() -> None:
    card = keys()[2]
    spki = deliver_key()
    opened = card.decrypt(
        deliver(spki, bytes(range(32))), padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    )
    assert opened == bytes.fromhex("A0228020") + bytes(range(32))


def deliver_key() -> bytes:
    from tests.chip.number_card import key_object

    from honnin.chip.my_number_card.records import rsa_public_key

    return rsa_public_key(key_object(keys()[2]))


class Answers:
    """A reader that gives one answer, whatever is asked."""

    name, atr = "answers", b""

    def __init__(self, answer: str) -> None:
        self.answer = bytes.fromhex(answer)
        self.sent: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        return self.answer

    def reset(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("answer", ["86029000", "861101" + "00" * 16 + "9000", "AABB9000", "8600", "00009000"])
def test_a_broken_protected_answer_ends_the_session(answer: str) -> None:
    inner = Answers(answer)
    wire = ProtectedReader(inner)  # type: ignore[arg-type]
    wire.open_session(SessionCipher(bytes(16), session_broken))
    if answer == "8600":
        assert wire.transmit(bytes.fromhex("00B0000000")) == b"\x86\0"
        return
    for _ in range(2):
        with pytest.raises(CardError, match="session_broken"):
            wire.transmit(bytes.fromhex("00B0000000"))
    assert len(inner.sent) == 1  # nothing goes out in the clear afterwards


def test_three_digests_are_compared_whole() -> None:
    """A block with other padding, or with bytes behind the digests, is no signature."""
    from honnin.chip.my_number_card.record_signatures import three_digests

    prefix = bytes.fromhex("3071300D060960864801650304020105000460")
    signer = keys()[2]
    good = three_digests(deliver_key(), raw(signer, prefix + bytes(96)))
    assert good == (bytes(32),) * 3
    for content in (prefix + bytes(95), bytes(1) + prefix + bytes(96), prefix[:-1] + b"\x61" + bytes(96)):
        assert three_digests(deliver_key(), raw(signer, content)) is None
    assert three_digests(deliver_key(), b"\xff" * 256) is None


def test_every_refusal_is_coded() -> None:
    with MyNumberCard(NumberCard()) as mine:
        for call in (
            lambda: mine.card_face.read("face"),
            lambda: mine.card_face.read("nothing"),
            lambda: mine.card_face.unlock(PIN),
            lambda: mine.common.read("nothing"),
            lambda: mine.input_support.protect(),
        ):
            with pytest.raises(HonninError):
                call()
