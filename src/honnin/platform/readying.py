"""Making msgspec ready for threads: every Struct of ours is looked at once, by one thread, before any other may decode.

msgspec 0.22 takes a type's fields apart when it first decodes it, and a second thread that meets the type meanwhile
finds it half done: the process ends with a segmentation fault. Seen as checking processes that died in their first
moments under load: with threads made to switch at every turn, one process in five.
"""

import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

__all__ = ["ready_types"]

# modules that a check loads when it first needs them
LOADED_LATE = (
    "honnin.connect.jlis.asking",
    "honnin.connect.jlis.links",
    "honnin.law.table",
    "honnin.pki.collecting",
    "honnin.pki.index.manifest",
    "honnin.pki.jpki",
    "honnin.pki.judging",
)
_lock = threading.Lock()
_ready: set[Any] = set()


def ready_types() -> None:
    """Look at all Structs of honnin that are loaded by now; call it before threads decode, and again after imports."""
    with _lock:
        for module in LOADED_LATE:
            import_module(module)
        for kind in _structs(msgspec.Struct):
            if kind not in _ready and kind.__module__.startswith("honnin."):
                _look_at(kind)
                _ready.add(kind)


def _structs(base: Any) -> Iterator[Any]:
    for kind in base.__subclasses__():
        yield kind
        yield from _structs(kind)


def _look_at(kind: Any) -> None:
    try:
        msgspec.json.Decoder(kind)
    except (TypeError, NameError):  # one that is only ever made, never decoded
        return
