"""A process that verifies as fast as it can and names each acknowledged check on standard output; made to be killed.

    hammer.py DATA DATABASE_URL API_KEY REQUEST OCSP THREADS

REQUEST is a VerificationRequest as JSON, OCSP the responder's answer for its certificate at the world's standing clock.
"""

import os
import sys
import threading
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec

from honnin.connect.worlds import open_world
from honnin.platform import Platform, Settings
from honnin.platform.models import VerificationRequest
from honnin.platform.settings import Services


class Told:
    """Revocation data that were asked for before, and a certificate without kin."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> Any:
        return SimpleNamespace(crls=(), ocsp=(self.answer,), source="ocsp", fetched_at=at)

    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Any:
        return SimpleNamespace(state="linked", previous=None, counterpart=None)


def main() -> None:
    data, url, key, request_file, ocsp_file, threads = sys.argv[1:]
    told = Told(Path(ocsp_file).read_bytes())
    anchors = open_world(Path(data)).anchors()
    services = Services(told, told, anchors["signature"], anchors["user_authentication"])
    platform = Platform(Settings(Path(data), url or None, test=services, head_interval=0.02))
    caller = platform.authenticate(key)
    request = msgspec.json.decode(Path(request_file).read_bytes(), type=VerificationRequest)
    threading.Thread(target=platform.run_sequencer, args=(threading.Event(),), daemon=True).start()

    def verify() -> None:
        while True:
            idempotency_key = uuid4().hex
            answer = platform.verify(caller, request, idempotency_key=idempotency_key)
            os.write(1, f"{idempotency_key} {answer.id} {answer.evidence}\n".encode())

    for _ in range(int(threads)):
        threading.Thread(target=verify, daemon=True).start()
    threading.Event().wait()


main()
