"""`honnin card pin`: tries left, a PIN checked, a PIN changed, for every key of every document that can lock.

A key is called by its name (`signature`, `pin_1`), or with its application before it where two have one of that name
(`card_face.verification_number_b`). Nothing is sent before the tries left are known (docs/cards.md).
"""

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.card_documents import document_on
from honnin.cli.card_opening import opened, opened_reader, reader_options
from honnin.cli.card_output import echo_tries, tries_json
from honnin.cli.output import print_json
from honnin.cli.pin_entry import PinEntry, pin_options
from honnin.errors import InputError, PinError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from honnin.chip.detecting import Document
    from honnin.chip.document import Key, Tries

__all__ = ["pin", "show_other", "show_tries"]

INDIVIDUAL_NUMBER = "verification_number_a"
NO_PIN = {
    "residence_card": "Its card number opens it and cannot lock: honnin card read.",
    "passport": "Its machine-readable zone or access number opens it and cannot lock: honnin card read.",
}


@click.group()
def pin() -> None:
    """See the tries left, verify a PIN, change one."""


@pin.command()
@reader_options
def status(url: str, data: Path, as_json: bool) -> None:
    """Show the tries left of each PIN of each application; spends none."""
    document = document_on(url, data)
    if document != "my_number_card":
        show_other(document, url, data, as_json=as_json)
        return
    with opened(url, data) as found:
        all_tries = found.all_tries()
    if as_json:
        print_json({"document": document, "pins": [{**tries_json(one), "application": of} for of, one in all_tries]})
        return
    for application in dict.fromkeys(of for of, _ in all_tries):
        click.echo(f"{application}:")
        echo_tries(tuple(one for of, one in all_tries if of == application))


@pin.command()
@click.argument("name")
@pin_options
@reader_options
def verify(*, name: str, url: str, data: Path, as_json: bool, pin_file: Path | None, last_try: bool) -> None:
    """Check a PIN or a verification number; a wrong one costs a try.

    NAME is signature, user_authentication, input_support, drivers_licence (of a My Number Card), pin_1, pin_2, or
    APPLICATION.NAME as `pin status` lists them (card_face.verification_number_b).
    """
    entry = PinEntry(pin_file)
    with lock_of(url, data, name) as lock:
        show_tries((lock.tries,), lock.tries.name, entry)
        chosen = not lock.tries.unused or lock.application == "jpki"
        lock.unlock(entry.ask(f"PIN of {name}") if chosen else "", last_try=last_try)
    if as_json:
        print_json({"pin": name, "verified": True})
        return
    click.echo(f"The PIN of {name} is right." if chosen else f"The holder chose no PIN of {name}; the fixed one opens.")


@pin.command()
@click.argument("name")
@pin_options
@reader_options
def change(*, name: str, url: str, data: Path, as_json: bool, pin_file: Path | None, last_try: bool) -> None:
    """Set a new PIN of signature, user_authentication or input_support.

    A PIN file or standard input holds the old PIN, the new one and, if known, the birth date (YYYY-MM-DD) and the
    security code, one a line: a new PIN equal to one of those is refused. Of the two the card tells only the birth
    date, and that for input_support alone: what else is left out is not compared, and the answer says so.
    """
    entry = PinEntry(pin_file)
    with lock_of(url, data, name) as lock:
        if not hasattr(lock.of, "change_pin") or lock.tries.name not in CHANGEABLE:
            raise _fixed(name)
        show_tries((lock.tries,), lock.tries.name, entry)
        old, new = entry.ask(f"Present PIN of {name}"), entry.ask(f"New PIN of {name}")
        if entry.interactive and entry.ask("New PIN again") != new:
            raise InputError("card.pin_differs", "The two entries of the new PIN differ.", next="Type it again.")
        born = birth_date(entry.ask_if_known("Birth date as YYYY-MM-DD, to refuse it as a PIN (Enter: leave out)"))
        security_code = entry.ask_if_known("Security code of the card, to refuse it as a PIN (Enter: leave out)")
        known = lock.of.change_pin(
            lock.tries.name, old, new, birth_date=born, security_code=security_code, allow_last_try=last_try
        )
    not_compared = [what for what in ("birth_date", "security_code") if what not in known]
    if as_json:
        print_json({"pin": name, "changed": True, "not_compared": not_compared})
        return
    click.echo(f"The PIN of {name} was changed.")
    if not_compared:
        click.echo(f"Not given, so not compared with it: {', '.join(not_compared).replace('_', ' ')}.")


