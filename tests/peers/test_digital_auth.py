"""Relying parties that we did not write log in against the sandbox's Digital Authentication Service.

openid-client and oauth4webapi (npm), Authlib (PyPI), and Debian's mod_auth_openidc in an Apache of its own.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
import uvicorn
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from tests.ports import free_ports
from tests.waiting import LONG, until

from honnin.sandbox.digital_auth.app import create_app
from honnin.sandbox.digital_auth.parties import register
from honnin.sandbox.opening import Sandbox

SCRIPTS = Path(__file__).parent / "digital_auth"
MODULE = "/usr/lib/apache2/modules/mod_auth_openidc.so"
BACK = "http://127.0.0.1:1/cb"


class Service:
    """The service on a port of its own."""

    def __init__(self, world: Sandbox, **tls: str) -> None:
        self.world = world
        listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        self.issuer = f"{self.origin}/api/realms/main"
        configuration = uvicorn.Config(create_app(world), log_level="warning", lifespan="off", **tls)  # type: ignore[arg-type]
        self.server = uvicorn.Server(configuration)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def metadata(self) -> dict[str, str]:
        base = f"{self.issuer}/protocol/openid-connect"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/certs",
        }

    def party(self, client_id: str, key: ECKey | RSAKey, redirect_uri: str = BACK, **more: Any) -> dict[str, Any]:
        registration = {
            "client_id": client_id,
            "name": "外のRP",
            "redirect_uris": [redirect_uri],
            "jwks": {"keys": [key.as_dict(private=False)]},
        }
        register(self.world, msgspec.json.encode(registration | more))
        return {
            "server": self.metadata(),
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "jwk": key.as_dict(private=True),
        }

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(LONG)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    found = Service(Sandbox(tmp_path_factory.mktemp("peers")))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def tls_service(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same world over TLS, which mod_auth_openidc insists on."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=LONG
    )
    found = Service(service.world, ssl_keyfile=str(key), ssl_certfile=str(certificate))
    yield found
    found.stop()


def ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)


def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)


def node(script: str, given: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "given.json"
    path.write_text(json.dumps(given))
    return subprocess.run(
        ["node", str(SCRIPTS / script), str(path)], capture_output=True, text=True, timeout=LONG, check=False
    )


@pytest.mark.peer("node")
@pytest.mark.parametrize("make", [ec_key, rsa_key])
def test_openid_client(service: Service, tmp_path: Path, make: Any) -> None:
    done = node("openid_client.mjs", service.party("RP0000openid", make(), strict=True), tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["items"]["name"] == "見本　花子"
    assert set(found["items"]) == {"sub", "name", "address", "birthdate", "gender"}
    assert found["claims"]["sub"] == found["items"]["sub"] == found["refreshed"]["sub"]
    assert found["own"] == "sign"


@pytest.mark.peer("node")
@pytest.mark.parametrize("make", [ec_key, rsa_key])
def test_oauth4webapi(service: Service, tmp_path: Path, make: Any) -> None:
    done = node("oauth4webapi.mjs", service.party("RP0000oauth", make(), strict=True), tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["items"]["name"] == "試験　太郎"


@pytest.mark.peer("node")
@pytest.mark.parametrize("script", ["openid_client.mjs", "oauth4webapi.mjs"])
def test_clients_as_they_are_name_the_issuer_which_is_a_switch(service: Service, tmp_path: Path, script: str) -> None:
    """Decision 0014: the service takes the token endpoint as audience alone, until its profile says otherwise."""
    given = service.party("RP0000asitis", ec_key()) | {"as_it_is": True}
    refused = node(script, given, tmp_path)
    assert refused.returncode != 0
    assert "invalid_client" in refused.stderr
    own = service.world.data / "digital-auth-profile.json"
    own.write_text(json.dumps({"assumptions": {"A-05": {"audiences": ["issuer"]}}}))
    try:
        taken = node(script, given, tmp_path)
        other = node(script, given | {"as_it_is": False}, tmp_path)
    finally:
        own.unlink()
    assert taken.returncode == 0, taken.stderr
    assert other.returncode != 0


@pytest.mark.peer("node")
@pytest.mark.parametrize(
    "state",
    ["wrong_nonce", "wrong_issuer", "wrong_audience", "expired", "forged", "unknown_kid", "rs256", "malformed"],
)
def test_foreign_client_finds_every_fault(service: Service, tmp_path: Path, state: str) -> None:
    """What we spoil on demand is what somebody else's client refuses, too."""
    given = service.party("RP0000fault", ec_key()) | {"switch": f"token={state}"}
    assert node("oauth4webapi.mjs", given, tmp_path).returncode != 0


