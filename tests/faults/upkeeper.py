"""A process that runs upkeep and says when it begins and ends; made to be killed.

upkeeper.py DATA DATABASE_URL INDEX AT
"""

import os
import sys
from datetime import datetime
from pathlib import Path

from honnin.pki.index import RevocationIndex
from honnin.platform.keys import Keyring
from honnin.platform.store import Store
from honnin.platform.upkeep import Upkeep


def main() -> None:
    data, url, index, at = sys.argv[1:]
    store = Store(Path(data), url or None)
    upkeep = Upkeep(store, Keyring(Path(data) / "keys"), RevocationIndex.open(index), page=50)
    os.write(1, b"begins\n")
    report = upkeep.run(livemode=False, at=datetime.fromisoformat(at))
    os.write(1, f"ends {report.ended} {report.resumed}\n".encode())


main()
