"""A platform as a registered relying party: client ids, redirect URI and keys, with one client for each client id.

The sandbox's registration is made by `registered_parties` when a server starts; in live the agency makes it.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from honnin.connect.digital_auth.client import DigitalAuth
from honnin.connect.digital_auth.keys import KeyFile
from honnin.connect.digital_auth.service import Service
from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.connect.digital_auth.opening import OpenedResult
    from honnin.connect.digital_auth.showing import Showing

__all__ = ["RETURN_PATH", "Registration", "registered_parties", "sandbox_registration"]

RETURN_PATH = "/digital-auth/return"
CLIENT_ID, VERIFIER = "HONNINCHECK1", "honnin-platform"
NAME = "honnin 本人確認"
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Registration:
    """How a platform reaches the service, and under which names.

    keys: folder of the keys (`honnin digital-auth keys`). clients: client id by tenant, where a tenant has its own.
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

    def client_of(self, tenant: str) -> str:
        """Return the client id under which a tenant's persons are sent to the service."""
        return self._clients.get(tenant, self._client_id)

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


def sandbox_registration(gateway: str, keys: Path, clock: Callable[[], datetime]) -> Registration:
    """Return the registration with the sandbox's service beside a gateway such as `http://127.0.0.1:8600`."""
    port = urlsplit(gateway).port
    place = "" if port is None else f":{port}"
    return Registration(
        Service.at(f"http://digital-auth.localhost{place}/api"),
        CLIENT_ID,
        f"http://localhost{place}{RETURN_PATH}",
        keys,
        shows_words=True,
        clock=lambda: clock().timestamp(),
    )


def registered_parties(keys: Path, *, port: int) -> tuple[bytes, bytes]:
    """Return what a sandbox's service is to register: the platform as PF operator, then as relying party (JSON).

    The keys are made where there are none yet.
    """
    public = {}
    for use, algorithm in (("decrypt", "ECDH-ES+A256KW"), ("sign", "ES256")):
        file = KeyFile(keys, "decrypt" if use == "decrypt" else "sign")
        if not file.held():
            file.new(algorithm, at=datetime.now(UTC))
        public[use] = file.jwks()
    verifier = {"verifier": VERIFIER, "name": NAME, "jwks": public["decrypt"]}
    party = {
        "client_id": CLIENT_ID,
        "name": NAME,
        "redirect_uris": [f"http://localhost:{port}{RETURN_PATH}"],
        "jwks": public["sign"],
        "verifier": VERIFIER,
    }
    return json.dumps(verifier).encode(), json.dumps(party).encode()
