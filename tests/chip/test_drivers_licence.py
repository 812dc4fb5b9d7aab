"""The driver's licence reader against a scripted card: PIN economy, every field, proofs, resumption, odd bytes."""

from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from PIL import Image
from tests.chip.licence_card import DF1, DF2, PHOTO, LicenceCard, LicenceOnCard, kanji

from honnin.chip import Challenge, Pin, Trust
from honnin.chip.channel import Channel
from honnin.chip.drivers_licence import DriversLicence, check_licence_number
from honnin.chip.drivers_licence.dates import era_date
from honnin.chip.drivers_licence.number import LicenceNumber
from honnin.chip.drivers_licence.on_my_number_card import LicenceOnMyNumberCard
from honnin.chip.drivers_licence.text import kanji_text
from honnin.chip.drivers_licence.tlv import items
from honnin.errors import FormatError, PinError, ReaderError

CHALLENGE = Challenge(bytes(16), "counter", "bank")


def trust(card: LicenceCard) -> Trust:
    return Trust((), datetime(2026, 11, 26, tzinfo=UTC), (card.trusted(),))


def unlocked(licence: DriversLicence, *pins: str) -> None:
    for name in pins or ("pin_1", "pin_2"):
        licence.card.unlock(Pin(name, "1234" if name == "pin_1" else "5678"))


def test_every_file_is_read_and_proved() -> None:
    card = LicenceCard()
    with DriversLicence(card) as licence:
        assert licence.detect()[0].present
        assert [(tries.name, tries.left, tries.of) for tries in licence.tries()] == [("pin_1", 3, 3), ("pin_2", 3, 3)]
        unlocked(licence)
        reading = licence.card.read()
        signature, revocation = licence.card.prove(CHALLENGE, trust=trust(card))
    values = reading.values
    record = values.record
    assert values.unreadable == ()
    assert record is not None
    assert record.unreadable == ()
    assert record.name is not None
    assert (record.name.plain, record.name.whole, record.name.glyphs) == ("見本　花〓〓", False, (1,))
    assert [run.kind for run in record.name.runs] == ["text", "glyph", "missing"]
    assert record.birth_date is not None
    assert record.birth_date.whole == date(1990, 4, 1)
    assert record.expires is not None
    assert record.expires.iso() == "2024-06-01"  # 平成36年, behind the era's end
    assert record.address is not None
    assert record.address.plain.endswith("２−１−２")  # trailing space is no part of it
    assert record.number is not None
    assert (record.number.fits, record.number.commission, record.number.reissues) == (True, "東京", 0)
    assert {name: day.iso() for name, day in record.categories.items() if not isinstance(day, bool)} == {
        "普通": "2010-06-01",
        "準中型": "2019-06-02",
    }
    assert [text.plain for text in record.conditions] == ["眼鏡等"]
    assert values.common is not None
    assert (values.common.version, values.common.expires.iso()) == ("008", "2029-06-01")
    assert values.photo == PHOTO
    assert values.registered_domicile is not None
    assert values.registered_domicile.plain == "東京都千代田区"
    assert [change.kind for change in values.changes] == ["address", "address"]
    current = values.current("address")
    assert current is not None
    assert current.plain.startswith("大阪府")
    glyph = values.glyphs[0]
    assert glyph.number == 1
    picture = glyph.tiff()
    assert picture is not None
    assert Image.open(BytesIO(picture)).size == (24, 24)
    assert signature.result == "passed"
    assert signature.covers == ("record", "registered_domicile", "photo")
    assert set(signature.leaves_out) == {"common", "glyphs", "changes", "changed_glyphs", "domicile_changes"}
    assert revocation.result == "not_checked"
    assert card.verified == set()  # left clean


