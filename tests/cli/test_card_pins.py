"""`honnin card pin` over every document: each key that can lock, and never a try lost before the card is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.searching import tells

from honnin.cli.card import card
from honnin.connect.worlds import open_world
from honnin.errors import HonninError

pytestmark = pytest.mark.xdist_group("emulated_documents_cli")

NUMBERS = ("card_face.verification_number_a", "card_face.verification_number_b", "birth_date")
LICENCE = "emulated:hanako/drivers_licence"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


def run(data: Path, command: str, url: str, given: str = "") -> Result:
    at = ["--reader", url, "--data", str(data), "--json"]
    return CliRunner().invoke(card, ["pin", *command.split(), *at], input=given)


def code(result: Result) -> str:
    assert isinstance(result.exception, HonninError), result.output
    return result.exception.code


def tries(data: Path, url: str = "emulated:hanako") -> dict[str, Any]:
    pins = json.loads(run(data, "status", url).stdout)["pins"]
    return {f"{pin.get('application', 'licence')}.{pin['name']}": (pin["tries_left"], pin["state"]) for pin in pins}


def keys(data: Path, person: str) -> Any:
    return next(
        one["document_keys"] | {"pins": one["pins"]} for one in open_world(data).people() if one["id"] == person
    )


def test_every_key_of_a_my_number_card(data: Path) -> None:
    own = keys(data, "hanako")
    card_keys = own["my_number_card"]
    right = {
        **own["pins"],
        "input_support": card_keys["input_support"],
        "drivers_licence": card_keys["drivers_licence"],
        "card_face.verification_number_a": card_keys["number_a"],
        "input_support.verification_number_a": card_keys["number_a"],
        "card_face.verification_number_b": card_keys["number_b"],
        "input_support.verification_number_b": card_keys["number_b"],
        "birth_date": card_keys["birth_date_key"],
    }
    before = tries(data)
    assert len(before) == len(right)
    for name, value in right.items():
        result = run(data, f"verify {name}", "emulated:hanako", f"{value}\n")
        assert result.exit_code == 0, (name, result.exception)
        assert not tells(result.output, value)
    assert tries(data) == before


def test_a_misspelt_key_costs_nothing_and_a_wrong_one_a_try(data: Path) -> None:
    before = tries(data)
    for name in ("input_support", *NUMBERS):
        for nonsense in ("\n", "12\n", "99999999999999\n", "000006363076\n"):
            refused = code(run(data, f"verify {name}", "emulated:hanako", nonsense))
            assert refused in {"card.pin_format", "card.number_format"} or refused.startswith("identity.number")
    assert tries(data) == before
    assert code(run(data, "verify input_support", "emulated:hanako", "0001\n")) == "card.pin_wrong"
    assert tries(data)["input_support.input_support"] == (2, "open")


def test_a_licence_to_its_lock(data: Path) -> None:
    own = keys(data, "hanako")["drivers_licence"]
    assert run(data, "verify pin_2", LICENCE, f"{own['pin_2']}\n").exit_code == 0
    wrong = [code(run(data, "verify pin_1", LICENCE, "0001\n")) for _ in range(3)]
    assert wrong == ["card.pin_wrong", "card.pin_wrong", "card.pin_last_try"]
    assert code(run(data, "verify pin_1 --last-try", LICENCE, "0001\n")) == "licence.pin_locked"
    assert tries(data, LICENCE) == {"licence.pin_1": (0, "locked"), "licence.pin_2": (3, "open")}
    assert code(run(data, "verify pin_1", LICENCE, f"{own['pin_1']}\n")) == "licence.pin_locked"


def test_a_licence_whose_holder_chose_no_pins(data: Path) -> None:
    assert run(data, "verify pin_1", "emulated:taro/drivers_licence").exit_code == 0


def test_a_new_pin_of_input_support(data: Path) -> None:
    old = keys(data, "hanako")["my_number_card"]["input_support"]
    for improper in ("1234\n", "0412\n1990-04-12\n"):
        refused = run(data, "change input_support", "emulated:hanako", f"{old}\n{improper}")
        assert code(refused) == "card.pin_improper"
    result = run(data, "change input_support", "emulated:hanako", f"{old}\n8053\n1990-04-12\n")
    assert json.loads(result.stdout) == {"pin": "input_support", "changed": True, "not_compared": ["security_code"]}
    assert run(data, "verify input_support", "emulated:hanako", "8053\n").exit_code == 0


def test_the_card_tells_the_birth_date_that_a_new_pin_of_input_support_may_not_be(data: Path) -> None:
    old = keys(data, "hanako")["my_number_card"]["input_support"]
    for born in ("0412", "1990", "0204", "9004"):  # 1990-04-12, the second year of Heisei
        assert code(run(data, "change input_support", "emulated:hanako", f"{old}\n{born}\n")) == "card.pin_improper"
    assert code(run(data, "change input_support", "emulated:hanako", "0001\n8053\n")) == "card.pin_wrong"
    assert run(data, "verify input_support", "emulated:hanako", f"{old}\n").exit_code == 0
    result = run(data, "change input_support", "emulated:hanako", f"{old}\n8053\n")
    assert json.loads(result.stdout) == {"pin": "input_support", "changed": True, "not_compared": ["security_code"]}
    result = run(data, "change user_authentication", "emulated:hanako", "2468\n8053\n")
    assert json.loads(result.stdout)["not_compared"] == ["birth_date", "security_code"]


@pytest.mark.parametrize("target", ["hanako", "hanako/my_number_card:copied"])
def test_reading_without_a_key_takes_the_present_pin_and_costs_no_try(data: Path, target: str) -> None:
    url, old = f"emulated:{target}", keys(data, "hanako")["my_number_card"]["input_support"]
    read = ["read", "--part=four_items", "--reader", url, "--data", str(data), "--json"]
    for new in ("8053", "6174"):
        assert run(data, "change input_support", url, f"{old}\n{new}\n").exit_code == 0
        told = CliRunner().invoke(card, read)
        body = json.loads(told.stdout)
        assert body["answers"]["read"] == ["input_support"], told.output
        assert tries(data, url)["input_support.input_support"] == (3, "open")
        assert not tells(told.output, new)
        old = new
    other = "hanako" if "copied" in target else "hanako/my_number_card:copied"  # a copy is a chip of its own
    assert CliRunner().invoke(card, [one if one != url else f"emulated:{other}" for one in read]).stdout
    assert tries(data, f"emulated:{other}")["input_support.input_support"] == (3, "open")


def test_changed_pins_are_those_that_the_sandbox_lists(data: Path) -> None:
    assert keys(data, "hanako")["pins"] == {"signature": "HANAKO2468", "user_authentication": "2468"}
    assert run(data, "change signature", "emulated:hanako", "HANAKO2468\nMIHON8053\n").exit_code == 0
    assert run(data, "change user_authentication", "emulated:hanako", "2468\n8053\n").exit_code == 0
    now = keys(data, "hanako")
    assert now["pins"] == {"signature": "MIHON8053", "user_authentication": "8053"}
    assert now["my_number_card"]["input_support"] == "2468"  # three PINs of one number are three PINs


def test_what_no_holder_can_change(data: Path) -> None:
    before = tries(data)
    for name in ("drivers_licence", *NUMBERS):
        assert code(run(data, f"change {name}", "emulated:hanako", "1\n2\n")) == "card.pin_fixed"
    assert code(run(data, "change pin_1", LICENCE, "1\n2\n")) == "card.pin_fixed"
    assert tries(data) == before


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("emulated:hanako", "verification_number_b"),
        ("emulated:hanako", "pin_1"),
        (LICENCE, "signature"),
        ("emulated:anna/residence_card", "card_number"),
        ("emulated:hanako/passport", "mrz"),
    ],
)
def test_a_name_that_says_no_single_key(data: Path, url: str, name: str) -> None:
    assert code(run(data, f"verify {name}", url, "1234\n")) == "chip.pin_unknown"
