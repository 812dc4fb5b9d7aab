"""The documents that the counter reads, and the purposes for which it does."""

from collections.abc import Callable
from dataclasses import dataclass

from honnin.chip import Challenge, Trust
from honnin.chip.readers import Reader
from honnin.errors import AccessError, InputError
from honnin.platform.models import Tenant
from honnin.web.counter.documents import drivers_licence, my_number_card, passport, residence_card
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.seen import Seen

__all__ = ["DOCUMENTS", "NUMBER_PURPOSE", "PURPOSES", "VARIANTS", "Document", "form_of", "law_of", "purposes_of"]

Look = Callable[[Reader, dict[str, str], Trust, Challenge, Callable[[str, int, int], None]], Seen]

# purpose: the law that demands a full verification record, None where only time and the short number are kept
PURPOSES: dict[str, str | None] = {
    "account_opening": "aml",
    "phone_contract": "mobile_phone",
    "second_hand_purchase": "second_hand",
    "municipal_counter": None,
    "age_check": None,
    "other": None,
}
# Of an invented person's document: forgeries and kinds (docs/sandbox-documents.md); which document has which, the
# sandbox says (`invented.variants_of`).
VARIANTS = (
    "altered_text",
    "altered_portrait",
    "copied",
    "expired",
    "wrong_issuer",
    "forged_issuer",
    "appended_address",
    "swapped_files",
    "card-1",
    "certificate-1",
    "card-2",
    "certificate-2",
    "specified-card",
    "specified-certificate",
)
# The number itself is the purpose (番号法): offered to tenants alone that may collect it.
NUMBER_PURPOSE = "individual_number"
NUMBER_LAW = "my_number"


@dataclass(frozen=True, slots=True)
class Document:
    """A document: what its form asks for, and how its chip is looked at."""

    entries: tuple[Entry, ...]
    look: Look


DOCUMENTS: dict[str, Document] = {
    "my_number_card": Document(my_number_card.ENTRIES, my_number_card.look),
    "drivers_licence": Document(drivers_licence.ENTRIES, drivers_licence.look),
    "residence_card": Document(residence_card.ENTRIES, residence_card.look),
    "passport": Document(passport.ENTRIES, passport.look),
}
BY_NUMBER = Document(my_number_card.NUMBER_ENTRIES, my_number_card.look)


def purposes_of(tenant: Tenant) -> dict[str, str | None]:
    """Return the purposes that a tenant may have, with their laws."""
    return {**PURPOSES, NUMBER_PURPOSE: NUMBER_LAW} if tenant.number_handler else PURPOSES


def law_of(tenant: Tenant, purpose: str) -> str | None:
    """Return the law of a purpose. Raises AccessError `counter.not_entitled` for one that the tenant may not have."""
    allowed = purposes_of(tenant)
    if purpose not in allowed:
        raise AccessError(
            "counter.not_entitled", "This tenant may not collect individual numbers.", next="Choose another purpose."
        )
    return allowed[purpose]


def form_of(purpose: str, document: str) -> Document:
    """Return what opens a document for a purpose. Raises InputError `counter.number_document` for one without it."""
    if purpose != NUMBER_PURPOSE:
        return DOCUMENTS[document]
    if document != "my_number_card":
        raise InputError(
            "counter.number_document",
            "Only a My Number Card proves an individual number.",
            next="Put the My Number Card on the reader, or choose another purpose.",
        )
    return BY_NUMBER
