"""The check digit of the individual number; the numbers here belong to nobody."""

import copy
import dataclasses
import hashlib
import json
import logging
import marshal
import operator
import pickle
import pprint
import reprlib
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from honnin.errors import FormatError
from honnin.identity import IndividualNumber, check_individual_number


@pytest.mark.parametrize(
    "text", ["123456789018", "1234 5678 9018", "1234-5678-9018", "１２３４５６７８９０１８", "1234　5678　9018"]
)
def test_fits(text: str) -> None:
    assert check_individual_number(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "123456789012",  # the specimen number
        "",
        "12345678901",
        "1234567890180",
        "12345678901a",
        "12 34 56 78 90 18",
        "1234-5678 9018",
        "123456789018\n",
        " 123456789018",
        "١٢٣٤٥٦٧٨٩٠١٨",
        "1" * 10_000,
    ],
)
def test_does_not_fit(text: str) -> None:
    assert check_individual_number(text) is False


def test_exactly_one_last_digit_fits() -> None:
    for first in ("00000000000", "99999999999", "10203040506", "00000000100"):
        assert sum(check_individual_number(first + digit) for digit in "0123456789") == 1


# --- the type that does not leave by accident

DIGITS = "123456789018"
NUMBER = IndividualNumber("1234 5678 9018")


def test_the_number_is_told_where_it_is_asked_for_and_nowhere_else() -> None:
    assert NUMBER.reveal() == DIGITS
    assert IndividualNumber("１２３４５６７８９０１８") == NUMBER
    assert IndividualNumber("123456789018") != "123456789018"


@pytest.mark.parametrize(
    "shown",
    [
        repr(NUMBER),
        str(NUMBER),
        f"{NUMBER}",
        f"{NUMBER!r}",
        f"{NUMBER:>20}",
        f"{NUMBER:d}",
        "%s %r" % (NUMBER, NUMBER),  # noqa: UP031
        "{0._tell} {0}".format(NUMBER),  # noqa: UP032
        "{0.__class__.__slots__}".format(NUMBER),  # noqa: UP030, UP032
        pprint.pformat({"number": NUMBER}),
        repr([NUMBER]),
        json.dumps(NUMBER, default=str),
        json.dumps(NUMBER, default=repr),
        repr(dataclasses.make_dataclass("Held", ["number"])(NUMBER)),
        reprlib.repr(NUMBER),
        ascii(NUMBER),
        "".join(traceback.format_exception(ValueError(NUMBER))),
    ],
    ids=range(17),  # the texts themselves hold addresses of memory, which differ between workers
)
def test_no_text_made_of_it_has_its_digits(shown: str) -> None:
    digits = "".join(character for character in shown if character.isdigit())
    assert DIGITS not in digits
    assert "56789018" not in shown


@pytest.mark.parametrize(
    "leak",
    [
        hash,
        copy.copy,
        copy.deepcopy,
        lambda number: dataclasses.asdict(dataclasses.make_dataclass("Held", ["number"])(number)),
        lambda number: {number: 1},
        lambda number: {number},
        pickle.dumps,
        lambda number: pickle.dumps({"a": [number]}),
        marshal.dumps,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        lambda number: msgspec.json.encode({"number": number}),
        lambda number: hashlib.sha256(number),
        bytes,
        int,
        float,
        list,
        len,
        iter,
        vars,
        dict,
        operator.index,
        lambda number: number + "",
        lambda number: "" + number,
        lambda number: "".join([number]),  # noqa: FLY002
        lambda number: setattr(number, "_tell", lambda: ""),
        lambda number: type("Leaky", (IndividualNumber,), {}),
        lambda number: uuid.uuid5(uuid.NAMESPACE_URL, number),
    ],
)
def test_what_would_carry_it_away_is_refused(leak: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError, NotImplementedError)) as refused:
        leak(NUMBER)
    assert "56789018" not in str(refused.value)


def test_it_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("honnin.test").error("%s %r", NUMBER, NUMBER)
    assert "56789018" not in caplog.text


@pytest.mark.parametrize("text", ["123456789012", "1234", "", "1234567890188", "１２３４", None, 123456789018])
def test_what_is_no_number_is_refused_without_being_repeated(text: Any) -> None:
    with pytest.raises(FormatError) as refused:
        IndividualNumber(text)
    assert refused.value.code == "identity.number_malformed"
    assert "9012" not in str(refused.value)
