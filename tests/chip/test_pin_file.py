"""PINs over a card that answers by table: tries first, nothing sent in vain, nothing shown."""

from datetime import date
from typing import Any

import pytest

from honnin.chip import MyNumberCard, Pin
from honnin.errors import CardError, InputError, PinError

SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER_DOMAIN = "00A4040C07A0000001510000"
SIGNATURE_PIN = "0020009B06414243313233"
AUTHENTICATION_PIN = "002000980431323334"


def pins_in(card: Any) -> list[str]:
    """The commands that carried a PIN."""
    return [sent for sent in card.sent if sent.startswith(("0020", "0024")) and len(sent) > 8]


def open_pins() -> dict[str, Any]:
    return {"0020009B": "63C5", "00200098": "63C3", SIGNATURE_PIN: "9000", AUTHENTICATION_PIN: "9000"}


@pytest.mark.parametrize(
    ("answer", "left", "state"),
    [
        ("63C3", 3, "open"),
        ("63C1", 1, "last_try"),
        ("63C0", 0, "locked"),
        ("6984", 0, "locked"),
        ("6983", 0, "locked"),
        ("9000", None, "unknown"),
        ("6300", None, "unknown"),
    ],
)
def test_tries_are_read_without_spending_one(table_card: Any, answer: str, left: int | None, state: str) -> None:
    card = table_card({"0020009B": "63C5", "00200098": answer, "00B0880003": "8F8F009000"})
    signature, authentication = MyNumberCard(card).tries()
    assert (signature.name, signature.left, signature.of) == ("signature", 5, 5)
    assert (authentication.left, authentication.of, authentication.state) == (left, 3, state)
    assert card.sent[:3] == [SELECT_JPKI, "0020009B", "00200098"]
    assert not pins_in(card)


def test_tries_of_a_card_without_short_ids(table_card: Any) -> None:
    card = table_card(
        {"0020009B": "6A86", "00A4020C02001B": "9000", "00A4020C020018": "9000", "00200080": ["63C4", "63C2"]}
    )
    assert [tries.left for tries in MyNumberCard(card).tries()] == [4, 2]
    assert card.sent[1:] == ["0020009B", "00A4020C02001B", "00200080", "00A4020C020018", "00200080"]


def test_a_pin_that_is_not_there_is_left_out(table_card: Any) -> None:
    card = table_card({"0020009B": "6A88", "00A4020C02001B": "6A82", "00200098": "63C3"})
    assert [tries.name for tries in MyNumberCard(card).tries()] == ["user_authentication"]


def test_unlock_reads_the_tries_first(table_card: Any) -> None:
    card = table_card(open_pins())
    opened = MyNumberCard(card).jpki.unlock(Pin("signature", "abc123"))
    assert card.sent == [SELECT_JPKI, "0020009B", SIGNATURE_PIN]
    assert opened.opens == ("signature", "signature_key")


def test_unlock_without_short_ids(table_card: Any) -> None:
    card = table_card({"00200098": "6A86", "00A4020C020018": "9000", "00200080": "63C3", "002000800431323334": "9000"})
    MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"))
    assert card.sent[-2:] == ["00200080", "002000800431323334"]


@pytest.mark.parametrize("pin", ["12345", "ABCD", "", "１２３４"])
def test_a_wrongly_formatted_pin_never_reaches_the_card(table_card: Any, pin: str) -> None:
    card = table_card({})
    with pytest.raises(PinError, match=r"card\.pin_format"):
        MyNumberCard(card).jpki.unlock(Pin("user_authentication", pin))
    assert card.sent == []


@pytest.mark.parametrize(
    ("query", "code", "left"),
    [("63C1", "card.pin_last_try", 1), ("63C0", "card.pin_locked", 0), ("6984", "card.pin_locked", 0)],
)
def test_no_pin_is_sent(table_card: Any, query: str, code: str, left: int) -> None:
    card = table_card({"00200098": query, "00B0880003": "8F8F009000"})
    with pytest.raises(PinError, match=code) as caught:
        MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"))
    assert caught.value.tries_left == left
    assert not pins_in(card)


def test_the_last_try_on_purpose(table_card: Any) -> None:
    card = table_card({"00200098": "63C1", AUTHENTICATION_PIN: "9000"})
    MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True)
    assert AUTHENTICATION_PIN in card.sent


@pytest.mark.parametrize("answer", ["6A80", "6F00", "6D00", "6982", "9001", "0000"])
def test_a_failing_query_sends_no_pin(table_card: Any, answer: str) -> None:
    card = table_card({"00200098": answer, "00A4020C020018": "9000", "00200080": answer})
    with pytest.raises(CardError):
        MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True)
    assert not pins_in(card)


def test_verified_by_someone_else_before_us(table_card: Any) -> None:
    """9000 to the query hides the counter: the application is left and entered again, then the counter shows."""
    card = table_card({"00200098": ["9000", "63C2"], AUTHENTICATION_PIN: "9000"})
    MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"))
    assert card.sent == [SELECT_JPKI, "00200098", SELECT_ISSUER_DOMAIN, SELECT_JPKI, "00200098", AUTHENTICATION_PIN]


