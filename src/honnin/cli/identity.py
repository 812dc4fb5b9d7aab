"""`honnin identity`: compare names and addresses, one pair a line (CONTRACTS: Commands)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from honnin.cli.output import json_option, print_json, read_file

__all__ = ["identity"]

FILE = click.Path(path_type=Path)


@click.group()
def identity() -> None:
    """Compare what a card says with what a customer wrote."""


@identity.command("compare-names")
@click.argument("file", type=FILE)
@json_option
def names(file: Path, as_json: bool) -> None:
    """Compare names: {"a", "b", "substituted_a"?, "substituted_b"?} a line, one result a line."""
    from honnin.identity import compare_names

    def compare(pair: dict[str, Any]) -> dict[str, Any]:
        marks = {key: pair.get(key, ()) for key in ("substituted_a", "substituted_b")}
        match = compare_names(pair["a"], pair["b"], **marks)
        return {"grade": match.grade, "reasons": match.reasons}

    _each_line(file, compare, as_json=as_json)


@identity.command("compare-addresses")
@click.argument("file", type=FILE)
@json_option
def addresses(file: Path, as_json: bool) -> None:
    """Compare addresses: {"a", "b"} a line, one result a line."""
    from honnin.identity import compare_addresses

    def compare(pair: dict[str, Any]) -> dict[str, Any]:
        match = compare_addresses(pair["a"], pair["b"])
        return {"grade": match.grade, "level": match.level, "differences": match.differences}

    _each_line(file, compare, as_json=as_json)


def _each_line(file: Path, compare: Callable[[dict[str, Any]], dict[str, Any]], *, as_json: bool) -> None:
    """Print one JSON result for each line; with --json one object that holds them all."""
    from honnin.errors import HonninError, InputError

    results = []
    for line in read_file(file).decode("utf-8", "surrogatepass").splitlines():
        if not line.strip():
            continue
        try:
            pair = json.loads(line)
            if not isinstance(pair, dict) or not all(isinstance(pair.get(key), str) for key in ("a", "b")):
                raise InputError(
                    "identity.line", "A line is not a JSON object with a and b.", next='Write {"a": …, "b": …}.'
                )
            result = compare(pair)
        except HonninError as error:
            result = {"grade": None, "error": {"code": error.code, "message": error.message}}
        except ValueError:
            result = {"grade": None, "error": {"code": "identity.line", "message": "A line is not JSON."}}
        if as_json:
            results.append(result)
        else:
            print_json(result)
    if as_json:
        print_json({"results": results})
