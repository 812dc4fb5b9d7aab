"""What a tenant hears of taps: lines of the outbox, written in the transaction of what they tell.

    tap.registered          a customer may tap from now on
    tap.accepted            a tap was accepted
    tap.refused             a tap, or a registration, was refused
    tap.could_not_tell      whether to accept one could not be told
    tap.registration_ended  a customer may tap no more

An event of a tap names neither person nor place: events are kept, and who was where when is not theirs to keep. The tap
says both as long as it is kept itself.
"""

from typing import Any

from sqlalchemy import Connection

from honnin.platform import outbox
from honnin.platform.tap.models import Outcome

__all__ = ["tell_ended", "tell_registered", "tell_tap"]


def tell_tap(
    db: Connection, tenant_id: str, tap_id: str, outcome: Outcome, reason: str, now: str, *, registration: bool = False
) -> None:
    """Tell how a tap ended. registration: it was begun as one, and registered nobody."""
    body: dict[str, Any] = {"tap": tap_id, "reason": reason, "registration": registration}
    outbox.append(db, tenant_id, f"tap.{outcome}", body, now)


def tell_registered(db: Connection, tenant_id: str, tap_id: str, person: str, check: str, now: str) -> None:
    """Tell that a person may tap. check: the one that was made with the PIN."""
    outbox.append(db, tenant_id, "tap.registered", {"tap": tap_id, "person": person, "verification": check}, now)


def tell_ended(db: Connection, tenant_id: str, people: list[str], now: str) -> None:
    """Tell that persons may tap no more."""
    outbox.append_many(db, tenant_id, [("tap.registration_ended", {"person": person}) for person in people], now)
