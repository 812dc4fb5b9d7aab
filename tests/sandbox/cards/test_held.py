"""What readers make up for the sandbox's contactless chips."""

import pytest

from honnin.sandbox.cards.held import contactless_atr
from honnin.sandbox.cards.passport.chip import ATR as PASSPORT
from honnin.sandbox.cards.residence_card.chip import ATR as RESIDENCE_CARD


@pytest.mark.parametrize("atr", [PASSPORT, RESIDENCE_CARD, contactless_atr(bytes(8))])
def test_answer_to_reset_is_one_of_type_b_and_its_octets_add_up(atr: bytes) -> None:
    assert atr[:4] == bytes.fromhex("3B888001")
    assert len(atr) == 13
    check = 0
    for octet in atr[1:]:
        check ^= octet
    assert check == 0


def test_documents_are_told_apart() -> None:
    assert PASSPORT != RESIDENCE_CARD