def test_authlib(service: Service) -> None:
    key, metadata, nonce, verifier = ec_key(), service.metadata(), secrets.token_urlsafe(12), secrets.token_urlsafe(40)
    service.party("RP000authlib", key)  # its assertions live for an hour, which strict mode refuses
    with OAuth2Session(
        "RP000authlib",
        key,
        token_endpoint_auth_method="private_key_jwt",
        code_challenge_method="S256",
        scope="openid name",
        redirect_uri=BACK,
    ) as client:
        client.register_client_auth_method(
            PrivateKeyJWT(metadata["token_endpoint"], headers={"kid": key.kid}, alg="ES256")
        )
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], nonce=nonce, code_verifier=verifier
        )
        answer = httpx.get(address, headers={"Honnin-Sandbox-Person": "kaede"}, timeout=LONG)
        token = client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=answer.headers["location"],
            state=state,
            code_verifier=verifier,
        )
        items = client.get(metadata["userinfo_endpoint"]).json()
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"], timeout=LONG).json())
    claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
    assert claims["nonce"] == nonce
    assert items["name"].startswith("例示")
    assert items["sub"] == claims["sub"]


# --- Apache

CONFIGURATION = """
ServerRoot "{folder}"
PidFile "{folder}/apache.pid"
Listen 127.0.0.1:{port}
ServerName 127.0.0.1:{port}
ErrorLog "{folder}/error.log"
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {module}
DocumentRoot "{folder}/htdocs"
OIDCProviderIssuer {issuer}
OIDCProviderAuthorizationEndpoint {authorization_endpoint}
OIDCProviderTokenEndpoint {token_endpoint}
OIDCProviderUserInfoEndpoint {userinfo_endpoint}
OIDCProviderJwksUri {jwks_uri}
OIDCPrivateKeyFiles "{kid}#{folder}/key.pem"
OIDCPublicKeyFiles "{kid}#{folder}/public.pem"
OIDCProviderTokenEndpointAuth private_key_jwt
OIDCClientID RP000apache
OIDCRedirectURI http://127.0.0.1:{port}/secret/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid name"
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg ES256
OIDCCookieSameSite On
OIDCPassClaimsAs both
OIDCSSLValidateServer Off
<Directory "{folder}/htdocs">
  Require all granted
</Directory>
<Location /secret>
  AuthType openid-connect
  Require valid-user
  Header set X-Seen-User "expr=%{{REMOTE_USER}}"
  Header set X-Seen-Name "expr=%{{reqenv:OIDC_CLAIM_name}}"
</Location>
"""


@pytest.fixture
def apache(tls_service: Service, tmp_path: Path) -> Iterator[str]:
    port = free_ports()
    key = rsa_key()
    tls_service.party("RP000apache", key, f"http://127.0.0.1:{port}/secret/callback")
    (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))
    (tmp_path / "public.pem").write_bytes(key.as_pem(private=False))
    (tmp_path / "htdocs" / "secret").mkdir(parents=True)
    (tmp_path / "htdocs" / "secret" / "index.html").write_text("inside")
    configuration = tmp_path / "apache.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=tmp_path,
            port=port,
            modules="/usr/lib/apache2/modules",
            module=MODULE,
            kid=key.kid,
            passphrase=secrets.token_hex(16),
            **tls_service.metadata(),
        )
    )
    process = subprocess.Popen(
        ["/usr/sbin/apache2", "-f", str(configuration), "-DFOREGROUND"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"LANG": "C.UTF-8"},
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(LONG)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    def listens() -> bool:
        assert process.poll() is None, "apache2 ended"
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), LONG).close()
            return True
        return False

    until(listens, "apache2 did not listen")


@pytest.mark.peer("/usr/sbin/apache2", MODULE)
def test_mod_auth_openidc(apache: str, tmp_path: Path) -> None:
    with httpx.Client(verify=False, timeout=LONG) as browser:  # noqa: S501 - a certificate of this minute
        first = browser.get(f"{apache}/secret/index.html")
        assert first.status_code == 302, first.text
        asked = parse_qs(urlsplit(first.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        answer = browser.get(first.headers["location"], headers={"Honnin-Sandbox-Person": "hanako"})
        assert answer.status_code == 302, answer.text
        back = browser.get(answer.headers["location"])
        log = (tmp_path / "error.log").read_text(errors="replace")
        assert back.status_code == 302, log
        inside = browser.get(back.headers["location"])
    assert inside.text == "inside"
    assert re.match(r"[0-9a-f-]{36}@", inside.headers["x-seen-user"])
    assert inside.headers["x-seen-name"]


@pytest.mark.peer("/usr/sbin/apache2", MODULE)
def test_mod_auth_openidc_shows_an_error_and_stays_closed(apache: str) -> None:
    with httpx.Client(verify=False, timeout=LONG) as browser:  # noqa: S501 - a certificate of this minute
        first = browser.get(f"{apache}/secret/index.html")
        headers = {"Honnin-Sandbox-Person": "hanako", "Honnin-Sandbox-Outcome": "cancelled"}
        answer = browser.get(first.headers["location"], headers=headers)
        assert "error=access_denied" in answer.headers["location"]
        assert "inside" not in browser.get(answer.headers["location"]).text
