"""Fuzzing of every chip reader at the level of APDUs: faults in whole sessions, counted by document.

    scripts/fuzz chips [--rounds N] [--seed S] [--only NAME …] [--round N] [--json FILE]

Of each session it is asked: did it end with a coded error or an answer (anything else is a finding); is what it shows
as verified what the genuine chip holds; did the chip keep all its tries; does it hold no verified PIN and no session
when honnin has left it. The faults of a round are drawn from seed, name and number alone: `--only NAME --round N`
repeats them; keys and nonces of the sessions are new each time.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.fuzz.faults import Faulty, draw
from tests.fuzz.sessions import EVERY, NUMBER_CARD_URL, Shown

from honnin.chip import DriversLicence, MyNumberCard, Reader, open_reader
from honnin.errors import HonninError

MOST_FAULTS = 3


@dataclass
class Tally:
    """What was counted of one use of a document."""

    sessions: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    closed: int = 0
    out_of_reach: int = 0
    tries_lost: int = 0
    most_commands: int = 0
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_object(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "faults": dict(self.faults), "ended": dict(self.ended)}


class Genuine:
    """One use as the untouched chip answers it."""

    def __init__(self, name: str, data: Path) -> None:
        self.use = EVERY[name]
        wires: list[Faulty] = []
        self.shown = self.use.run(data, _between(wires, {}, Random(0)))  # noqa: S311 - no secret is drawn
        self.commands = wires[0].sent
        assert self.shown.answer == "verified", f"{name}: {self.shown}"
        assert wires[0].pins <= self.use.pins

    def is_true(self, shown: Shown) -> bool:
        """Tell whether what was shown as signed is what the chip holds."""
        if any(self.shown.files.get(name) != content for name, content in shown.files.items()):
            return False
        return shown.answer != "verified" or (
            shown.signed == self.shown.signed and all(result != "failed" for _, result in shown.results)
        )


def _between(wires: list[Faulty], faults: dict[int, Any], chance: Random) -> Any:
    def between(reader: Reader) -> Reader:
        wires.append(Faulty(reader, faults, chance))
        return wires[0]

    return between


def fuzz(name: str, data: Path, seed: int, rounds: range) -> Tally:
    """Run rounds of one use of a document."""
    genuine, tally = Genuine(name, data), Tally()
    full = tries(genuine.use.url, data)
    began = time.process_time()
    for number in rounds:
        chance = Random(f"{seed}/{name}/{number}")  # noqa: S311 - to be repeated
        places = chance.sample(range(1, genuine.commands + 1), min(chance.randint(1, MOST_FAULTS), genuine.commands))
        faults = {place: draw(chance) for place in places}
        for finding in one(genuine, data, faults, chance, tally):
            tally.findings.append(f"{name} --seed {seed} --round {number}: {finding}")
        left = tries(genuine.use.url, data)
        tally.tries_lost += sum(max(0, full[pin] - left[pin]) for pin in full)
    tally.seconds = time.process_time() - began
    return tally


def one(genuine: Genuine, data: Path, faults: dict[int, Any], chance: Random, tally: Tally) -> Iterator[str]:
    """Run one session with faults; yield what was found wrong with it."""
    wires: list[Faulty] = []
    said, end = "", ""
    try:
        shown = genuine.use.run(data, _between(wires, faults, chance))
    except HonninError as error:
        told = {name: value for name, value in vars(error).items() if name != "sw"}  # the chip's word: any digits
        end, said = error.code, f"{error!s} {error!r} {told}"
    except Exception:  # noqa: BLE001 - the finding itself
        end = "UNCODED"
        yield traceback.format_exc()
    else:
        end = shown.answer
        if not genuine.is_true(shown):
            yield f"shown but not true: {shown.answer} {shown.results}"
    (wire,) = wires
    tally.sessions += 1
    tally.ended[end] += 1
    tally.faults.update(wire.met)
    tally.most_commands = max(tally.most_commands, wire.sent)
    if wire.pins > genuine.use.pins:
        yield f"{wire.pins} commands with a PIN"
    if any(secret in said for secret in ("2468", "ABC123", "123456789018")):
        yield "an error tells a secret"
    if wire.gone:
        tally.out_of_reach += 1
    elif left_open(wire.inner):
        yield "the chip was left open"
    else:
        tally.closed += 1
    wire.inner.close()


def left_open(reader: Any) -> bool:
    """Tell whether the emulated chip behind a reader holds a verified PIN or a session."""
    chip = reader._inner
    parts = [chip._card, chip._residence] if hasattr(chip, "_residence") else [chip]
    for part in parts:
        session = getattr(part, "_session", None)
        if session is not None and not hasattr(session, "verified"):
            return True  # a passport's secure messaging
        if session is not None and (session.verified or session.session_key):
            return True
        if getattr(part, "_key", None) or getattr(part, "_verified", False) or getattr(part, "_counted", None):
            return True
    return False


def tries(url: str, data: Path) -> dict[str, int]:
    """Return the tries left of every PIN of a document; nothing where a key costs none."""
    if url == "emulated:hanako/drivers_licence":
        with open_reader(url, data=data) as reader, DriversLicence(reader) as licence:
            return {each.name: each.left or 0 for each in licence.tries()}
    if url == NUMBER_CARD_URL:
        with open_reader(url, data=data) as reader, MyNumberCard(reader) as card:
            free = card.free_area("pc_login").tries()
            every = [*card.all_tries(), *(("free_area", each) for each in free)]
            return {f"{application}.{each.name}": each.left or 0 for application, each in every}
    return {}


def main() -> int:
    """Fuzz, print a table, return 1 where something was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz chips", description="Fuzz every chip reader with faulty chips.")
    parser.add_argument("--rounds", type=int, default=200, help="sessions of each use of a document")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=EVERY, default=list(EVERY), metavar="NAME", help=", ".join(EVERY))
    parser.add_argument("--round", type=int, help="run this round alone")
    parser.add_argument("--json", type=Path, help="write all counts here")
    given = parser.parse_args()
    rounds = range(given.rounds) if given.round is None else range(given.round, given.round + 1)
    found: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="honnin-fuzz-") as folder:
        for name in given.only:
            tally = found[name] = fuzz(name, Path(folder), given.seed, rounds)
            sys.stdout.write(f"{line(name, tally)}\n")
            for finding in tally.findings:
                sys.stdout.write(f"  FOUND {finding}\n")
            sys.stdout.flush()
    whole = sum((Counter(tally.ended) for tally in found.values()), Counter[str]())
    sys.stdout.write(f"\nseed {given.seed}; sessions by what they ended with:\n")
    for end, count in whole.most_common():
        sys.stdout.write(f"  {count:8} {end}\n")
    if given.json:
        given.json.write_text(json.dumps({name: tally.as_object() for name, tally in found.items()}, indent=1))
    return int(any(tally.findings or tally.tries_lost for tally in found.values()))


def line(name: str, tally: Tally) -> str:
    """Return the counts of one use in a line."""
    answers = {"verified", "failed", "not_verifiable", "not_checked"}
    coded = sum(count for end, count in tally.ended.items() if end not in answers)
    said = " ".join(f"{answer} {tally.ended[answer]}" for answer in ("verified", "failed", "not_verifiable"))
    return (
        f"{name:22} sessions {tally.sessions} faults {tally.faults.total()} {said} coded {coded} closed {tally.closed}"
        f" out-of-reach {tally.out_of_reach} tries-lost {tally.tries_lost} commands<={tally.most_commands}"
        f" findings {len(tally.findings)} {tally.seconds:.0f}s"
    )


if __name__ == "__main__":
    sys.exit(main())
