"""Real foreign programs: a pcscd with its virtual reader, alone in a mount namespace, so that tests run side by side.

pcscd wants a writable /run/pcscd and takes no other place; the private namespace has an empty file system on /run.
Where namespaces are not allowed, one pcscd at a time uses the machine's /run/pcscd, under a lock.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from honnin.sandbox.cards import vpcd
from honnin.sandbox.cards.held import HeldChip
from tests.ports import free_ports
from tests.waiting import LONG, joined, running, until

REQUIRE_ALL = os.environ.get("HONNIN_REQUIRE_ALL") == "1"
PCSCD = "/usr/sbin/pcscd"
DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
COMMAND_SECONDS = 120.0
LOCK = Path("/tmp/honnin-pcscd.lock")  # noqa: S108 - shared by every test run of this machine on purpose

READER = """FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0x{port:04X}
LIBPATH {driver}
CHANNELID 0x{port:04X}
"""


class Pcsc:
    """One running pcscd with a virtual reader of two slots."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(2)  # one for each slot of the virtual reader
        self.home = folder / "home"
        self.home.mkdir()
        configuration = folder / "reader.conf.d"
        configuration.mkdir()
        (configuration / "vpcd").write_text(READER.format(port=self.port, driver=DRIVER))
        self._log = folder / "pcscd.log"
        self._private = _namespace()
        self._lock = None if self._private else LOCK.open("w")
        if self._lock:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        start = f"mkdir -p /run/pcscd && exec {PCSCD} -f -c {configuration}"
        if self._private:
            start = f"mount -t tmpfs tmpfs /run && {start}"
        with self._log.open("w") as log:
            self._daemon = subprocess.Popen(
                [*self._private, "sh", "-c", start], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until(self._ready, f"pcscd did not start: {self._log.read_text()}")

    def _ready(self) -> bool:
        return self._daemon.poll() is None and Path(f"/proc/{self._daemon.pid}/root/run/pcscd/pcscd.comm").exists()

    def run(self, *command: str | Path, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a client of this pcscd with a home of its own; return what it wrote."""
        return subprocess.run(
            [*self._into(), *command],
            input=given,
            capture_output=True,
            check=False,
            timeout=COMMAND_SECONDS,
            env=self._environment(),
        )

    def start(self, *command: str | Path) -> subprocess.Popen[str]:
        """Start a client of this pcscd whose standard error is read by the caller, who ends it."""
        return subprocess.Popen(
            [*self._into(), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(),
        )

    def _into(self) -> list[str]:
        """Return the command that enters the daemon's namespace."""
        if not self._private:
            return []
        user = ["--user", "--preserve-credentials"] if "--map-root-user" in self._private else []
        return ["nsenter", "--target", str(self._daemon.pid), *user, "--mount", f"--wdns={Path.cwd()}"]

    def _environment(self) -> dict[str, str]:
        cache = str(self.home / "cache")
        return {**os.environ, "HOME": str(self.home), "XDG_CACHE_HOME": cache, "LC_ALL": "C.UTF-8"}

    def occupied(self, slot: int) -> bool:
        """Tell whether pcscd sees a card in a slot."""
        listed = self.run("opensc-tool", "--list-readers").stdout.decode().splitlines()
        return any(line.split()[:2] == [str(slot), "Yes"] for line in listed)

    @contextmanager
    def holding(self, card: HeldChip, slot: int = 0) -> Iterator[None]:
        """Keep a card of this process in a slot for the length of a block."""
        stop = threading.Event()
        serving = threading.Thread(target=vpcd.serve, args=(card, "127.0.0.1", self.port + slot), kwargs={"stop": stop})
        serving.start()
        try:
            until(lambda: self.occupied(slot), "The card did not appear in the reader.")
            yield
        finally:
            stop.set()
            joined(serving)
            until(lambda: not self.occupied(slot), "The card did not leave the reader.")

    @contextmanager
    def holding_command(self, *arguments: str | Path, slot: int = 0) -> Iterator[None]:
        """Keep the card of `honnin sandbox card …` in a slot for the length of a block."""
        command = Path(sys.executable).with_name("honnin")
        with running(
            [command, "sandbox", "card", *arguments, "--vpcd", f"127.0.0.1:{self.port + slot}"],
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                until(lambda: self.occupied(slot), "The card did not appear in the reader.")
                yield
            finally:
                process.terminate()
                process.wait(LONG)
                until(lambda: not self.occupied(slot), "The card did not leave the reader.")

    def close(self) -> None:
        """End pcscd."""
        self._daemon.terminate()
        try:
            self._daemon.wait(LONG)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait(LONG)
        if self._lock:
            self._lock.close()


class Slipping:
    """A chip that loses contact.

    slips: tells by the number of a command whether contact is lost at it; stays_away: until it is put in again.
    """

    def __init__(self, chip: HeldChip, slips: Callable[[int], bool], *, stays_away: bool = False) -> None:
        self._chip, self._slips, self._stays_away = chip, slips, stays_away
        self._away = False
        self.commands = 0

    @property
    def atr(self) -> bytes:
        if self._away:
            raise OSError
        return self._chip.atr

    def transmit(self, apdu: bytes) -> bytes:
        self.commands += 1
        if self._slips(self.commands):
            self._away = self._stays_away
            raise OSError
        return self._chip.transmit(apdu)

    def reset(self) -> None:
        self._chip.reset()

    def close(self) -> None:
        self._chip.close()


def _namespace() -> list[str]:
    """Return the command that opens a private mount namespace here, or nothing where none may be opened."""
    ways: list[list[str]] = [["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]]
    for way in ways:
        if shutil.which("unshare") and shutil.which("nsenter"):
            probe = subprocess.run(
                [*way, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, check=False, timeout=LONG
            )
            if probe.returncode == 0:
                return way
    return []


@pytest.fixture(scope="module")
def pcsc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pcsc]:
    """A private pcscd for the tests of one module."""
    for needed in (PCSCD, DRIVER):
        if not Path(needed).exists():
            missing = pytest.fail if REQUIRE_ALL else pytest.skip
            missing(f"peer {needed} is not installed (scripts/install-peers)")
    daemon = Pcsc(tmp_path_factory.mktemp("pcsc"))
    yield daemon
    daemon.close()
