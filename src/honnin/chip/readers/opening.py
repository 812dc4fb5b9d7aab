"""`open_reader` and `list_readers`: from a URL to a reader."""

from importlib.metadata import entry_points
from pathlib import Path

from honnin.chip.readers.reader import Reader, ReaderStatus
from honnin.errors import InputError
from honnin.folders import default_data

__all__ = ["list_readers", "open_reader"]

GROUP = "honnin.readers"


def open_reader(url: str, *, data: Path | None = None) -> Reader:
    """Open the reader that a URL names and power its card.

    url: `pcsc:NAME` (exact name or a part of one; `pcsc:` takes the first reader with a card), `relay:URL` (a reader
    agent, `honnin reader`), or `SCHEME:TARGET` of an installed extra, as `emulated:hanako/my_number_card`.
    data: folder of the sandbox world and of the agent's token; default `$HONNIN_DATA` or the user's data folder.
    Raises InputError `reader.unknown_scheme`, ReaderError when the reader or its card cannot be reached.
    """
    scheme, colon, target = url.partition(":")
    if scheme == "pcsc" and colon:
        from honnin.chip.readers.pcsc import PcscReader

        return PcscReader.open(target)
    if scheme == "relay" and colon:
        from honnin.chip.readers.relay import RelayReader

        return RelayReader.open(target, data or default_data())
    if colon and (found := tuple(entry_points(group=GROUP, name=scheme))):
        from honnin.chip.readers.emulated import ForeignReader

        return ForeignReader.open(url, found[0].load(), target, data or default_data())
    known = ["pcsc:NAME", "relay:URL", *(f"{entry.name}:…" for entry in entry_points(group=GROUP))]
    raise InputError(
        "reader.unknown_scheme",
        f"No kind of reader is called {scheme!r}." if colon else "A reader is named by a URL.",
        next=f"Known here: {', '.join(known)}.",
    )


def list_readers() -> tuple[ReaderStatus, ...]:
    """Return the PC/SC readers of this machine, in PC/SC's order.

    Raises ReaderError `reader.pcsc_missing` without pyscard, `reader.no_service` when no PC/SC service runs.
    """
    from honnin.chip.readers.pcsc import statuses

    return statuses()
