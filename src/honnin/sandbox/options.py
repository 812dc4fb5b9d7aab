"""Options that the sandbox's commands share; the sandbox asks nothing of the product, not even its default folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["data_option", "json_option"]

F = TypeVar("F", bound=Callable[..., Any])


def _folder() -> Path:
    """Return the folder of the world when none is named; it is where the product looks, too."""
    shared = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(os.environ.get("HONNIN_DATA") or Path(shared) / "honnin")


def data_option(function: F) -> F:
    """Add `--data DIR`, the folder that holds the world."""
    return click.option(
        "--data",
        "data",
        type=click.Path(file_okay=False, path_type=Path),
        default=_folder,
        show_default="$HONNIN_DATA or ~/.local/share/honnin",
        help="Folder of the world.",
    )(function)


def json_option(function: F) -> F:
    """Add `--json`: one JSON object on standard output and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)
