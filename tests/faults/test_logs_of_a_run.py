"""All that `honnin up` says in a whole run, searched for every secret of that run (issue of the log that told).

The run: an account opened by card with a wrong PIN before the right one; an account and a login on the hosted page by
the Digital Authentication Service's screens; a login and a signature of a service provider of its own there, the result
given to the PF; a card read at the counter by `honnin reader`, pcscd and a virtual reader, with the customer's PIN;
webhooks; a login by challenge's refusals; and wrong requests that carry secrets in every place where one may be put by
mistake.
"""

import base64
import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest
from tests.faults.walks import at_counter, by_screens, hosted_by_service
from tests.receiver import Receiver, receiving
from tests.searching import LEAST, tells
from tests.virtual_reader import DRIVER, PCSCD, Pcsc, pcsc
from tests.waiting import LONG, next_line, running
from tests.web.conftest import Visitor

from honnin.connect.digital_auth import DigitalAuth, KeyFile, Service
from honnin.connect.worlds import open_world
from honnin.sandbox.digital_auth.parties import register

__all__ = ["pcsc"]

BACK = "http://127.0.0.1:1/return"
DOCUMENT = "見本の契約書に同意します。".encode()
WRONG = {"signature": "WRONGPIN77", "user_authentication": "9753"}
TOOK = re.compile(r" \d+\.\d ms$", re.MULTILINE)  # how long a request took: 1023.4 tells nobody's PIN
JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}")
SECRETS = {"access_token", "id_token", "refresh_token", "client_assertion", "code_verifier", "sign_certificate"}
IN_ADDRESSES = SECRETS | {"code", "state", "nonce"}


class Run:
    """A running `honnin up`, and every secret that passed through it, by name."""

    def __init__(self, data: Path, port: int, key: str) -> None:
        self.data = data
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.api = httpx.Client(
            base_url=self.base, headers={"Authorization": f"Bearer {key}"}, timeout=LONG, trust_env=False
        )
        self.secrets: dict[str, str] = {"api key": key}
        self.at_counter = False

    def keep(self, name: str, secret: str) -> None:
        """Remember a secret."""
        self.secrets[name] = secret

    def named_in(self, output: str) -> list[str]:
        """Return the names of the secrets that an output tells."""
        said = TOOK.sub("", output)
        return sorted(name for name, secret in self.secrets.items() if tells(said, secret))

    def origin(self, label: str) -> str:
        return f"http://{label}.localhost:{self.port}"

    def note(self, found: Any, names: set[str]) -> None:
        """Keep the secret members of a form, an address or an answer."""
        for name, value in found.items() if isinstance(found, dict) else ():
            if name in names and isinstance(value, str):
                self.secrets[f"{name} of exchange {len(self.secrets)}"] = value


@pytest.fixture(scope="module")
def reader(request: pytest.FixtureRequest) -> Pcsc | None:
    """A virtual reader where this system has one; without, the run goes past the counter, and a test says so."""
    if not (Path(PCSCD).exists() and Path(DRIVER).exists()):
        return None
    found: Pcsc = request.getfixturevalue("pcsc")
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, reader: Pcsc | None) -> tuple[Run, str]:
    """Make the run; give it with all that was written to the terminal and sent by webhook."""
    data = tmp_path_factory.mktemp("run") / "data"
    command = [
        Path(sys.executable).with_name("honnin"),
        "up",
        "--data",
        str(data),
        "--port",
        "0",
        "--access-log",
        "--json",
    ]
    with TemporaryFile("w+") as log, running(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        first = next_line(process.stdout)
        port = httpx.URL(json.loads(first)["addresses"]["api"]).port
        assert port is not None
        run = Run(data, port, json.loads((data / "keys.json").read_text())["api_key"])
        with pytest.MonkeyPatch.context() as patch, receiving() as receiver:
            listen(patch, run)
            agent = everything(run, receiver, reader)
            run.api.close()
            bodies = "".join(got.body.decode() + json.dumps(got.headers) for got in receiver.wait_for(3))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LONG)
        log.seek(0)
        err = log.read()
    return run, first + out + err + bodies + agent


def begins_json(text: str) -> bool:
    """Tell a token's head, `{"alg":"…`, from random characters that begin alike, as one in some thousand ids does."""
    return re.match(rb'\{"[a-z0-9]{3}', base64.urlsafe_b64decode(text[:8])) is not None


