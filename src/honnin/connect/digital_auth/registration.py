"""A platform as a registered relying party: client ids, redirect URI and keys, with one client for each client id.

In the sandbox the platform registers itself and its tenants; in live the agency does it.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from honnin.connect.digital_auth.client import DigitalAuth
from honnin.connect.digital_auth.keys import KeyFile
from honnin.connect.digital_auth.service import Service
from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.connect.digital_auth.opening import OpenedResult
    from honnin.connect.digital_auth.showing import Showing

__all__ = ["RETURN_PATH", "Registration", "registered_operator", "sandbox_registration"]

RETURN_PATH = "/digital-auth/return"
CLIENT_ID, VERIFIER = "HONNIN", "honnin-platform"
NAME = "honnin 本人確認"
LONGEST_NAME = 100
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Registration:
    """How a platform reaches the service, and under which names.

    keys: folder of the keys (`honnin digital-auth keys`). clients: client id by tenant, where a tenant has its own.
    enrol: registers a tenant (id, name) that has none, again when name or keys changed, and returns its client id; None
        where only the agency can.
    shows_words: whether the service takes the document as words and shows them on the phone (honnin's sandbox does).
    """

    def __init__(
        self,
        service: Service,
        client_id: str,
        redirect_uri: str,
        keys: Path,
        *,
        clients: Mapping[str, str] | None = None,
        enrol: Callable[[str, str], str] | None = None,
        shows_words: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "https" and parts.hostname not in LOCAL:
            raise InputError("digital_auth.registration", "The redirect URI is not HTTPS.", next="Give an https URL.")
        if not client_id:
            raise InputError("digital_auth.registration", "A client id is needed.")
        self.service = service
        self.redirect_uri = redirect_uri
        self.shows_words = shows_words
        self._client_id = client_id
        self._clients = dict(clients or {})
        self._enrol = enrol
        self._keys = keys
        self._clock = clock
        self._opened: dict[str, DigitalAuth] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Registration({self.service.issuer!r})"

    @property
    def origin(self) -> str:
        """The origin of the service's pages, to which a form of ours may lead."""
        parts = urlsplit(self.service.authorization)
        return f"{parts.scheme}://{parts.netloc}"

    def client_of(self, tenant: str, name: str) -> str:
        """Return the client id under which a tenant's persons go to the service, which shows its client's name."""
        if tenant in self._clients or self._enrol is None:
            return self._clients.get(tenant, self._client_id)
        with self._lock:
            return self._enrol(tenant, name)

    def client(self, client_id: str) -> DigitalAuth:
        """Return the client of one client id, made when it is first needed."""
        with self._lock:
            if client_id not in self._opened:
                self._opened[client_id] = DigitalAuth(
                    self.service,
                    client_id=client_id,
                    redirect_uri=self.redirect_uri,
                    keys=self._keys,
                    clock=self._clock,
                )
            return self._opened[client_id]

    def check_shown(self, opened: "OpenedResult", submitted: bytes, *, waits: bool = True) -> "Showing | None":
        """Return what the service proves to have shown (`DigitalAuth.check_shown`)."""
        return self.client(self._client_id).check_shown(opened, submitted, waits=waits)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._opened.values():
                client.close()
            self._opened.clear()


def sandbox_registration(
    gateway: str, keys: Path, clock: Callable[[], datetime], register: Callable[[bytes], None]
) -> Registration:
    """Return the registration with the sandbox's service beside a gateway such as `http://127.0.0.1:8600`.

    register: takes a registration (JSON) into that service. Each tenant is registered when its first person goes
    there, as the agency would have registered it: a client id and a name of its own, hence subjects of its own.
    """
    port = urlsplit(gateway).port
    place = "" if port is None else f":{port}"
    redirect_uri = f"http://localhost{place}{RETURN_PATH}"
    known: dict[str, bytes] = {}

    def enrol(tenant: str, name: str) -> str:
        client_id = CLIENT_ID + "".join(re.findall("[0-9A-Za-z]", tenant))
        party = {
            "client_id": client_id,
            "name": name[:LONGEST_NAME],
            "redirect_uris": [redirect_uri],
            "jwks": _public(keys, "sign", "ES256"),
            "verifier": VERIFIER,
        }
        wanted = json.dumps(party).encode()
        if known.get(client_id) != wanted:
            register(registered_operator(keys))
            register(wanted)
            known[client_id] = wanted
        return client_id

    return Registration(
        Service.at(f"http://digital-auth.localhost{place}/api"),
        CLIENT_ID,
        redirect_uri,
        keys,
        enrol=enrol,
        shows_words=True,
        clock=lambda: clock().timestamp(),
    )


def registered_operator(keys: Path) -> bytes:
    """Return what a sandbox's service is to register of the platform itself: the PF operator that opens sign results.

    Its key is made where there is none yet.
    """
    public = _public(keys, "decrypt", "ECDH-ES+A256KW")
    return json.dumps({"verifier": VERIFIER, "name": NAME, "jwks": public}).encode()


def _public(keys: Path, use: Literal["sign", "decrypt"], algorithm: str) -> dict[str, list[dict[str, str]]]:
    file = KeyFile(keys, use)
    if not file.held():
        file.new(algorithm, at=datetime.now(UTC))
    return file.jwks()
