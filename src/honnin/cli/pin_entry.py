"""Where a PIN comes from: a hidden prompt, `--pin-file F`, or lines of standard input; never an argument."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from honnin.cli.output import read_file
from honnin.errors import InputError

__all__ = ["PinEntry", "pin_options"]

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_FILE = 4096


def pin_options(function: F) -> F:
    """Add `--pin-file F` and `--last-try` to a command that needs a PIN."""
    function = click.option(
        "--last-try", is_flag=True, help="Send the PIN even when one try is left; a wrong one locks it."
    )(function)
    return click.option(
        "--pin-file",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        help="Read PINs from this file, one a line; - is standard input.",
    )(function)


class PinEntry:
    """The PINs of one command, in the order they are asked for.

    own: keys of an invented person's document, in the same order; taken all together, where the first entry is left
    empty at the keyboard or standard input has no line. A PIN file is never filled up from them.
    interactive: a person is at the keyboard, so the tries left are shown before they type.
    """

    def __init__(self, pin_file: Path | None, own: Sequence[str] = ()) -> None:
        self._pin_file = pin_file
        self._own = own if pin_file is None else ()
        self._lines: Iterator[str] | None = None
        self._asked = False

    @property
    def interactive(self) -> bool:
        """Tell whether a person is asked."""
        return self._pin_file is None and self._lines is None and sys.stdin.isatty()

    def ask(self, words: str) -> str:
        """Return the next PIN. Raises InputError `card.pin_missing` when file or standard input has no further line."""
        if self.interactive:
            if self._asked or not self._own:
                typed: str = click.prompt(words, hide_input=True, err=True)
                return typed
            self._asked = True
            own = f"{words} (Enter: the invented person's own)"
            if typed := click.prompt(own, default="", show_default=False, hide_input=True, err=True):
                return typed
            self._lines = iter(self._own)
        if (line := self._next()) is None:
            raise InputError("card.pin_missing", "No PIN was given.", next="Type it, or give --pin-file FILE.")
        return line

    def ask_if_known(self, words: str, *, hidden: bool = False) -> str | None:
        """Return what the person types, in sight unless `hidden`, or the next line; None for an empty or no line."""
        if self.interactive:
            typed: str = click.prompt(words, default="", show_default=False, err=True, hide_input=hidden)
            return typed.strip() or None
        return (self._next() or "").strip() or None

    def _next(self) -> str | None:
        if self._lines is None:
            self._lines = self._read()
            if self._own and (first := next(self._lines, None)) is None:
                self._lines = iter(self._own)
            elif self._own:
                return first
        return next(self._lines, None)

    def _read(self) -> Iterator[str]:
        """Yield lines; of standard input only as far as they are asked for, so that whoever feeds it may wait."""
        if self._pin_file is None or str(self._pin_file) == "-":
            while line := sys.stdin.readline(LONGEST_FILE):
                yield line.rstrip("\r\n").removeprefix("\ufeff")
            return
        try:
            text = read_file(self._pin_file, limit=LONGEST_FILE).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError("input.unreadable", "The PIN file is not text.", next="One PIN a line.") from None
        yield from text.splitlines()
