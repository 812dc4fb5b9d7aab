"""What a powered chip remembers between two commands: current application, current file, verified PINs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.layout import Application, File, Reading
from honnin.sandbox.cards.personalise import Chip
from honnin.sandbox.cards.session_key import SessionKey

__all__ = ["Session"]


@dataclass(slots=True)
class Session:
    """The state from power-on to power-off. The issuer domain is current first."""

    chip: Chip
    counters: PinCounters = field(repr=False)
    randomness: Callable[[int], bytes]
    application: Application
    file: File | None = None
    verified: set[str] = field(default_factory=set)
    session_key: SessionKey | None = None
    challenge: bytes | None = None  # the last GET CHALLENGE of this application, until it is answered

    def enter(self, application: Application) -> None:
        """Make an application current, even the current one again: no file, no verified PIN but under a master file."""
        self.application = application
        self.file = None
        self.session_key = None
        self.challenge = None
        if not self.chip.layout.master_file:
            self.verified.clear()

    def may(self, rule: Reading, also: tuple[str, ...] = ()) -> bool:
        """Tell whether any PIN that a reading rule names has been verified, and all of the others beside it."""
        if isinstance(rule, str):
            return rule == "free"
        return not self.verified.isdisjoint(rule) and self.verified.issuperset(also)
