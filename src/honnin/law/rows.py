"""What one row of the rule table says, and the laws, documents and evidence that rows refer to.

Source: reference sheet law-and-assurance §1–§8, §11. Days are Japanese calendar days, inclusive. Structures only:
`table` loads and checks them, `evaluating` decides.
"""

from datetime import date
from itertools import chain
from typing import Literal

import msgspec

__all__ = [
    "Age",
    "Channel",
    "ConditionSource",
    "Conditional",
    "Confidence",
    "Document",
    "Early",
    "Evidence",
    "LawEntry",
    "Residency",
    "RetentionRule",
    "Revision",
    "Rule",
    "VerifierStatus",
    "Words",
]

Confidence = Literal["2", "1", "?"]
Channel = Literal["remote", "in_person", "mail", "phone"]
VerifierStatus = Literal["certified", "deemed", "none"]
Residency = Literal["resident", "outside_resident_register", "moved_abroad"]
Need = Literal["camera", "screen", "chip_reader", "jpki_key", "mobile_record"]
# what is brought by the post, either way
SENT = frozenset(
    {
        "doc.copy",
        "doc.original",
        "doc.supp",
        "mail.nf",
        "mail.restricted",
        "mail.restricted.arrived",
        "mail.restricted.payment",
        "seal.certificate",
    }
)


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence of the table in Japanese and English."""

    ja: str
    en: str


class Revision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A revision of a law's order, in force from its day until the next one."""

    since: date
    id: str
    source: str
    confidence: Confidence


class Early(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A tenant's switch that applies the rules of a later day at once, beside those in force."""

    switch: Literal["apply_2027_rules"]
    since: date
    source: str
    confidence: Confidence


class Age(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ages that a rule speaks of, in full years on the day (`honnin.identity.age_on`)."""

    at_least: int | None = None
    under: int | None = None
    or_at_least: int | None = None


class Conditional(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"when": "if"}):
    """Evidence that is demanded only where a circumstance holds; the circumstance is an evidence code itself."""

    when: str
    all: tuple[str, ...]


class Rule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}
):
    """One row: a method, its label and its demands while `since` ≤ day ≤ `until`.

    kind: `method` (identity), `age`, `register`, or `duty`, which is no way of checking somebody.
    start: `order` began it on `since`; the `table` begins there; or the start is `unknown`.
    all, any_of: every code of `all`, and one whole group of `any_of` where there are any.
    documents: categories (§1.6), `C+D` for two; holds: documents of which the person needs at least one.
    read_in: keys of the sources (§13) in which the row was read.
    """

    id: str
    kind: Literal["method", "age", "register", "duty"] = "method"
    subject: Literal["person", "corporation"] = "person"
    article: str
    label: str | None = None
    since: date
    until: date | None
    start: Literal["order", "table", "unknown"] = "order"
    ends: Literal["abolished"] | None = None
    succeeded_by: str | None = None
    channels: tuple[Channel, ...] = ()
    all: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    conditional: tuple[Conditional, ...] = ()
    triggers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    document_fields: tuple[str, ...] = ()
    forbid_fields: tuple[str, ...] = ()
    certificate_basis: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    residency: tuple[Residency, ...] = ()
    transactions: tuple[str, ...] = ()
    declared_items: tuple[str, ...] = ()
    signed_items: tuple[str, ...] = ()
    verifier_status: tuple[VerifierStatus, ...] = ()
    tenant_flag: Literal["number_handler", "obliged_entity"] | None = None
    min_age: int | None = None
    age: Age | None = None
    mode: Literal["point_in_time"] | None = None
    proof_each_use: bool = False
    assurance: dict[str, int] = {}
    scope: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    attach_confidence: Confidence | None = None
    retention: str
    confidence: Confidence
    article_confidence: Confidence | None = None
    from_confidence: Confidence | None = None
    note: Words | None = None
    source: str
    read_in: tuple[str, ...]

    @property
    def law(self) -> str:
        """The law's name, with which every id begins."""
        return self.id.partition(".")[0]

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """Every whole set of evidence codes that satisfies the row."""
        return tuple(dict.fromkeys(self.all + group for group in self.any_of)) if self.any_of else (self.all,)

    @property
    def codes(self) -> frozenset[str]:
        """Every evidence code that the row speaks of."""
        return frozenset(chain(*self.ways, *(more.all for more in self.conditional)))

    @property
    def with_mail(self) -> bool:
        """Whether every way of it waits for something sent by mail."""
        return all(SENT & set(way) for way in self.ways)

    @property
    def uncertain(self) -> tuple[str, ...]:
        """What of the row is inferred and not read: `row`, `start`, `article`, `attach`."""
        marks = {
            "row": self.confidence,
            "start": self.from_confidence,
            "article": self.article_confidence,
            "attach": self.attach_confidence,
        }
        return tuple(name for name, mark in marks.items() if mark == "?")

    def in_force(self, day: date) -> bool:
        """Tell whether the row answers for a Japanese calendar day."""
        return self.since <= day <= (self.until or date.max)


class LawEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One law: the revisions of the order that lists its methods, and its rows; silent before `covered_from`."""

    law: str
    name: Words
    law_id: str | None
    covered_from: date
    covered_from_confidence: Confidence
    early: Early | None = None
    transition: Words | None = None
    note: Words | None = None
    revisions: tuple[Revision, ...]
    rules: tuple[Rule, ...]


class RetentionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a record is kept: years from the latest of the named events; None means while needed."""

    years: int | None
    counts_from: tuple[str, ...]
    law: str
    confidence: Confidence


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of one piece of evidence, and what a device needs to bring it."""

    keep: tuple[str, ...]
    needs: Need | None = None
    confidence: Confidence


class ConditionSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a condition that no row spells out comes from."""

    article: str
    source: str
    confidence: Confidence


class Document(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}
):
    """An identity document: its category under 犯収法 規則7条1号 and how fresh it must be."""

    category: Literal["A", "B", "C", "D", "E", "supplementary", "record", "certificate", "none"]
    name: Words
    chip: bool
    photo: bool
    validity: Literal["valid_on_the_day", "six_months", "valid_or_six_months"]
    since: date | None = None
    from_confidence: Confidence | None = None
    until: date | None = None
    note: Words | None = None
    confidence: Confidence
