"""Without a person (CI): who holds the card and how it ends, named in the request (§1.15; the sandbox's own).

Headers `Honnin-Sandbox-Person` and `Honnin-Sandbox-Outcome`, or query parameters `sandbox_person` and `sandbox_outcome`
(not for strict clients, as they are parameters that §1.5 does not know). The card is really used, with the PINs that
the person was given; outcomes other than `ok` end as named, without the card.
"""

from collections.abc import Mapping

from honnin.errors import InputError
from honnin.sandbox.digital_auth.app_card import AppCard, CardFailedError, WrongPinError
from honnin.sandbox.digital_auth.authorizing import Asked
from honnin.sandbox.digital_auth.deciding import OK, grant, pins_needed, refuse, use_card
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.people import person as person_of
from honnin.sandbox.world import World

__all__ = ["OUTCOME", "PERSON", "decide", "outcomes", "take"]

PERSON, OUTCOME = "sandbox_person", "sandbox_outcome"
HEADERS = {PERSON: "honnin-sandbox-person", OUTCOME: "honnin-sandbox-outcome"}


def outcomes(world: World) -> tuple[str, ...]:
    """Return every outcome that can be named."""
    return (OK, *profile(world).assumptions.answers)


def take(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (person, outcome) where a request names a person or an outcome."""
    named = {name: headers.get(header) or query.get(name) for name, header in HEADERS.items()}
    if not any(named.values()):
        return None
    return named[PERSON] or "hanako", named[OUTCOME] or OK


def decide(world: World, asked: Asked, person: str, outcome: str, *, state: str = "up") -> str:
    """Return the way back for a person and an outcome.

    Raises InputError `sandbox.outcome_unknown`, NotFoundError `people.unknown`.
    """
    if outcome not in outcomes(world):
        raise InputError(
            "sandbox.outcome_unknown",
            "The service knows no such outcome.",
            next=f"Use one of: {', '.join(outcomes(world))}.",
        )
    person_of(person)
    if outcome != OK:
        return refuse(world, asked, outcome, state=state)
    try:
        card = AppCard(world, person)
        pins = {pin: card.known_pin(pin) for pin in pins_needed(world, asked, card)}
        used = use_card(world, asked, card, pins)
    except CardFailedError as error:
        return refuse(world, asked, error.reason, state=state)
    except WrongPinError:
        return refuse(world, asked, "card_unreadable", state=state)
    return grant(world, asked, used, language="none", state=state)