def test_one_pin_proves_nothing() -> None:
    card = LicenceCard()
    with DriversLicence(card) as licence:
        unlocked(licence, "pin_1")
        reading = licence.card.read()
        signature, _ = licence.card.prove(CHALLENGE, trust=trust(card))
        with pytest.raises(PinError) as refused:
            licence.card.read("photo")
    assert refused.value.code == "licence.pin_required"
    assert reading.values.record is not None
    assert reading.file("photo") is None
    assert signature.result == "not_checked"


def test_without_the_police_key_nothing_is_verified() -> None:
    with DriversLicence(LicenceCard()) as licence:
        unlocked(licence)
        signature, _ = licence.card.prove(CHALLENGE)
    assert signature.result == "not_checked"
    assert "not at hand" in signature.reason


def test_a_signature_over_files_without_filler_is_known() -> None:
    card = LicenceCard(filler_signed=False)
    with DriversLicence(card) as licence:
        unlocked(licence)
        assert licence.card.prove(CHALLENGE, trust=trust(card))[0].result == "passed"


@pytest.mark.parametrize(
    ("folder", "file", "at"), [(DF1, 1, 5), (DF1, 1, 879), (DF1, 2, 10), (DF2, 1, 2000), (DF1, 7, 9)]
)
def test_a_changed_covered_byte_fails(folder: bytes, file: int, at: int) -> None:
    card = LicenceCard()
    content = bytearray(card.folders[folder].files[file])
    content[at] ^= 1
    card.folders[folder].files[file] = bytes(content)
    with DriversLicence(card) as licence:
        unlocked(licence)
        assert licence.card.prove(CHALLENGE, trust=trust(card))[0].result == "failed"


def test_no_pin_set_sends_the_fixed_one_and_ignores_what_was_typed() -> None:
    card = LicenceCard(pin_set=False)
    with DriversLicence(card) as licence:
        assert [tries.state for tries in licence.tries()] == ["unused", "unused"]
        licence.card.unlock(Pin("pin_1", ""))
        licence.card.unlock(Pin("pin_2", "whatever"))
        assert licence.card.read("photo").values.photo is not None
    assert bytes.fromhex("002000810 42A2A2A2A".replace(" ", "")) in card.sent


def test_wrong_pins_count_down_and_the_last_is_withheld() -> None:
    card = LicenceCard()
    with DriversLicence(card) as licence:
        for left in (2, 1):
            with pytest.raises(PinError) as wrong:
                licence.card.unlock(Pin("pin_1", "0000"))
            assert (wrong.value.code, wrong.value.tries_left) == ("card.pin_wrong", left)
        with pytest.raises(PinError, match="last_try"):
            licence.card.unlock(Pin("pin_1", "0000"))
        with pytest.raises(PinError, match="pin_format"):
            licence.card.unlock(Pin("pin_1", "12345"))
        assert card.pins_sent == 2
        with pytest.raises(PinError) as locked:
            licence.card.unlock(Pin("pin_1", "0000"), allow_last_try=True)
        assert locked.value.code == "licence.pin_locked"
        assert "police" in locked.value.next


def test_reading_goes_on_after_lost_contact() -> None:
    card = LicenceCard()
    told: list[tuple[str, int, int]] = []
    with DriversLicence(card, progress=lambda *step: told.append(step)) as licence:
        unlocked(licence)
        card.lose_after = card.reads + 10
        with pytest.raises(ReaderError):
            licence.card.read("signature", "record", "photo")
        before = len(card.sent)
        unlocked(licence)
        licence.card.read("signature", "record", "photo")
        read_again = [apdu for apdu in card.sent[before:] if apdu[1] == 0xB0 and apdu[2] == 0x81 and len(apdu) == 5]
        assert licence.card.prove(CHALLENGE, trust=trust(card))[0].result == "passed"
    assert len(read_again) == 1  # the photo; the record was whole before
    assert told[-1] == ("registered_domicile", 82, 82)
    assert ("photo", 2005, 2005) in told


