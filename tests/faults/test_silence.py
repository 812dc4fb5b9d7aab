"""Secrets stay in their room: with every logger turned up and every error shown, no output names one."""

import io
import logging
import sys
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from honnin.errors import HonninError
from honnin.platform import Platform
from honnin.platform.models import Caller, SessionRequest, SessionSignature

CHOSEN = uuid4().hex  # made at run time, so that no traceback shows it as a line of this file


@pytest.fixture
def heard(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything that was logged at any level by anything, or written to the terminal."""
    stream = io.StringIO()
    listener = logging.StreamHandler(stream)
    root = logging.getLogger()
    before, levels = root.level, {}
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    for name in ("sqlalchemy.pool", "alembic", "httpx", "honnin", "psycopg"):
        levels[name] = logging.getLogger(name).level
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)

    def everything() -> str:
        out, err = capfd.readouterr()
        return stream.getvalue() + out + err

    yield everything
    root.removeHandler(listener)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)


def test_no_output_names_a_secret(platform: Platform, card: Callable[[str], Any], heard: Callable[[], str]) -> None:
    key = platform.create_tenant("試験銀行").api_key
    caller = platform.authenticate(key)
    hanako, document = card("hanako"), f"transfer {CHOSEN}".encode()
    answer = platform.verify(caller, hanako.request(document, law="aml"), idempotency_key=CHOSEN)
    asked = SessionRequest(purpose="account_opening", text=f"sign {CHOSEN}", return_url="http://localhost/r", state="s")
    session = platform.sessions.create(caller, asked)
    assert session.url is not None
    page_key = session.url.removeprefix("/check/")
    page = platform.sessions.page(page_key)
    made = SessionSignature(signature=hanako.sign(page.document), certificate=hanako.certificate)
    ended = platform.sessions.complete(page_key, made)
    items = platform.sessions.four_items(caller, session.id)
    platform.sequence()
    platform.receipt(caller, answer.id)
    platform.events(caller)
    shown = [repr(one) for one in (answer, session, page, made, ended, items, asked, caller, hanako.request())]
    shown += _errors(platform, caller, key, page_key, hanako)
    output = heard() + "".join(shown)
    master = (platform.settings.data / "keys" / "master.key").read_bytes()
    secrets = {
        "api key": key,
        "api key's secret": key[-32:],
        "page key": page_key,
        "page key's secret": page_key[-32:],
        "name": "花子",
        "address": "千代田区",
        "birth date": "1990-04-12",
        "certificate": b64encode(hanako.certificate[300:345]).decode(),
        "certificate's bytes": repr(hanako.certificate[300:340])[2:-1],
        "signature": b64encode(made.signature[:45]).decode(),
        "master key": master.hex(),
        "master key's bytes": repr(master)[2:-1],
        "document, text and idempotency key": CHOSEN,
    }
    assert "INSERT INTO verifications" in output, "the loggers were not turned up"
    for what, secret in secrets.items():
        assert secret not in output, what


def _errors(platform: Platform, caller: Caller, key: str, page_key: str, hanako: Any) -> list[str]:
    """What every refusal prints, with its whole chain of causes."""
    request = hanako.request()
    wrong: list[Callable[[], Any]] = [
        lambda: platform.authenticate(key[:-1] + "!"),
        lambda: platform.sessions.page(page_key[:-1] + "!"),
        lambda: platform.sessions.complete(page_key, SessionSignature(signature=b"x", certificate=hanako.certificate)),
        lambda: platform.verify(caller, msgspec.structs.replace(request, law="my_number")),
        lambda: platform.verify(caller, msgspec.structs.replace(request, cms=b"x")),
        lambda: platform.verify(caller, request, idempotency_key=CHOSEN),
        lambda: platform.verify(caller, request, idempotency_key=CHOSEN * 20),
        lambda: platform.verification(caller, key),
        lambda: platform.store.write(
            lambda db: db.exec_driver_sql("INSERT INTO verifications (tenant_id, verification_id) VALUES ('x', 'y')")
        ),
    ]
    printed = []
    for call in wrong:
        try:
            call()
        except HonninError as error:
            printed.append("".join(traceback.format_exception(error)))
            printed.append(repr(error) + str(error))
        else:
            pytest.fail("nothing was refused")
    return printed


def test_thread_that_dies_says_no_secret(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    stop = threading.Event()
    platform.store.write(lambda db: db.exec_driver_sql("DROP TABLE log_heads"))
    thread = threading.Thread(target=platform.run_sequencer, args=(stop,))
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    out, err = capfd.readouterr()
    assert out + err == ""
    assert sys.exc_info() == (None, None, None)