CHANGEABLE = ("signature", "user_authentication", "input_support")


@dataclass(frozen=True, slots=True)
class Lock:
    """A key that can lock: the application that it belongs to, under its name, and the tries left."""

    application: str
    of: Any
    tries: "Tries"

    def unlock(self, typed: str, *, last_try: bool) -> None:
        """Send what was typed to the card, once. Raises PinError."""
        self.of.unlock(_key(self.tries.name, typed), allow_last_try=last_try)


@contextmanager
def lock_of(url: str, data: Path, name: str) -> "Iterator[Lock]":
    """Give the lock that a name means on the document of a reader; the document is left however the block ends.

    Raises InputError `chip.pin_unknown` for a name that the document does not have, or that two applications have.
    """
    from honnin.chip import DriversLicence, MyNumberCard
    from honnin.chip.my_number_card.gate import ORDINARY, Data

    document = document_on(url, data)
    if document in NO_PIN:
        raise InputError("chip.pin_unknown", "This document has no PIN.", next=NO_PIN[document])
    with opened_reader(url, data) as reader:
        if document == "drivers_licence":
            with DriversLicence(reader) as licence:
                yield _named(name, [Lock("licence", licence.card, tries) for tries in licence.tries()])
            return
        # Naming number A is asking for it: the gate opens for that alone.
        asked: frozenset[Data] = frozenset({"individual_number"} if name.endswith(INDIVIDUAL_NUMBER) else ())
        with MyNumberCard(reader, allow=ORDINARY | asked) as card:
            yield _named(name, [Lock(of, getattr(card, of), tries) for of, tries in card.all_tries()])


def show_other(document: "Document", url: str, data: Path, *, as_json: bool) -> None:
    """Show application, generation and tries left of a document that is no My Number Card."""
    from honnin.chip import DriversLicence, Passport, ResidenceCard

    kind = {"drivers_licence": DriversLicence, "residence_card": ResidenceCard, "passport": Passport}[document]
    with opened_reader(url, data) as reader, kind(reader) as found:
        applications = found.detect()
        tries = found.tries() if applications[0].present else ()
    if as_json:
        body = {"applications": [asdict(one) for one in applications], "pins": [tries_json(one) for one in tries]}
        print_json({"document": document, **body})
        return
    for application in applications:
        click.echo(f"{application.document} {application.application}: {'yes' if application.present else 'no'}")
    echo_tries(tries)
    if document in NO_PIN:
        click.echo(f"No PIN. {NO_PIN[document]}")


def show_tries(tries: "tuple[Tries, ...]", name: str, entry: PinEntry) -> None:
    """Tell a person at the keyboard how many tries a PIN has left before they type."""
    if entry.interactive:
        echo_tries(tuple(one for one in tries if one.name == name), err=True)


def birth_date(text: str | None) -> date | None:
    """Read YYYY-MM-DD; None for nothing."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError("card.birth_date", "The birth date is not a date.", next="Write YYYY-MM-DD.") from None


def _named(name: str, locks: list[Lock]) -> Lock:
    called = [lock for lock in locks if name in {lock.tries.name, f"{lock.application}.{lock.tries.name}"}]
    if len(called) == 1:
        return called[0]
    several = [lock for lock in locks if [one.tries.name for one in locks].count(lock.tries.name) > 1]
    known = [f"{lock.application}.{lock.tries.name}" if lock in several else lock.tries.name for lock in locks]
    raise InputError(
        "chip.pin_unknown",
        "Two applications of the card have a key of that name." if called else "The document has no PIN of that name.",
        next=f"Use one of {', '.join(known)}.",
    )


def _key(name: str, typed: str) -> "Key":
    from honnin.chip import BirthDateKey, NumberA, NumberB, Pin

    if name == INDIVIDUAL_NUMBER:
        return NumberA.of(typed)
    if name == "verification_number_b":
        return NumberB(typed)
    return BirthDateKey(typed) if name == "birth_date" else Pin(name, typed)


def _fixed(name: str) -> PinError:
    return PinError(
        "card.pin_fixed",
        f"The holder cannot change {name}.",
        next="PINs of a licence are set at a licence centre or police station; numbers are printed on the card.",
    )