def test_a_counter_that_never_shows(table_card: Any) -> None:
    card = table_card({"00200098": "9000"})
    with pytest.raises(PinError, match=r"card\.tries_unknown"):
        MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True)
    assert AUTHENTICATION_PIN not in card.sent


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [
        ("63C2", "card.pin_wrong", 2),
        ("63C1", "card.pin_wrong", 1),
        ("63C0", "card.pin_locked", 0),
        ("6984", "card.pin_locked", 0),
        ("6300", "card.pin_wrong", None),
        ("6700", "card.refused", None),
    ],
)
def test_what_the_card_says_to_a_pin(table_card: Any, answer: str, code: str, left: int | None) -> None:
    table = {"00200098": "63C3", AUTHENTICATION_PIN: answer, "00B0880003": "8F8F009000"}
    card = MyNumberCard(table_card(table))
    with pytest.raises(CardError, match=code) as caught:
        card.jpki.unlock(Pin("user_authentication", "1234"))
    assert getattr(caught.value, "tries_left", None) == left
    said = {2: "2 tries are left", 1: "1 try is left", None: "an unknown number of tries is left"}
    if code == "card.pin_wrong":
        assert said[left] in str(caught.value)
    assert "1234" not in f"{caught.value!r} {caught.value} {card.transcript} {caught.value.__dict__}"
    with pytest.raises(PinError, match=r"card\.pin_required"):
        card.jpki.sign("user_authentication", bytes(32))


def test_a_wrong_pin_after_a_right_one_closes_again(table_card: Any) -> None:
    table = open_pins() | {AUTHENTICATION_PIN: ["9000", "63C2"]}
    card = MyNumberCard(table_card(table))
    card.jpki.unlock(Pin("user_authentication", "1234"))
    with pytest.raises(PinError, match=r"card\.pin_wrong"):
        card.jpki.unlock(Pin("user_authentication", "1234"))
    with pytest.raises(PinError, match=r"card\.pin_required"):
        card.jpki.sign("user_authentication", bytes(32))


def test_pin_without_certificate(table_card: Any) -> None:
    card = table_card({"0020009B": "6A88", "00A4020C02001B": "6A82"})
    with pytest.raises(CardError, match=r"card\.not_issued"):
        MyNumberCard(card).jpki.unlock(Pin("signature", "ABC123"))


@pytest.mark.parametrize("name", ["", "SIGNATURE", "admin", "1234"])
def test_unknown_pin(table_card: Any, name: str) -> None:
    with pytest.raises(InputError, match=r"chip\.pin_unknown"):
        MyNumberCard(table_card({})).jpki.unlock(Pin(name, "1234"))


def test_changing_a_pin(table_card: Any) -> None:
    card = table_card(
        {"00A4020C020018": "9000", "00200080": "63C3", "002000800431323334": "9000", "002401800437333931": "9000"}
    )
    MyNumberCard(card).jpki.change_pin("user_authentication", "1234", "7391")
    assert card.sent == [SELECT_JPKI, "00A4020C020018", "00200080", "002000800431323334", "002401800437333931"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("1234", "0000", "card.pin_improper"),
        ("1234", "0217", "card.pin_improper"),
        ("1234", "2285", "card.pin_improper"),
        ("1234", "73912", "card.pin_format"),
        ("123", "7391", "card.pin_format"),
    ],
)
def test_an_improper_pin_never_reaches_the_card(table_card: Any, old: str, new: str, code: str) -> None:
    card = table_card({})
    with pytest.raises(PinError, match=code):
        MyNumberCard(card).jpki.change_pin(
            "user_authentication", old, new, birth_date=date(1980, 2, 17), security_code="2285"
        )
    assert card.sent == []


def test_a_wrong_old_pin_changes_nothing(table_card: Any) -> None:
    card = table_card({"00A4020C020018": "9000", "00200080": "63C3", "002000800431323334": "63C2"})
    with pytest.raises(PinError, match=r"card\.pin_wrong"):
        MyNumberCard(card).jpki.change_pin("user_authentication", "1234", "7391")
    assert not [sent for sent in card.sent if sent.startswith("0024")]


def test_a_refused_change(table_card: Any) -> None:
    card = table_card(
        {"00A4020C020018": "9000", "00200080": "63C3", "002000800431323334": "9000", "002401800437333931": "6A80"}
    )
    with pytest.raises(CardError, match=r"card\.refused"):
        MyNumberCard(card).jpki.change_pin("user_authentication", "1234", "7391")


def test_a_pin_does_not_show_in_the_repr_of_anything(table_card: Any) -> None:
    assert "ABC123" not in repr(Pin("signature", "ABC123"))
    card = MyNumberCard(table_card(open_pins()))
    card.jpki.unlock(Pin("signature", "ABC123"))
    assert "ABC123" not in repr(card.transcript)
    assert "414243313233" not in repr(card.transcript)


@pytest.mark.parametrize("locked", ["63C0", "6984"])
def test_under_15_there_is_no_lock_but_no_certificate(table_card: Any, locked: str) -> None:
    """EF 0008 says which of the two it is; the person is sent for the right thing."""
    card = table_card({"0020009B": locked, "00200098": "63C3", "00B0880003": "008F009000"})
    mine = MyNumberCard(card)
    assert [(tries.name, tries.state) for tries in mine.tries()] == [
        ("signature", "unused"),
        ("user_authentication", "open"),
    ]
    with pytest.raises(CardError, match=r"card\.not_issued"):
        mine.jpki.unlock(Pin("signature", "ABC123"))
    assert not pins_in(card)


@pytest.mark.parametrize("answer", ["6A82", "6F00", "6982", "8F9000"])
def test_a_lock_stays_a_lock_when_the_card_does_not_say(table_card: Any, answer: str) -> None:
    card = table_card(
        {"00200098": "63C0", "00B0880003": answer, "00A4020C020008": "6A82", "00B0000102": "6B00", "00B0000110": "6B00"}
    )
    with pytest.raises(PinError, match=r"card\.pin_locked"):
        MyNumberCard(card).jpki.unlock(Pin("user_authentication", "1234"))