def test_another_licence_after_lost_contact_is_read_anew() -> None:
    card = LicenceCard()
    with DriversLicence(card) as licence:
        unlocked(licence)
        licence.card.read("signature", "record")
        card.lose_after = card.reads
        with pytest.raises(ReaderError):
            licence.card.read("photo")
        files = card.folders[DF1].files
        files[7] = files[7][:20] + bytes((files[7][20] ^ 1,)) + files[7][21:]
        files[1] = files[1].replace(b"4020401", b"4030401")
        unlocked(licence)
        record = licence.card.read("record").values.record
    assert record is not None
    assert record.birth_date is not None
    assert record.birth_date.iso() == "1991-04-01"


@pytest.mark.parametrize("most", [16, 100, 160, 255])
def test_a_chip_that_carries_less_is_asked_for_less(most: int) -> None:
    card = LicenceCard(most=most)
    with DriversLicence(card) as licence:
        unlocked(licence)
        licence.card.read()
        assert licence.card.prove(CHALLENGE, trust=trust(card))[0].result == "passed"


@pytest.mark.parametrize("photo_tag", [0x0107, 0xDF07])
def test_the_licence_on_a_my_number_card(photo_tag: int) -> None:
    card = LicenceOnCard(photo_tag=photo_tag)
    application = LicenceOnMyNumberCard(Channel(card))
    assert application.detect().present
    (tries,) = application.tries()
    assert (tries.name, tries.left, tries.of) == ("drivers_licence", 10, 10)
    application.unlock(Pin("drivers_licence", "2468"))
    record = application.read().values.record
    assert record is not None
    assert record.expires is not None
    assert record.expires.iso() == "2030-06-01"
    assert record.categories == {"普通": True, "原付": True}
    assert record.photo == PHOTO
    assert record.name is None
    known = Trust((), datetime(2026, 11, 26, tzinfo=UTC), (LicenceCard().trusted(),))
    assert application.prove(CHALLENGE, trust=known)[0].result == "passed"


def test_a_card_without_a_licence_says_so() -> None:
    card = LicenceOnCard()
    with DriversLicence(card) as licence:
        assert not licence.detect()[0].present


@pytest.mark.parametrize(("number", "fits"), [("309012345620", True), ("309012345630", False), ("30901234562", False)])
def test_licence_numbers(number: str, fits: bool) -> None:
    assert check_licence_number(number) is fits
    assert number not in repr(LicenceNumber.of(number))


def test_remainders_zero_and_one_give_one_and_zero() -> None:
    """Of the sheet: r = 0 gives 1, r = 1 gives 0."""
    assert check_licence_number("000000000010")
    assert check_licence_number("000000000600")


@pytest.mark.parametrize(
    ("text", "iso"),
    [("3550217", "1980-02-17"), ("4360601", "2024-06-01"), ("5010501", "2019-05-01"), ("1010101", "1868-01-01")],
)
def test_era_dates(text: str, iso: str) -> None:
    found = era_date(text.encode())
    assert found is not None
    assert found.iso() == iso


def test_dates_that_are_none_or_wrong() -> None:
    assert era_date(b"4000000") is None
    assert era_date(b"") is None
    for wrong in (b"6010101", b"401010", b"40A0101", b"4021301"):
        with pytest.raises(FormatError):
            era_date(wrong)


def test_one_byte_tags_that_look_longer() -> None:
    assert [item.tag for item in items(bytes.fromhex("1F0201025F0103FFFFFF"))] == [0x1F, 0x5F]
    assert [item.value for item in items(bytes.fromhex("B1820002AABB"))] == [b"\xaa\xbb"]
    for broken in ("1203AABB", "12", "1282", "128101AA", "1282FFFFAA"):
        with pytest.raises(FormatError):
            list(items(bytes.fromhex(broken)))


def test_text_drops_no_character() -> None:
    text = kanji_text(kanji("①高②×") + b"\xff\xf9" + b"\x21\x21")
    assert text.plain == "〓高〓〓〓"
    with pytest.raises(FormatError):
        kanji_text(b"\x21")
    assert "高" not in repr(text)
