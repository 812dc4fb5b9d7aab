"""A reader behind a reader agent on this computer: `relay:http://127.0.0.1:8642`, optionally `#READER-URL` behind it.

The agent (`honnin reader`) keeps its address and a token in `reader-agent.json` of the data folder, readable by its
user alone; `$HONNIN_RELAY_TOKEN` names another token. APDUs go as hexadecimal in JSON bodies, never in an address.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from honnin.errors import InputError, ReaderError

__all__ = ["AGENT_FILE", "RelayReader"]

AGENT_FILE = "reader-agent.json"
TOKEN_VARIABLE = "HONNIN_RELAY_TOKEN"  # noqa: S105 - the variable's name
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PATIENCE = httpx.Timeout(35.0, connect=3.0)  # a chip computes for seconds at most


class RelayReader:
    """A card on an agent's reader, held by the agent for this object alone."""

    def __init__(self, name: str, client: httpx.Client, handle: str, atr: bytes) -> None:
        self.name = name
        self.atr = atr
        self._client = client
        self._handle = handle
        self._closed = False

    @classmethod
    def open(cls, target: str, data: Path, *, transport: httpx.BaseTransport | None = None) -> Self:
        """Ask the agent for a card.

        target: the agent's URL; behind `#` one of its readers, else the first with a card.
        Raises InputError `relay.address`, `relay.no_token`; ReaderError `relay.down` and what the agent says.
        """
        address, _, reader = target.partition("#")
        url = httpx.URL(address)
        # Everything that a card says, and every PIN, crosses this line: in clear text on this computer only.
        if url.scheme not in {"http", "https"} or (url.scheme == "http" and url.host not in LOOPBACK):
            raise InputError(
                "relay.address",
                "A reader agent is named by http://127.0.0.1:PORT, or by an https address.",
                next="Write relay:http://127.0.0.1:8642.",
            )
        client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {_token(data)}"},
            timeout=PATIENCE,
            trust_env=False,
            transport=transport,
        )
        try:
            opened = _ask(client, "/open", {"reader": reader})
            return cls(f"relay:{address}", client, str(opened["handle"]), _octets(opened.get("atr")))
        except BaseException:
            client.close()
            raise

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2. Raises ReaderError."""
        return _octets(self._ask("/transmit", apdu=apdu.hex()).get("answer"))

    def reset(self) -> None:
        """Power the card off and on."""
        self._ask("/reset")

    def close(self) -> None:
        """Let go of the card, reset."""
        if self._closed:
            return
        self._closed = True
        try:
            _ask(self._client, "/close", {"handle": self._handle})
        except ReaderError:
            pass  # an agent that is gone has let go of its cards
        finally:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, path: str, **members: str) -> dict[str, Any]:
        if self._closed:
            raise ReaderError("reader.closed", "This reader was closed.", next="Open it again.")
        return _ask(self._client, path, {"handle": self._handle, **members})


def _ask(client: httpx.Client, path: str, body: dict[str, str]) -> dict[str, Any]:
    try:
        answer = client.post(path, json=body)
        said = answer.json()
    except httpx.HTTPError:
        raise ReaderError(
            "relay.down", "The reader agent does not answer.", next="Start it: honnin reader.", retryable=True
        ) from None
    except ValueError:
        raise _malformed() from None
    if not isinstance(said, dict):
        raise _malformed()
    if answer.is_success:
        return said
    code = str(said.get("code", ""))
    if code.startswith("reader."):
        raise ReaderError(
            code, "The reader agent could not reach the card.", next="Look at the reader.", retryable=True
        )
    raise ReaderError("relay.refused", "The reader agent refused.", next="Look at the agent's screen, and at --reader.")


def _octets(text: object) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        raise _malformed() from None


def _malformed() -> ReaderError:
    return ReaderError("relay.malformed", "What answers there is no reader agent.", next="Check the address.")


def _token(data: Path) -> str:
    if token := os.environ.get(TOKEN_VARIABLE):
        return token
    try:
        return str(json.loads((data / AGENT_FILE).read_text(encoding="utf-8"))["token"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            "relay.no_token",
            "There is no reader agent of this data folder.",
            next="Start `honnin reader` with the same --data, or set HONNIN_RELAY_TOKEN.",
        ) from None
