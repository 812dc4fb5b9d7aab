"""Serial succession and counterpart serial over HTTP (My Number Card sheet, section 6.4).

The official message format is under NDA: it is a plug-in (`LinkFormat`). The format built in is the sandbox's own,
`honnin-sandbox-link/1`, described in docs/sandbox-limits.md.
"""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from honnin.connect.gateway import Gateway
from honnin.connect.jlis.models import CertificateKey, Link
from honnin.errors import ServiceError

__all__ = ["HttpLinkSource", "LinkFormat", "SandboxLinkFormat"]

LABEL = "jlis"
LARGEST_ANSWER = 16 << 10


class LinkFormat(Protocol):
    """How a question is written and an answer read."""

    media_type: str
    path: str

    def question(self, issuer_key_id: bytes, serial: int) -> bytes:
        """Return the body of a question."""

    def answer(self, content: bytes) -> Link:
        """Read an answer's body. Raises ValueError for one that is not in the format."""


class _Key(msgspec.Struct, frozen=True):
    issuer_key_id: str
    serial: str

    def key(self) -> CertificateKey:
        return CertificateKey(bytes.fromhex(self.issuer_key_id), int(self.serial, 16))


class _Answer(msgspec.Struct, frozen=True):
    format: Literal["honnin-sandbox-link/1"]
    state: Literal["linked", "pending", "unknown"]
    previous: _Key | None = None
    counterpart: _Key | None = None


class SandboxLinkFormat:
    """The sandbox's own JSON."""

    media_type = "application/json"
    path = "/link"

    def question(self, issuer_key_id: bytes, serial: int) -> bytes:
        """Return the body of a question."""
        asked = {"format": "honnin-sandbox-link/1", "issuer_key_id": issuer_key_id.hex(), "serial": f"{serial:x}"}
        return msgspec.json.encode(asked)

    def answer(self, content: bytes) -> Link:
        """Read an answer's body. Raises ValueError for one that is not in the format."""
        told = msgspec.json.decode(content, type=_Answer)
        previous = told.previous.key() if told.previous else None
        counterpart = told.counterpart.key() if told.counterpart else None
        return Link(told.state, previous, counterpart)


class HttpLinkSource:
    """Links from J-LIS over HTTP."""

    def __init__(self, gateway: Gateway, *, messages: LinkFormat | None = None) -> None:
        self._gateway = gateway
        self._messages: LinkFormat = messages or SandboxLinkFormat()

    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Link:  # noqa: ARG002
        """Ask what is linked with a certificate.

        Raises what `Gateway.post` raises, ServiceError `jlis.answer_malformed`.
        """
        form = self._messages
        answer = self._gateway.post(
            self._gateway.at(LABEL, form.path),
            form.question(issuer_key_id, serial),
            form.media_type,
            limit=LARGEST_ANSWER,
            accept=form.media_type,
        )
        try:
            return form.answer(answer.content)
        except ValueError as error:  # msgspec's errors are ValueErrors
            raise ServiceError(
                "jlis.answer_malformed",
                "J-LIS's answer is not in the agreed format.",
                next="Ask again.",
                retryable=True,
            ) from error
