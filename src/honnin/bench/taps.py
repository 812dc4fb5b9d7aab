"""Taps at one terminal, one after another, over HTTP: revocation asked, the emulated chip's proof, evidence, each time.

Terminal, chip, platform and the sandbox's J-LIS work in this one process, so its processor time is that of all of them.
"""

import tempfile
import time
from pathlib import Path

from honnin.bench.figures import Figure
from honnin.chip import Pin, open_reader
from honnin.connect.worlds import installed, open_world
from honnin.errors import StateError

__all__ = ["measure_taps"]

PERSON = "hanako"
AIM = 50  # taps a minute and terminal


def measure_taps(*, taps: int = 30) -> list[Figure]:
    """Register one customer and let them tap; no figures without a sandbox. Raises StateError `tap.not_genuine`."""
    if not installed():
        return []
    from honnin.platform import Settings
    from honnin.web.serving import serve_in_thread
    from honnin.web.tap.service import Service
    from honnin.web.tap.terminal import register, tap

    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        with serve_in_thread(Settings(data=data)) as running, Service(running.base, running.api_key) as service:
            pin = next(person["pins"]["signature"] for person in open_world(data).people() if person["id"] == PERSON)
            place = service.add_terminal("bench", "bench", supervised=True, outdoors=False, online=False).id

            def one() -> None:
                with open_reader(f"emulated:{PERSON}", data=data) as reader:
                    if tap(service, place, "bench", reader).outcome != "accepted":
                        raise StateError("tap.not_genuine", "A tap of the measurement was not accepted.")

            with open_reader(f"emulated:{PERSON}", data=data) as reader:
                register(service, place, "bench", reader, Pin("signature", pin))
            one()  # what is loaded and connected once
            clock, spent = time.perf_counter(), time.process_time()
            for _ in range(taps):
                one()
            wall, processor = time.perf_counter() - clock, time.process_time() - spent
    rate = 60 * taps / wall
    return [
        Figure("taps a minute at one terminal", "/min", round(rate), aim=AIM, at_least=True),
        Figure("processor time of a tap, chip and J-LIS included", "ms", round(1000 * processor / taps, 1)),
    ]
