"""How J-LIS fails on demand: for everyone (a switch in the world), for one request (a header), or for one person.

down         no answer but 503
slow         the answer comes after `slow_seconds`
try_later    OCSP's tryLater; 503 with Retry-After elsewhere
stale        yesterday's state and older: OCSP and CRLs whose time has passed
wrong_nonce  OCSP answers under another nonce
malformed    bytes that are no answer
forged       the answer's signature is broken
"""

from honnin.sandbox.switching import HEADER, Switchboard
from honnin.sandbox.world import World

__all__ = ["BOARD", "HEADER", "SERVICES", "chosen", "from_header", "set_switch", "switches"]

SERVICES: dict[str, tuple[str, ...]] = {
    "ocsp": ("up", "down", "slow", "try_later", "stale", "wrong_nonce", "malformed", "forged"),
    "crl": ("up", "down", "slow", "try_later", "stale", "malformed", "forged"),
    "link": ("up", "down", "slow", "try_later", "malformed"),
}
BOARD = Switchboard("jlis", SERVICES)
set_switch, switches, from_header = BOARD.set, BOARD.states, BOARD.from_header


def chosen(world: World, service: str, header: dict[str, str], person: str | None) -> str:
    """Return how a service answers one request: the header decides, then the person asked about, then the world."""
    from honnin.sandbox.people import person as person_of

    own = {} if person is None else person_of(person).switches
    return header.get(service) or own.get(service) or switches(world)[service]