def listen(patch: pytest.MonkeyPatch, run: Run) -> None:
    """Learn the secrets of every request that leaves this process, and of what comes back."""
    send = httpx.Client.send

    def heard(self: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
        answer = send(self, request, **more)
        if "form" in request.headers.get("content-type", ""):
            run.note(dict(parse_qsl(request.read().decode())), IN_ADDRESSES)
        if "json" in answer.headers.get("content-type", "") and answer.read():
            run.note(answer.json(), SECRETS)
        run.note(dict(httpx.URL(answer.headers.get("location", "")).params), IN_ADDRESSES)
        return answer

    patch.setattr(httpx.Client, "send", heard)


def everything(run: Run, receiver: Receiver, reader: Pcsc | None) -> str:
    """Make the whole run; return what the reader agent wrote."""
    people = {person["id"]: person for person in open_world(run.data).people()}
    hook = run.api.post("/v1/webhook-endpoints", json={"url": f"{receiver.url}/hook"})
    assert hook.status_code == 201, hook.text
    run.secrets["webhook secret"] = hook.json()["secret"]
    for person in ("hanako", "taro", "misaki", "kyoko"):
        told = people[person]
        run.secrets |= {f"{purpose} PIN of {person}": pin for purpose, pin in told["pins"].items()}
        run.secrets |= {
            f"{kind} PIN of {person} in a command": pin.encode().hex() for kind, pin in told["pins"].items()
        }
        run.secrets |= {f"{name} of {person}": told[name] for name in ("name", "address", "birth_date")}
        run.secrets[f"individual number of {person}"] = told["document_keys"]["my_number_card"]["number_a"]
        run.secrets[f"verification number B of {person}"] = told["document_keys"]["my_number_card"]["number_b"]
    run.secrets |= {f"wrong {purpose} PIN": pin for purpose, pin in WRONG.items()}
    account_by_card(run, people["hanako"]["pins"]["signature"])
    service(run, people["taro"]["pins"])
    hosted_by_service(run, "misaki", people["misaki"]["pins"], WRONG, run.keep)
    said = ""
    if reader is not None:
        number = people["kyoko"]["document_keys"]["my_number_card"]["number_b"]
        pins = ("7391", people["kyoko"]["pins"]["user_authentication"])
        run.keep("wrong PIN at the counter", pins[0])
        said = at_counter(run, reader, "kyoko", number, pins, run.keep)
        run.at_counter = True
    refusals(run)
    return said


def account_by_card(run: Run, pin: str) -> None:
    visitor = Visitor(run)  # type: ignore[arg-type]  # it asks for base and origins alone
    try:
        page = visitor.apply()
        run.secrets["key of the check's page"] = page.rpartition("/")[2]
        assert "暗証番号が違います" in visitor.follow(visitor.sign(page, "hanako", WRONG["signature"])).text
        ended = visitor.follow(visitor.sign(page, "hanako", pin))
        assert ended.status_code == 200
        assert "花子" in ended.text
    finally:
        visitor.close()


def service(run: Run, pins: dict[str, str]) -> None:
    """Log in and sign as a service provider whose person holds a phone, screen by screen."""
    world = open_world(run.data)
    own, pf = KeyFile(run.data.parent / "sp", "sign"), KeyFile(run.data / "keys/digital-auth/test", "decrypt")
    own.new("ES256", at=datetime.now(UTC))
    if not pf.held():
        pf.new("RSA-OAEP-256", at=datetime.now(UTC))
    register(world, msgspec.json.encode({"verifier": "pfrun", "name": "PF", "jwks": pf.jwks()}))  # type: ignore[arg-type]
    party = {"client_id": "RPRUN", "name": "見本", "redirect_uris": [BACK], "verifier": "pfrun", "jwks": own.jwks()}
    register(world, msgspec.json.encode(party))  # type: ignore[arg-type]
    place = Service.at(f"{run.origin('digital-auth')}/api")
    with DigitalAuth(place, client_id="RPRUN", redirect_uri=BACK, keys=run.data.parent / "sp") as client:
        login = client.start_login(["name", "address"])
        client.finish_login(login, walked(run, login.url, pins))
        signing = client.start_signing(DOCUMENT, ["name"])
        signed = client.finish_signing(signing, walked(run, signing.url, pins))
    run.secrets["sign result"] = signed.result.jwe
    body = {
        "purpose": "account_opening",
        "document": base64.b64encode(DOCUMENT).decode(),
        "signing_result": {"jwe": signed.result.jwe, "submitted": signed.result.submitted},
    }
    answer = run.api.post("/v1/verifications", json=body)
    assert answer.json()["verdict"]["indication"] == "TOTAL-PASSED", answer.text


def walked(run: Run, url: str, pins: dict[str, str]) -> str:
    """Take the phone through its screens, a wrong PIN first; return the query of the return."""
    visitor = Visitor(run)  # type: ignore[arg-type]
    try:
        return by_screens(visitor, url, BACK, pins, person="taro", wrong=WRONG).partition("?")[2]
    finally:
        visitor.close()


def refusals(run: Run) -> None:
    """Put secrets where they do not belong; every one is refused."""
    secret = dict(run.secrets)
    jwe, key, pin = secret["sign result"], secret["api key"], secret["signature PIN of hanako"]
    number = secret["individual number of hanako"]
    wrong = [
        run.api.post("/v1/verifications", json={"purpose": "account_opening", "pin": pin, "name": number}),
        run.api.post("/v1/verifications", content=f'{{"document": "{number}", {jwe}'),
        run.api.post("/v1/verifications", json={"signing_result": {"jwe": jwe[:-40] + "A" * 40, "submitted": "AQID"}}),
        run.api.post("/v1/sessions", json={"purpose": number, "return_url": f"http://x.example/{pin}"}),
        run.api.get(f"/v1/verifications/{number}"),
        run.api.get("/v1/events", headers={"Authorization": f"Bearer {key[:-1]}!"}),
        run.api.get("/check/" + secret["key of the check's page"][:-1] + "!"),
        run.api.post("/v1/logins", json={"challenge": jwe, "certificate": jwe, "signature": pin}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in wrong), [answer.status_code for answer in wrong]


def test_no_line_of_the_run_names_a_secret(said: tuple[Run, str]) -> None:
    run, output = said
    kinds = {name.partition(" of ")[0] for name in run.secrets}
    assert {"access_token", "id_token", "client_assertion", "code", "sign_certificate"} <= kinds
    assert TOOK.search(output)
    for route in ("POST /v1/verifications", "POST /v1/sessions", "POST /v1/sessions/{id}/redeem"):
        assert route in output, "the access log was not kept"
    assert "key of the page of the login by service" in run.secrets
    assert run.named_in(output) == []
    assert [found for found in JWT.findall(output) if begins_json(found)] == []


def test_a_told_secret_would_be_found(said: tuple[Run, str]) -> None:
    run, _ = said
    for name, secret in run.secrets.items():
        assert name in run.named_in(f"GET /check?x={secret} 200")


@pytest.mark.peer(PCSCD, DRIVER)
def test_the_run_came_to_the_counter(said: tuple[Run, str]) -> None:
    run, output = said
    assert run.at_counter
    assert "/ Code for the counter" in output, "what the reader agent wrote was not kept"
    assert {"token of the paired page", "password of the clerk"} <= set(run.secrets)


def test_the_store_holds_no_secret_in_the_open(said: tuple[Run, str]) -> None:
    run, _ = said
    kept = b"".join(path.read_bytes() for path in run.data.glob("honnin.sqlite3*"))
    assert b"TOTAL-PASSED" in kept
    read = values(run.data / "honnin.sqlite3")
    assert "TOTAL-PASSED" in read
    told = {name for name, secret in run.secrets.items() if len(secret) >= LEAST and secret.encode() in kept}
    assert sorted(told | set(run.named_in(read))) == []


def test_a_pin_kept_in_the_open_would_be_found(said: tuple[Run, str], tmp_path: Path) -> None:
    run, _ = said
    pin = run.secrets["user_authentication PIN of kyoko"]
    with closing(sqlite3.connect(tmp_path / "planted.sqlite3")) as store:
        store.execute("CREATE TABLE kept (id TEXT, body BLOB)")
        store.execute("INSERT INTO kept VALUES ('x', ?)", (json.dumps({"pin": pin}).encode(),))
        store.commit()
    assert "user_authentication PIN of kyoko" in run.named_in(values(tmp_path / "planted.sqlite3"))


def values(store: Path) -> str:
    """Return every value of a store that is text or reads as text; what is sealed does not.

    Four digits of a PIN stand by chance somewhere in megabytes of sealed octets, so short secrets are looked for here.
    """
    found = []
    with closing(sqlite3.connect(store)) as opened:
        for (table,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in opened.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  # the store's own names
                for value in row:
                    with suppress(UnicodeDecodeError):
                        found.append(value.decode() if isinstance(value, bytes) else str(value))
    return "\n".join(found)
