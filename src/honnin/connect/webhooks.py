"""Posting a webhook to an address that a service provider gave: what it may reach, and sending without surprises.

A name is looked up anew for every try, all its addresses must be permitted, and the connection goes to the address that
was looked at (a name that changes in between changes nothing). No redirect is followed, no proxy of the environment is
used, and of the answer only the status is read. Public addresses are reached by https; this machine, too, and by http,
where `local` allows it: never for a live tenant (docs/live.md).
"""

import asyncio
import socket
import ssl
from functools import cache
from ipaddress import IPv4Address, ip_address
from urllib.parse import urlsplit

from honnin.connect.addresses import Address, is_here, literal, permitted
from honnin.errors import InputError, ServiceError

__all__ = ["check_target", "post"]

USER_AGENT = "honnin-webhooks"


def check_target(url: str, *, local: bool) -> None:
    """Refuse an address that cannot be a webhook's target, before any name is looked up.

    Raises InputError `webhook.url`.
    """
    refusal = InputError(
        "webhook.url",
        "A webhook URL is https to a public host (for a test tenant, where the operator allows it, also http to"
        " localhost, 127.0.0.1, [::1] or *.localhost), in ASCII, of at most 2000 characters, without user and"
        " fragment.",
    )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise refusal from error
    clean = url.isascii() and url.isprintable() and not set(url) & {" ", "\\", "#"} and len(url) <= 2000
    if not clean or not host or parts.username is not None or parts.password is not None:
        raise refusal
    here = is_here(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and here and local):
        raise refusal
    address = literal(host)
    if (here and not local) or (address is not None and not permitted(address, local=local)):
        raise refusal


async def post(url: str, body: bytes, headers: dict[str, str], *, local: bool, timeout: float) -> int:  # noqa: ASYNC109
    """Send one message and return the answer's HTTP status.

    timeout: seconds for all of it, looking up the name included.
    Raises ServiceError `webhook.unreachable`, `webhook.timeout`, `webhook.address` for an address that may not be
    reached, InputError `webhook.url`.
    """
    import httpx  # only whoever sends waits for it to load

    check_target(url, local=local)
    try:
        async with asyncio.timeout(timeout):
            return await _post(url, body, headers, local=local)
    except TimeoutError as error:
        raise ServiceError("webhook.timeout", f"No answer in {timeout:g} seconds.", retryable=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ServiceError("webhook.unreachable", "The address cannot be reached.", retryable=True) from error


async def _post(url: str, body: bytes, headers: dict[str, str], *, local: bool) -> int:
    import httpx

    target = httpx.URL(url)
    address = await _look_up(target.host, target.port or (443 if target.scheme == "https" else 80), local=local)
    sent = {**headers, "host": target.netloc.decode("ascii"), "user-agent": USER_AGENT}
    sent["content-type"] = "application/json"
    async with (
        # a client of its own: a connection kept open would serve another name that leads to the same address
        httpx.AsyncClient(verify=_trusted(), trust_env=False, follow_redirects=False, timeout=None) as client,  # noqa: S113 - `post` has one
        client.stream(
            "POST",
            target.copy_with(host=str(address)),
            content=body,
            headers=sent,
            extensions={"sni_hostname": target.host},
        ) as answer,
    ):
        return answer.status_code


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _look_up(host: str, port: int, *, local: bool) -> Address:
    """Return where to connect to. Raises ServiceError `webhook.address` unless all of the name's are permitted."""
    if (address := literal(host)) is not None:
        found = [address]
    elif is_here(host):  # names below localhost are this machine's (RFC 6761), whether a resolver knows them or not
        found = [IPv4Address("127.0.0.1")]
    else:
        rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
    if not found or not all(permitted(address, local=local) for address in found):
        raise ServiceError("webhook.address", "The name leads to an address that may not be reached.")
    return found[0]
