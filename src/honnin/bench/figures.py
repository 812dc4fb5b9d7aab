"""One measured figure beside its peer and its aim: what every part of `honnin bench` returns."""

from statistics import median

import msgspec

__all__ = ["Figure"]


class Figure(msgspec.Struct, frozen=True):
    """One figure beside its peer. ratio: ours to the peer's, or None where `ours` itself is held against the aim.

    aim: the limit of the ratio, or of `ours` where there is none; at_least: the aim is a lower limit.
    rounds: ours in every round, in the unit of `ours`.
    """

    name: str
    unit: str
    ours: float
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    aim: float | None = None
    rounds: tuple[float, ...] = ()
    note: str = ""
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached, None where there is none."""
        if self.aim is None:
            return None
        found = self.ours if self.ratio is None else self.ratio
        return found >= self.aim if self.at_least else found <= self.aim

    @property
    def share(self) -> float | None:
        """The aim as a share of what was reached, or the reverse: 1 is just reached, less is better; None without."""
        found = self.ours if self.ratio is None else self.ratio
        if not self.aim or not found:
            return None
        return self.aim / found if self.at_least else found / self.aim

    @property
    def spread(self) -> tuple[float, float, float] | None:
        """Best, median and worst round; None where there was one."""
        if len(self.rounds) < 2:
            return None
        ordered = sorted(self.rounds, reverse=self.unit.endswith("/s"))
        return ordered[0], median(ordered), ordered[-1]
