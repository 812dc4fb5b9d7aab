"""Which application answers for which host: one port, many origins (CONTRACTS, Sandbox addresses).

    localhost, 127.0.0.1, [::1]   the API (`/v1/…` and what stands beside it) and the pages of a session
    api.localhost                 the API alone
    bank.localhost                the demo bank
    console.localhost             the operator's console
    counter.localhost             the counter, where staff read cards
    tap.localhost                 the sample of tap use: a library, an event, a door
    LABEL.localhost               the sandbox's institution LABEL (`honnin.worlds`)

The product alone (`honnin serve`) has the API, the pages of a session, and the counter under the host that it is given.

A host that is none of these is refused (421), so that a name that somebody else points at this machine reaches nothing.
The host never says who calls: only the API key does. `serving` starts a server on this.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from honnin.api.app import create_app
from honnin.api.endpoints import answer_error, log_fault
from honnin.api.guard import Guard, new_request_id
from honnin.api.problems import internal
from honnin.api.service import Sandbox
from honnin.connect.digital_auth.registration import registered_operator
from honnin.connect.worlds import open_world
from honnin.errors import InputError
from honnin.platform.services import own_keys
from honnin.web import bank, check, console, counter
from honnin.web.tap.app import create_app as create_tap_app

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["KEYS_FILE", "CounterAt", "Origins", "compose", "counter_at"]

KEYS_FILE = "keys.json"  # the demo tenant's key, in the data folder
PAGES_AT_ONCE = 24  # of the 40 threads that the event loop has for everybody
PAGES = ("bank", "console", "counter", "tap")

PLAIN = frozenset({"localhost", "127.0.0.1", "[::1]"})
API_PATHS = ("/v1/", "/openapi.json", "/healthz", "/.well-known/")
_HOST = re.compile(r"\A(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253}?)\.?(?::\d{1,5})?\Z")


class Origins:
    """The ASGI application of a port: looks at the host and hands the request on.

    main: what answers for the plain names.
    labels: application by first label of `*.localhost`.
    names: further host names of `main`, or None for all (behind a proxy that decides on names).
    hosts: application by whole host name.
    """

    def __init__(
        self,
        main: ASGIApp,
        labels: Mapping[str, ASGIApp],
        *,
        names: Iterable[str] | None = (),
        hosts: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self._main = main
        self._labels = dict(labels)
        self._hosts = dict(hosts or {})
        self._any = names is None
        self._names = PLAIN | {name.lower() for name in names or ()}
        self._refuse = Guard(_refuse)

    def addresses(self, port: int) -> dict[str, str]:
        """Return the URL of every label's origin."""
        return {label: f"http://{label}.localhost:{port}" for label in self._labels}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI).

        What an application raises ends here: the server below would log the exception's message, which may quote what
        somebody sent.
        """
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.choose(scope)(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001
            log_fault(error, scope.setdefault("state", {}).get("request_id") or new_request_id())
            if not begun:
                await Guard(_fail)(scope, receive, send)

    def choose(self, scope: Scope) -> ASGIApp:
        """Return the application for a request's Host header."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        match = _HOST.match(hosts[0].decode("latin-1").lower()) if len(hosts) == 1 else None
        if match is None:
            return self._refuse
        host = match.group(1)
        if host in self._hosts:
            return self._hosts[host]
        if host in self._names:
            return self._main
        label, _, rest = host.partition(".")
        if rest == "localhost" and label in self._labels:
            return self._labels[label]
        return self._main if self._any and rest != "localhost" else self._refuse


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    error = InputError(
        "request.wrong_host", "Nothing answers under this host name here.", next="See /.well-known/honnin-sandbox."
    )
    if len(hosts) != 1:
        error = InputError("request.header", "The request needs exactly one Host header.")
    await answer_error(error, scope)(scope, receive, send)


async def _fail(scope: Scope, receive: Receive, send: Send) -> None:
    await answer_error(internal(), scope)(scope, receive, send)


class PathSplit:
    """One origin, two applications: the API under its own paths, pages under all others."""

    def __init__(self, api: ASGIApp, pages: ASGIApp) -> None:
        self._api = api
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        chosen = self._api if scope["path"].startswith(API_PATHS) else self._pages
        await chosen(scope, receive, send)


class AtMost:
    """Lets a number of requests in at once; the others wait.

    Pages work in the event loop's common threads, and some ask the sandbox's J-LIS on this same port, which works there
    too: without a limit, forty persons signing at once would hold all forty threads and wait for one more.
    """

    def __init__(self, app: ASGIApp, places: asyncio.Semaphore) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        async with self._places:
            await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class CounterAt:
    """Where the product's counter answers: a host name of its own, and the proxies in front of it by address."""

    host: str
    proxies: tuple[str, ...] = ()


def counter_at(host: str | None, proxies: Iterable[str], names: Iterable[str]) -> CounterAt | None:
    """Return where the counter answers; None without a host.

    Raises InputError `serve.counter_host` for a host name that cannot be one or that others answer for.
    """
    if not host:
        return None
    match = _HOST.match(host.lower())
    if match is None or match.group(1) != host.lower() or host.lower() in PLAIN | {name.lower() for name in names}:
        raise InputError(
            "serve.counter_host",
            "The counter needs a host name of its own, without a port.",
            next="Give one that is no --name, such as counter.example.jp.",
        )
    return CounterAt(host.lower(), tuple(proxies))


def compose(
    platform: "Platform",
    *,
    port: int,
    sandbox: Path | None,
    names: Iterable[str] | None = (),
    at_counter: CounterAt | None = None,
) -> Origins:
    """Return everything that one port serves.

    sandbox: data folder whose world stands beside the product; None for the product alone.
    names: as `Origins`. at_counter: where the product alone has its counter; None for none.
    """
    base = f"http://localhost:{port}"
    if sandbox is None:
        api = create_app(platform, base=base)
        hosts = {at_counter.host: counter.create_app(platform, proxies=at_counter.proxies)} if at_counter else {}
        return Origins(PathSplit(api, check.create_app(platform, world=None)), {}, names=names, hosts=hosts)
    world = open_world(sandbox)
    world.serve_at(port)
    world.register(registered_operator(own_keys(platform.settings, livemode=False)))
    institutions = dict(world.origins())
    addresses = {label: f"http://{label}.localhost:{port}" for label in (*PAGES, "api", *institutions)}
    api = create_app(platform, base=base, sandbox=Sandbox(sandbox, addresses))
    keys = sandbox / KEYS_FILE
    places = asyncio.Semaphore(PAGES_AT_ONCE)
    shown: dict[str, ASGIApp] = {
        "bank": bank.create_app(
            api=f"http://127.0.0.1:{port}",
            pages=base,
            home=addresses["bank"],
            console=addresses["console"],
            keys=keys,
        ),
        "counter": counter.create_app(platform, world=world, keys=keys),
        "tap": create_tap_app(world=world, api=f"http://127.0.0.1:{port}", keys=keys, data=sandbox),
        "console": AtMost(console.create_app(platform, world=world, keys=keys, api=base, addresses=addresses), places),
    }
    pages = AtMost(check.create_app(platform, world=world, front=addresses["console"]), places)
    return Origins(PathSplit(api, pages), {**shown, "api": api, **institutions}, names=names)
