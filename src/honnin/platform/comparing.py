"""Comparing a session's four items with the service provider's own ledger, in place of a registered seal.

Names and addresses get a grade with its reasons (`honnin.identity`), dates and sex are equal or not; nothing of either
side is in the answer. What was not verified, or is not in the ledger, is `not_compared` and never counts as agreeing.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from honnin.identity import compare_addresses, compare_names
from honnin.identity.grades import Grade, overridden, suffices
from honnin.platform.models import FourItemsAnswer

__all__ = ["Compared", "Comparison", "ComparisonRequest", "compare_items"]

Text = Annotated[str, Meta(min_length=1, max_length=300)]
Result = Literal["same", "same_variant", "likely", "unclear", "different", "not_compared"]


class Least(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weakest grade of name and address that still agrees."""

    name: Grade = "same_variant"
    address: Grade = "likely"


class Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decided over a comparison that did not agree, and why."""

    by: Annotated[str, Meta(min_length=1, max_length=100)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class ComparisonRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the ledger says of the customer; what is left out is not compared. birth_date is `YYYY-MM-DD`."""

    name: Text | None = None
    address: Text | None = None
    birth_date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")] | None = None
    sex: Literal["male", "female", "unknown"] | None = None
    least: Least = Least()
    override: Decided | None = None

    def __repr__(self) -> str:
        return "ComparisonRequest(…)"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One item: its grade, whether that suffices, and why it is not a stronger one."""

    result: Result
    agrees: bool
    reasons: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How the verified items and the ledger agree.

    outcome: `agrees`, `differs`, `review` (a person should look: weak grades, or nothing to compare), or `overridden`
    by a person, whose name and reason stand in `override`; the grades stay as they were found.
    """

    object: Literal["comparison"] = "comparison"
    session: str
    livemode: bool
    outcome: Literal["agrees", "review", "differs", "overridden"]
    name: Compared
    address: Compared
    birth_date: Compared
    sex: Compared
    override: Decided | None = None


def compare_items(items: FourItemsAnswer, ledger: ComparisonRequest, *, session: str, livemode: bool) -> Comparison:
    """Compare verified items with a ledger's. Raises what the comparisons raise for text that cannot be one."""
    name, address = _names(items, ledger), _addresses(items, ledger)
    born, sex = _equal(items.birth_date, ledger.birth_date), _equal(items.sex, ledger.sex)
    given = [
        one
        for one, said in ((name, ledger.name), (address, ledger.address), (born, ledger.birth_date), (sex, ledger.sex))
        if said is not None
    ]
    outcome: Literal["agrees", "review", "differs", "overridden"] = "review"
    if any(one.result == "different" for one in given):
        outcome = "differs"
    elif given and all(one.agrees for one in given):
        outcome = "agrees"
    decided = None
    if ledger.override is not None and outcome != "agrees":
        weakest: Grade = "different" if outcome == "differs" else "unclear"
        overridden(weakest, by=ledger.override.by, reason=ledger.override.reason)
        outcome, decided = "overridden", ledger.override
    return Comparison(
        session=session,
        livemode=livemode,
        outcome=outcome,
        name=name,
        address=address,
        birth_date=born,
        sex=sex,
        override=decided,
    )


def _names(items: FourItemsAnswer, ledger: ComparisonRequest) -> Compared:
    if items.name is None or ledger.name is None:
        return Compared(result="not_compared", agrees=False)
    match = compare_names(items.name, ledger.name, substituted_a=items.substitute_characters.name)
    return Compared(result=match.grade, agrees=suffices(match.grade, ledger.least.name), reasons=match.reasons)


def _addresses(items: FourItemsAnswer, ledger: ComparisonRequest) -> Compared:
    if items.address is None or ledger.address is None:
        return Compared(result="not_compared", agrees=False)
    match = compare_addresses(items.address, ledger.address)
    return Compared(result=match.grade, agrees=suffices(match.grade, ledger.least.address), reasons=match.differences)


def _equal(verified: str | None, said: str | None) -> Compared:
    if verified is None or said is None:
        return Compared(result="not_compared", agrees=False)
    return Compared(result="same" if verified == said else "different", agrees=verified == said)
