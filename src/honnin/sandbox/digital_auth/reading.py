"""Queries and forms, read strictly: UTF-8, each parameter once, nothing oversized."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

__all__ = ["LONGEST_QUERY", "UnreadableError", "once"]

LONGEST_QUERY = 8192
MOST_FIELDS = 40


class UnreadableError(Exception):
    """A query or form that says something twice, or nothing that can be read; `fields`: what could be read once."""

    def __init__(self, why: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.fields = fields or {}


def once(encoded: bytes, *, longest: int = LONGEST_QUERY) -> dict[str, str]:
    """Return the parameters of `application/x-www-form-urlencoded`. Raises UnreadableError."""
    if len(encoded) > longest:
        raise UnreadableError("the request is too large")
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise UnreadableError("the parameters are no form-encoded UTF-8") from error
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    fields = {name: value for name, value in pairs if name not in twice}
    if twice:
        raise UnreadableError("a parameter is given twice", fields)
    return fields
