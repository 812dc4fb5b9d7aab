"""honnin (本人): Japan's digital identity verification as one system.

Everything public is reached from here or from the room that owns it (`honnin.pki`, `honnin.chip`, `honnin.law`,
`honnin.identity`, `honnin.platform`). Rooms are loaded when they are first asked for, so that a command that verifies a
raw signature does not pay for PDF or for the web.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.pki import verify as verify

__version__ = "0.1.0"
__all__ = ["__version__", "verify"]


def __getattr__(name: str) -> Any:
    if name == "verify":
        return import_module("honnin.pki").verify
    raise AttributeError(f"module 'honnin' has no attribute {name!r}")
