"""How an institution fails on demand: for everyone (a switch in the world) or for one request (a header).

Which services an institution has, and in which states each can be, is the institution's own table.
"""

from collections.abc import Mapping

from honnin.errors import InputError
from honnin.sandbox.world import World

__all__ = ["HEADER", "Switchboard"]

HEADER = "honnin-sandbox-switch"


class Switchboard:
    """The switches of one institution; services: each service's states, `up` among them."""

    def __init__(self, institution: str, services: Mapping[str, tuple[str, ...]]) -> None:
        self.institution = institution
        self.services = services

    def set(self, world: World, service: str, state: str) -> None:
        """Switch one service for everyone. Raises InputError `sandbox.switch_unknown`."""
        self.check(service, state)
        with world.transaction() as db:
            db.execute(
                "INSERT INTO switches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
                (self.institution, service, state),
            )

    def states(self, world: World) -> dict[str, str]:
        """Return the state of every service as switched for everyone."""
        rows = world.connection().execute(
            "SELECT service, state FROM switches WHERE institution = ?", (self.institution,)
        )
        return dict.fromkeys(self.services, "up") | {row["service"]: row["state"] for row in rows}

    def from_header(self, value: str | None) -> dict[str, str]:
        """Read `ocsp=down, crl=stale`. Raises InputError `sandbox.switch_unknown`."""
        wanted = {}
        for part in (value or "").split(","):
            if not part.strip():
                continue
            service, _, state = part.strip().partition("=")
            self.check(service, state)
            wanted[service] = state
        return wanted

    def check(self, service: str, state: str) -> None:
        """Raise InputError `sandbox.switch_unknown` for what cannot be switched."""
        if state not in self.services.get(service, ()):
            known = "; ".join(f"{name}: {', '.join(states)}" for name, states in self.services.items())
            raise InputError("sandbox.switch_unknown", "No such service or state.", next=f"Use {known}.")
