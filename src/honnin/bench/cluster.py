"""A PostgreSQL server of a temporary folder, as durable as it is by default: for measurements, and for tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

__all__ = ["POSTGRESQL", "Cluster", "processor_seconds", "running_cluster"]


def _programs() -> Path:
    """Return the folder of `initdb` and `pg_ctl`: the newest of Debian's, else where PATH has them."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb")
    return (
        places[-1].parent if places else Path(found).resolve().parent if found else Path("/usr/lib/postgresql/15/bin")
    )


POSTGRESQL = _programs()
PATIENCE = 300  # seconds; on a busy disk every step waits for the octets to be there


def processor_seconds(process: int) -> float:
    """Return the processor time of a process, of its children that live and of those that it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return own + sum(processor_seconds(int(child)) for child in children)


@dataclass
class Cluster:
    """A running PostgreSQL cluster on a Unix socket of its own."""

    folder: Path
    run: Callable[..., None]

    def url(self, database: str) -> str:
        """Return where a database is."""
        return f"postgresql://honnin@/{database}?host={self.folder}"

    def create(self, template: str = "template0") -> str:
        """Make a database, empty or copied, and return its name."""
        name = f"t{uuid4().hex}"
        self.run("createdb", "-h", str(self.folder), "-U", "honnin", "-T", template, name)
        return name

    def drop(self, name: str) -> None:
        """Take a database away, and whoever still holds a connection to it off."""
        self.run("dropdb", "-h", str(self.folder), "-U", "honnin", "--force", name)

    def stop(self) -> None:
        """End the server at once, as a lost machine would."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        """Start the server, which recovers first where it has to."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=200"
        log = str(self.folder / "log")
        self._control("-l", log, "-o", options, "start")

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-t", str(PATIENCE), *arguments)

    def processor_seconds(self) -> float:
        """Return the processor time of the server, of all connections together."""
        first = (self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").partition("\n")[0]
        return processor_seconds(int(first))


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a PostgreSQL server in a folder of its own; both are gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="honnin-pg-"))
    demote: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        demote = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - programs of PostgreSQL
            [POSTGRESQL / program, *arguments],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
            **demote,
        )

    made = Cluster(folder, run)
    run("initdb", "-D", str(folder / "data"), "-U", "honnin", "--auth=trust", "--encoding=UTF8", "--no-locale")
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
