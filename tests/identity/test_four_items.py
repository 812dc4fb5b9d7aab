"""The four items show nothing of themselves."""

import pytest

from honnin.identity import FourItems, PartialDate
from honnin.identity.four_items import substituted_positions


def test_repr_and_format_show_nothing() -> None:
    items = FourItems(name="見本　花子", address="東京都千代田区", birth_date=PartialDate(1990, 4, 1), sex="female")
    for shown in (repr(items), str(items), f"{items}", repr([items])):
        assert not {"見本", "東京", "1990", "female"} & set(shown.replace("(", " ").split())
        assert "見本" not in shown


def test_substituted_positions() -> None:
    assert substituted_positions("") == ()
    assert substituted_positions("01001") == (1, 4)
    with pytest.raises(ValueError, match="0 or 1"):
        substituted_positions("0120")
