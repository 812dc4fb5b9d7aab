"""A process that runs upkeep and says when it begins and ends; made to be killed.

    upkeeper.py DATA DATABASE_URL INDEX AT LIFE

LIFE is the processor time in seconds after which the kernel kills it at whatever it does then (0: never): the moment
is that of its own work, however busy the machine is. Nothing in the process catches the signal.
"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from honnin.pki.index import RevocationIndex
from honnin.platform.keys import Keyring
from honnin.platform.store import Store
from honnin.platform.upkeep import Upkeep


def main() -> None:
    data, url, index, at, life = sys.argv[1:]
    store = Store(Path(data), url or None)
    upkeep = Upkeep(store, Keyring(Path(data) / "keys"), RevocationIndex.open(index), page=50)
    os.write(1, b"begins\n")
    signal.setitimer(signal.ITIMER_PROF, float(life))
    report = upkeep.run(livemode=False, at=datetime.fromisoformat(at))
    signal.setitimer(signal.ITIMER_PROF, 0)
    os.write(1, f"ends {report.ended} {report.resumed}\n".encode())


main()
