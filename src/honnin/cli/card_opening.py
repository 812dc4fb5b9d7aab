"""Opening what `honnin card` reads: the options that name a reader, a reader, a My Number Card on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from honnin.cli.output import data_option, json_option

if TYPE_CHECKING:
    from honnin.chip import Reader
    from honnin.chip.my_number_card import MyNumberCard

__all__ = ["opened", "opened_reader", "reader_options"]

F = TypeVar("F", bound=Callable[..., Any])


def reader_options(function: F) -> F:
    """Add `--reader URL`, `--data DIR` and `--json`."""
    function = click.option(
        "--reader",
        "url",
        default="pcsc:",
        envvar="HONNIN_READER",
        show_default="the first PC/SC reader with a card, or $HONNIN_READER",
        help="pcsc:NAME, relay:URL or emulated:PERSON[/DOCUMENT].",
    )(function)
    return data_option(json_option(function))


@contextmanager
def opened(url: str, data: Path) -> Iterator["MyNumberCard"]:
    """Give the card on a reader; it is left and the reader closed however the block ends."""
    from honnin.chip import MyNumberCard, open_reader

    with open_reader(url, data=data) as reader, MyNumberCard(reader) as found:
        yield found


@contextmanager
def opened_reader(url: str, data: Path) -> Iterator["Reader"]:
    """Give a reader; it is closed however the block ends."""
    from honnin.chip import open_reader

    with open_reader(url, data=data) as reader:
        yield reader
