"""The server itself: is it well, what does it offer, which institutions of the sandbox stand beside it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from honnin.api.examples import examples
from honnin.api.openapi import document
from honnin.api.operations import Answer, Call, Operation
from honnin.errors import NotFoundError

__all__ = ["Sandbox", "operations"]

ANY = {"application/json": {"schema": {"type": "object"}}}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox beside the API: its data folder, and the URL of each origin by label."""

    data: Path
    origins: Mapping[str, str]


def operations(offered: Sequence[Operation], *, base: str, sandbox: Sandbox | None) -> tuple[Operation, ...]:
    """Return the operations of the server itself.

    offered: the resources' operations, for the document. base, sandbox: as `create_app` has them.
    """
    own: list[Operation] = []
    written: list[bytes] = []
    writing = Lock()

    def openapi(_: Call) -> Answer:
        """Return this document."""
        with writing:  # the sandbox's card signs the examples, once
            if not written:
                bank = sandbox.origins.get("bank", base) if sandbox else base
                shown = examples(sandbox.data if sandbox else None, return_url=f"{bank.rstrip('/')}/return")
                made = document([*offered, *own], shown, server=base)
                written.append(json.dumps(made, ensure_ascii=False).encode())
        return Answer(written[0])

    def health(call: Call) -> Answer:
        """Tell whether the server answers and its store does."""
        call.platform.ping()
        return Answer({"status": "ok"})

    def origins(_: Call) -> Answer:
        """Return where the sandbox's institutions answer; 404 on a server without a sandbox."""
        if sandbox is None:
            raise NotFoundError("request.not_found", "This server has no sandbox.", next="Start it with honnin up.")
        return Answer({"object": "sandbox", "origins": dict(sandbox.origins)})

    own += [
        _row("getOpenapi", "/openapi.json", "Get this document", openapi),
        _row("getHealth", "/healthz", "Ask whether the server is well", health),
        _row("getSandbox", "/.well-known/honnin-sandbox", "See the sandbox's origins", origins),
    ]
    return tuple(own)


def _row(name: str, path: str, summary: str, run: Callable[[Call], Answer]) -> Operation:
    return Operation(
        id=name, tag="service", method="GET", path=path, summary=summary, run=run, answer=ANY, secured=False
    )
