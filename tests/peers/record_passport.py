"""Let a foreign program read an emulated passport through a real pcscd, and write down what both said.

    python -m tests.peers.record_passport KIND[,FAULT] TRANSCRIPT COMMAND [ARGUMENT …]

In arguments, `{number}`, `{birth}`, `{expiry}`, `{can}` stand for what opens the passport, `{csca}` for a PEM file of
whom to trust. The program's own words go to standard output. `test_passport_transcripts.py` replays the transcript.
"""

import sys
import tempfile
from base64 import encodebytes
from pathlib import Path

from tests.peers.test_passport_transcripts import BORN, CHIP_KEY, Drawn
from tests.virtual_reader import Pcsc

from honnin.sandbox.cards.passport import EmulatedPassport
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.foreign_ministry import csca_certificates
from honnin.sandbox.foreign_ministry.passports import issue
from honnin.sandbox.opening import Sandbox


def main(kinds: str, transcript: str, *command: str) -> None:
    """Read one passport; write the transcript."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = Sandbox(folder / "world", born=BORN)
        passport = issue(world, "hanako", *kinds.split(","))
        csca = folder / "csca.pem"
        csca.write_text("".join(pem(each) for each in csca_certificates(world)), encoding="ascii")
        words = {part: getattr(passport, part) for part in ("number", "birth", "expiry", "can")}
        kept: list[Exchange] = []
        card = EmulatedPassport(lambda: passport, randomness=Drawn(), record=kept.append)
        daemon = Pcsc(folder)
        try:
            with daemon.holding(card):
                done = daemon.run(*(part.format(csca=csca, **words) for part in command))
        finally:
            daemon.close()
    sys.stdout.write(done.stdout.decode())
    sys.stderr.write(done.stderr.decode())
    lines = [f"# {line}" for line in done.stdout.decode().splitlines()]
    lines += [f"{CHIP_KEY}{passport.chip_key.hex()}"] if passport.chip_key else []
    lines += ["# command, status word, response bytes", *map(row, kept)]
    Path(transcript).write_text("\n".join(lines) + "\n", encoding="utf-8")


def pem(certificate: bytes) -> str:
    """Return a certificate as PEM."""
    return f"-----BEGIN CERTIFICATE-----\n{encodebytes(certificate).decode()}-----END CERTIFICATE-----\n"


def row(exchange: Exchange) -> str:
    """Return one command and what came back, as the replay reads it."""
    status, length = exchange.response[-2:], len(exchange.response) - 2
    return f"{exchange.command.hex().upper()} → {status.hex().upper()} {length}"


if __name__ == "__main__":
    main(*sys.argv[1:])
