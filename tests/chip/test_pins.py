"""Which PINs reach a card, and which new ones are refused."""

from datetime import date

import pytest

from honnin.chip.my_number_card.profile import profile
from honnin.chip.pins import check_format, check_proper
from honnin.errors import PinError

RULES = profile().jpki.pins
BORN = date(1980, 2, 17)


@pytest.mark.parametrize(
    ("given", "sent"),
    [("ABC123", b"ABC123"), ("abc123", b"ABC123"), ("A" * 15 + "1", b"A" * 15 + b"1"), ("1ABCDE", b"1ABCDE")],
)
def test_signature_pin(given: str, sent: bytes) -> None:
    assert check_format("signature", RULES["signature"], given) == sent


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ABC12",
        "A" * 16 + "1",
        "ABCDEF",
        "123456",
        "ABC 123",
        "ABC-12",
        "ABC123\n",
        "ＡＢＣ１２３",
        "ABC12３",
        "ABCß123",
        "ﬀABC123",
        "ABC12é",
    ],
)
def test_not_a_signature_pin(given: str) -> None:
    with pytest.raises(PinError, match=r"card\.pin_format"):
        check_format("signature", RULES["signature"], given)


def test_user_authentication_pin() -> None:
    assert check_format("user_authentication", RULES["user_authentication"], "0427") == b"0427"


@pytest.mark.parametrize("given", ["", "123", "12345", "12a4", "１２３４", " 123", "12.4", "-123", "²²²²"])
def test_not_a_user_authentication_pin(given: str) -> None:
    with pytest.raises(PinError, match=r"card\.pin_format") as caught:
        check_format("user_authentication", RULES["user_authentication"], given)
    if given.strip():
        assert given not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("pin", ["0000", "9999", "1234", "4321", "0123", "6789"])
def test_guessed_first(pin: str) -> None:
    with pytest.raises(PinError, match=r"card\.pin_improper"):
        check_proper("user_authentication", pin.encode())


@pytest.mark.parametrize("pin", ["0217", "1702", "1980", "8002", "0280", "5502", "5517", "0255"])
def test_birth_date_in_any_form(pin: str) -> None:
    """55 is the era year of 1980, as on the card's verification number B."""
    with pytest.raises(PinError, match=r"card\.pin_improper"):
        check_proper("user_authentication", pin.encode(), birth_date=BORN)
    check_proper("user_authentication", pin.encode(), birth_date=date(2003, 11, 29))


@pytest.mark.parametrize("pin", ["A19800217", "A550217", "8002A17"])
def test_birth_date_in_a_signature_pin(pin: str) -> None:
    with pytest.raises(PinError, match=r"card\.pin_improper"):
        check_proper("signature", pin.encode(), birth_date=BORN)


def test_security_code() -> None:
    with pytest.raises(PinError, match=r"card\.pin_improper"):
        check_proper("user_authentication", b"2285", security_code="2285")
    check_proper("user_authentication", b"2285", security_code="2286")


@pytest.mark.parametrize("pin", [b"0427", b"7391", b"1357", b"1224", b"ABC123", b"AAAAA1"])
def test_proper(pin: bytes) -> None:
    check_proper("a", pin, birth_date=BORN, security_code="2285")
