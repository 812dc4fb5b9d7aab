"""Who may use the readers: an origin that was allowed at the start, after a code was typed from the agent's screen.

The code is shown where the agent runs and typed into the page, so that a page on an allowed origin still needs a person
at this very computer. A code serves once and ends after ten minutes or five wrong tries; a token is bound to the origin
that earned it and to this run of the agent.
"""

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from hashlib import sha256

from honnin.errors import AccessError

__all__ = ["Pairing"]

CODE_SECONDS = 600.0
WRONG_CODES = 5
MOST_TOKENS = 16
DIGITS = 8


class Pairing:
    """Codes and tokens of one run.

    origins: web origins that may ask at all (`https://counter.example.jp`).
    tell: shows a fresh code to the person at this computer; the first one with `renew`, once the agent can be reached.
    """

    def __init__(
        self, origins: Iterable[str], tell: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.origins = frozenset(origins)
        self.local_token = secrets.token_urlsafe(32)  # for programs of the same user, which can read the agent's file
        self._tell = tell
        self._clock = clock
        self._guard = threading.Lock()
        self._tokens: dict[bytes, str] = {}
        self._code = ""
        self._until = 0.0
        self._wrong = 0

    def renew(self) -> None:
        """Make and tell a fresh code."""
        self._code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        self._until, self._wrong = self._clock() + CODE_SECONDS, 0
        self._tell(self._code)

    def pair(self, origin: str, code: str) -> str:
        """Return a token for an origin. Raises AccessError `agent.origin`, `agent.code`."""
        self.must_be_allowed(origin)
        with self._guard:
            right = hmac.compare_digest(code.encode(), self._code.encode()) and self._clock() < self._until
            if not right:
                self._wrong += 1
                if self._wrong >= WRONG_CODES or self._clock() >= self._until:
                    self.renew()
                raise AccessError(
                    "agent.code",
                    "The pairing code is wrong or has passed its time.",
                    next="Type the code that the reader agent shows now.",
                )
            token = secrets.token_urlsafe(32)
            if len(self._tokens) >= MOST_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))
            self._tokens[_mark(token)] = origin
            self.renew()
            return token

    def must_be_allowed(self, origin: str) -> None:
        """Raise AccessError `agent.origin` for a page of another origin."""
        if origin not in self.origins:
            raise AccessError(
                "agent.origin",
                "A page of this origin may not use the readers.",
                next="Start the agent with --origin and the address of your counter page.",
            )

    def must_be_paired(self, origin: str | None, token: str) -> None:
        """Raise AccessError `agent.not_paired` unless the token belongs to the origin, or is the local one.

        origin: None for a program that is no browser; it needs the local token.
        """
        if origin is None:
            known = hmac.compare_digest(token.encode(), self.local_token.encode())
        else:
            self.must_be_allowed(origin)
            with self._guard:
                known = self._tokens.get(_mark(token)) == origin
        if not known:
            raise AccessError("agent.not_paired", "This page is not paired.", next="Type the agent's code into it.")


def _mark(token: str) -> bytes:
    return sha256(token.encode()).digest()
