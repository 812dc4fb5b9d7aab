"""On what was measured: processor, cores, Python, and the versions of the peers."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from honnin.bench.cluster import POSTGRESQL

__all__ = ["machine"]


def machine() -> dict[str, str]:
    """Return name and value of what a figure depends on."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 0),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: _version(name) for name in ("honnin", "cryptography", "numpy", "msgspec", "pyHanko", "psycopg")},
    }
    openssl = shutil.which("openssl")
    if openssl is not None:
        done = subprocess.run([openssl, "version"], capture_output=True, text=True, check=False)  # noqa: S603
        found["openssl"] = done.stdout.split()[1] if done.returncode == 0 else "unknown"
    if (POSTGRESQL / "postgres").exists():
        done = subprocess.run([POSTGRESQL / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        found["PostgreSQL"] = done.stdout.partition(") ")[2].split(" ")[0].strip()
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
