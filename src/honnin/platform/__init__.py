"""What a platform operator runs: tenants, verifications, people, evidence, sessions, events.

`Platform` is the facade that the API and the pages call. A call takes the `Caller` that `authenticate` returned, and
touches only that tenant's rows.

    platform = Platform(Settings(data=Path("…")))
    caller = platform.authenticate("sk_test_…")
    answer = platform.verify(caller, VerificationRequest(purpose="account_opening", …), idempotency_key="…")
    receipt = platform.receipt(caller, answer.id)          # StateError `evidence.pending` until the next signed head
    session = platform.sessions.create(caller, SessionRequest(…))
    page = platform.sessions.page(session_key)             # the person's side: page, complete, cancel_by_person
    platform.events(caller, after=None, limit=100)
    platform.run_sequencer(stop)                           # in one thread of any process; several may run
    platform.close()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.platform.facade import Platform as Platform
    from honnin.platform.settings import Settings as Settings

_HOME = {"Platform": "facade", "Settings": "settings"}
__all__ = tuple(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
