"""What was said between honnin and a card, for counting and for a technician: never a PIN, never what was signed.

Answers appear by length alone: a certificate read from a card names a person.
"""

from dataclasses import dataclass, field

from honnin.chip.iso7816 import Command, Response

__all__ = ["Exchange", "Transcript"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer.

    header: CLA INS P1 P2 as hexadecimal.
    sent: the data field as hexadecimal; None where it was withheld. Not even the length of a PIN is kept.
    received: how many answer bytes came; sw: the status word, None when contact was lost before it came.
    """

    header: str
    sent: str | None
    le: int
    received: int
    sw: int | None

    def __str__(self) -> str:
        data = "(withheld)" if self.sent is None else self.sent
        answer = "no answer" if self.sw is None else f"{self.received} bytes, {self.sw:04X}"
        return f"{self.header} {data} → {answer}"


@dataclass(slots=True)
class Transcript:
    """The exchanges of one session, in order."""

    exchanges: list[Exchange] = field(default_factory=list)

    def record(self, command: Command, response: Response | None) -> None:
        """Add one exchange, its secrets withheld; `response` is None when contact was lost."""
        self.exchanges.append(
            Exchange(
                header=command.header.hex().upper(),
                sent=None if command.carries_secret and command.data else command.data.hex().upper(),
                le=command.le,
                received=len(response.data) if response else 0,
                sw=response.sw if response else None,
            )
        )

    def __len__(self) -> int:
        return len(self.exchanges)

    def count(self, instruction: int) -> int:
        """Return how many commands carried this INS."""
        return sum(1 for exchange in self.exchanges if int(exchange.header[2:4], 16) == instruction)
