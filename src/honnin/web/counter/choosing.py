"""What a clerk chooses before a reading, and what of it cannot go together.

The page disables what cannot be (`static/counter.js`) and says why; the server refuses it all the same.
"""

from collections.abc import Collection, Mapping

from honnin.web.counter.kinds import DOCUMENTS, NUMBER_PURPOSE

__all__ = ["APART", "AUTO", "wrong_choices"]

AUTO = "auto"  # the chip tells which document it is
# By document: the choice with which it cannot go, and the words' key that says why.
APART = {AUTO: ("reader=sandbox", "counter.auto_needs_reader")} | {
    document: (f"purpose={NUMBER_PURPOSE}", "counter.number_document")
    for document in DOCUMENTS
    if document != "my_number_card"
}


def wrong_choices(
    given: Mapping[str, str], reader: str, *, purposes: Collection[str], readers: Collection[str]
) -> dict[str, str]:
    """Return by field the words' key of what is wrong with a form's choices.

    reader: what would read, empty where an invented person has no such document. purposes, readers: those on offer.
    """
    wrong: dict[str, str] = {}
    document, at = given["document"], given["reader"]
    if given["purpose"] not in purposes:
        wrong["purpose"] = "counter.choose"
    if document == AUTO:
        if at == "sandbox":
            wrong["document"] = "counter.auto_needs_reader"
    elif document not in DOCUMENTS:
        wrong["document"] = "counter.choose"
    elif given["purpose"] == NUMBER_PURPOSE and document != "my_number_card":
        wrong["document"] = "counter.number_document"
    if at not in readers:
        wrong["reader"] = "counter.choose"
    elif not reader and "document" not in wrong:
        wrong["person"] = "counter.person_none"
    return wrong
