"""The one shape: what every document's module offers, and results that show nothing personal."""

from typing import get_type_hints

import pytest

from honnin.chip.document import Application, Pin, Proof, RawFile, Reading, Tries
from honnin.chip.my_number_card import JpkiApplication
from honnin.chip.my_number_card.profile import profile

METHODS = ("detect", "tries", "unlock", "read", "prove")


@pytest.mark.parametrize("method", METHODS)
def test_the_jpki_application_has_the_shape(method: str) -> None:
    ours = get_type_hints(getattr(JpkiApplication, method))
    shape = get_type_hints(getattr(Application, method))
    assert set(ours) == set(shape)


@pytest.mark.parametrize(("left", "state"), [(None, "unknown"), (0, "locked"), (1, "last_try"), (2, "open")])
def test_state_of_tries(left: int | None, state: str) -> None:
    assert Tries("pin", left).state == state


def test_results_show_no_content() -> None:
    shown = repr(Reading("d", "a", {"name": "SECRET"}, (RawFile("a", "f", 1, b"SECRET"),)))
    shown += repr(
        Proof(
            "possession",
            "passed",
            "proof.possession_passed",
            message=b"SECRET",
            signature=b"SECRET",
            certificate=b"SECRET",
        )
    )
    shown += repr(Pin("signature", "SECRET"))
    assert "SECRET" not in shown


def test_the_layout_is_dated_and_sourced() -> None:
    layout = profile()
    assert layout.source
    assert layout.date == "2026-11-21"
    assert {name: rule.tries for name, rule in layout.jpki.pins.items()} == {"signature": 5, "user_authentication": 3}
