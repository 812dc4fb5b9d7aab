"""`honnin identity`: compare names and addresses, one pair a line (CONTRACTS: Commands)."""

import codecs
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
    """Print one JSON result for each line, with --json one object that holds them all; end with 2 where one failed."""
    results = []
    for line in read_file(file).removeprefix(codecs.BOM_UTF8).split(b"\n"):
        if line.strip():
            results.append(_result(line, compare))
            if not as_json:
                print_json(results[-1])
    if as_json:
        print_json({"results": results})
    if any("error" in result for result in results):
        raise SystemExit(2)


def _result(line: bytes, compare: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    from honnin.errors import HonninError

    try:
        return compare(_pair(line))
    except HonninError as error:
        return {"grade": None, "error": {"code": error.code, "message": error.message}}


def _pair(line: bytes) -> dict[str, Any]:
    """Read one line. Raises InputError `identity.line`."""
    from honnin.errors import InputError

    try:
        pair = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InputError("identity.line", "A line is not JSON.", next='Write {"a": …, "b": …}.') from None
    if not isinstance(pair, dict) or not all(isinstance(pair.get(key), str) for key in ("a", "b")):
        raise InputError("identity.line", "A line is not a JSON object with a and b.", next='Write {"a": …, "b": …}.')
    for key in ("substituted_a", "substituted_b"):
        marks = pair.get(key, ())
        if not isinstance(marks, str) and not (isinstance(marks, list | tuple) and all(type(m) is int for m in marks)):
            raise InputError("identity.line", f"{key} is no list of positions.", next='Write [0, 2] or "101".')
    return pair
