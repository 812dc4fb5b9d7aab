"""How J-LIS fails on demand: for everyone (a switch in the world), for one request (a header), or for one person.

down         no answer but 503
slow         the answer comes after `slow_seconds`
try_later    OCSP's tryLater; 503 with Retry-After elsewhere
stale        yesterday's state and older: OCSP and CRLs whose time has passed
wrong_nonce  OCSP answers under another nonce
malformed    bytes that are no answer
forged       the answer's signature is broken
"""

from honnin.errors import InputError
from honnin.sandbox.world import World

__all__ = ["HEADER", "SERVICES", "STATES", "chosen", "from_header", "set_switch", "switches"]

HEADER = "honnin-sandbox-switch"
INSTITUTION = "jlis"
SERVICES: dict[str, tuple[str, ...]] = {
    "ocsp": ("up", "down", "slow", "try_later", "stale", "wrong_nonce", "malformed", "forged"),
    "crl": ("up", "down", "slow", "try_later", "stale", "malformed", "forged"),
    "link": ("up", "down", "slow", "try_later", "malformed"),
}
STATES = tuple(dict.fromkeys(state for states in SERVICES.values() for state in states))


def set_switch(world: World, service: str, state: str) -> None:
    """Switch one service for everyone. Raises InputError `sandbox.switch_unknown`."""
    checked(service, state)
    with world.transaction() as db:
        db.execute(
            "INSERT INTO switches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            (INSTITUTION, service, state),
        )


def switches(world: World) -> dict[str, str]:
    """Return the state of every service as switched for everyone."""
    rows = world.connection().execute("SELECT service, state FROM switches WHERE institution = ?", (INSTITUTION,))
    return dict.fromkeys(SERVICES, "up") | {row["service"]: row["state"] for row in rows}


def from_header(value: str | None) -> dict[str, str]:
    """Read `ocsp=down, crl=stale`. Raises InputError `sandbox.switch_unknown`."""
    wanted = {}
    for part in (value or "").split(","):
        if not part.strip():
            continue
        service, _, state = part.strip().partition("=")
        checked(service, state)
        wanted[service] = state
    return wanted


def chosen(world: World, service: str, header: dict[str, str], person: str | None) -> str:
    """Return how a service answers one request: the header decides, then the person asked about, then the world."""
    from honnin.sandbox.people import person as person_of

    own = {} if person is None else person_of(person).switches
    return header.get(service) or own.get(service) or switches(world)[service]


def checked(service: str, state: str) -> None:
    """Raise InputError `sandbox.switch_unknown` for what cannot be switched."""
    if state not in SERVICES.get(service, ()):
        known = "; ".join(f"{name}: {', '.join(states)}" for name, states in SERVICES.items())
        raise InputError("sandbox.switch_unknown", "No such service or state.", next=f"Use {known}.")
