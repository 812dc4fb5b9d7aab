"""A service provider whose customers sign on a phone: its client of the sandbox's service, without a person."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tests.waiting import LONG

from honnin.connect.digital_auth import DigitalAuth, KeyFile, Service, SignResult
from honnin.connect.digital_auth.registration import VERIFIER

BACK = "http://localhost:1/return"
CLIENT_ID = "RPOFTESTS"


def relying_party(port: int, keys: Path) -> DigitalAuth:
    """Register a client with the service of a port; its results are encrypted for the platform there."""
    file = KeyFile(keys, "sign")
    file.new("ES256", at=datetime.now(UTC))
    body = {"client_id": CLIENT_ID, "name": "試験不動産", "redirect_uris": [BACK], "jwks": file.jwks()}
    host = f"digital-auth.localhost:{port}"
    made = httpx.post(
        f"http://127.0.0.1:{port}/registrations",
        json={**body, "verifier": VERIFIER},
        headers={"Host": host},
        timeout=LONG,
    )
    assert made.status_code == 201, made.text
    return DigitalAuth(Service.at(f"http://{host}/api"), client_id=CLIENT_ID, redirect_uri=BACK, keys=keys)


def sign_on_phone(client: DigitalAuth, document: bytes, words: str | None, person: str = "hanako") -> SignResult:
    """Have a person sign at the service and fetch the result."""
    attempt = client.start_signing(document, words=words)
    to = urlsplit(attempt.url)
    headers = {"Host": to.netloc, "Honnin-Sandbox-Person": person}
    back = httpx.get(f"http://127.0.0.1:{to.port}{to.path}?{to.query}", headers=headers, timeout=LONG)
    assert back.is_redirect, back.text
    return client.finish_signing(attempt, back.headers["location"]).result
