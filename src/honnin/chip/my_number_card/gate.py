"""What may be collected from a card, by what is read and never by where it stands (seed facts, "Cards and PINs").

Reading the individual number as text or picture, or asking for verification number A, is collecting it, which the law
allows few (番号法): it is off unless whoever makes the session says otherwise.
"""

from collections.abc import Iterable
from typing import Final, Literal, get_args

from honnin.errors import AccessError

__all__ = ["ORDINARY", "Data", "Gate"]

Data = Literal["individual_number", "four_items", "portrait", "birth_date"]
ORDINARY: Final[frozenset[Data]] = frozenset({"four_items", "portrait", "birth_date"})


class Gate:
    """What one session may collect."""

    def __init__(self, allowed: Iterable[Data] = ORDINARY) -> None:
        self._allowed = frozenset(allowed) & frozenset(get_args(Data))

    def lets(self, data: Iterable[str]) -> bool:
        """Tell whether all of this may be collected."""
        return self._allowed.issuperset(data)

    def check(self, data: Iterable[str]) -> None:
        """Refuse what may not be collected, before the card is asked. Raises AccessError `card.collection_refused`."""
        refused = sorted(set(data) - self._allowed)
        if refused:
            raise AccessError(
                "card.collection_refused",
                f"This session may not collect: {', '.join(refused)}.",
                next="Read without it, or open the session for those who are entitled to it.",
            )
