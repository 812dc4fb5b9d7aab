"""The server that `honnin.bench.http` loads: a platform of its own with invented outside services, one or more workers.

Its revocation source gives a list at once (a warm CRL) and its register knows everybody: what is measured is the
platform, not the network. The list and its CA's certificate lie in the folder, so that every worker reads the same.
"""

import json
import os
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from honnin.connect.jlis import Link, RevocationData
    from honnin.platform import Settings

__all__ = ["FOLDER", "serve", "worker"]

FOLDER = "HONNIN_BENCH_FOLDER"


class _Lists:
    def __init__(self, crl: bytes) -> None:
        self._crl = crl

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> "RevocationData":  # noqa: ARG002
        from honnin.connect.jlis import RevocationData

        return RevocationData(crls=(self._crl,), ocsp=(), source="crl_http", fetched_at=at)

    at_hand = fetch


class _Register:
    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> "Link":  # noqa: ARG002
        from honnin.connect.jlis import Link

        return Link(state="linked", previous=None, counterpart=None)

    at_hand = link


def _settings(folder: Path) -> "Settings":
    from honnin.platform import Settings
    from honnin.platform.settings import Services

    services = Services(
        revocation=_Lists((folder / "crl.der").read_bytes()),
        links=_Register(),
        anchors=((folder / "anchor.der").read_bytes(),),
    )
    return Settings(data=folder / "data", database_url=os.environ.get("HONNIN_DATABASE_URL") or None, test=services)


def serve(name: str, workers: int) -> None:
    """Serve until SIGTERM; print the port and an API key first."""
    from honnin.api import create_app
    from honnin.api.wire import bind, bind_shared
    from honnin.web.serving import opened, serve_here, serve_workers

    folder = Path(name)
    os.environ[FOLDER] = name
    listener = bind_shared("127.0.0.1", 0) if workers > 1 else bind("127.0.0.1", 0)
    with closing(listener), ExitStack() as stack:
        platform = stack.enter_context(opened(_settings(folder)))
        key = platform.create_tenant("計測商店").api_key
        told = json.dumps({"port": listener.getsockname()[1], "key": key})
        if workers == 1:
            print(told, flush=True)  # noqa: T201
            serve_here(listener, create_app(platform))
            return
        stack.close()
        ready = partial(print, told, flush=True)
        serve_workers(listener, workers=workers, factory="honnin.bench.served:worker", ready=ready)


def worker() -> "ASGIApp":
    """Return the application of one of several workers."""
    from honnin.api import create_app
    from honnin.web.serving import of_worker

    return of_worker(_settings(Path(os.environ[FOLDER])), create_app)
