"""On what was measured: processor, cores, Python, and the versions of the peers."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

__all__ = ["machine"]


def machine() -> dict[str, str]:
    """Return name and value of what a figure depends on."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 0),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in ("honnin", "cryptography", "msgspec")},
    }
    openssl = shutil.which("openssl")
    if openssl is not None:
        done = subprocess.run([openssl, "version"], capture_output=True, text=True, check=False)  # noqa: S603
        found["openssl"] = done.stdout.strip()
    if hasattr(os, "getloadavg"):
        found["load when begun"] = f"{os.getloadavg()[0]:.1f}"
    return found


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
