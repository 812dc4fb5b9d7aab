"""A reader on the clerk's computer, reached through the page in the clerk's browser.

The server cannot reach a reader at a counter, and the reader agent answers nobody but a paired page. So the chip's code
runs here in a thread and waits; the page asks for the next command, has the agent carry it, and brings the answer:

    thread   transmit(apdu) ──► command ──► page ──► agent ──► card
             ◄── answer ◄────────────────── page ◄── agent ◄──

Whoever stops bringing answers ends the session: the thread gets `reader.contact_lost` after a while.
"""

import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from honnin.errors import FormatError, ReaderError, StateError

__all__ = ["Step", "Tunnel", "said_by_page"]

ANSWER_SECONDS = 40.0  # a card that was taken away and put back, and a chip that computes
COMMAND_SECONDS = 60.0  # the server's own work between two commands, on a machine that does much else


class Step(NamedTuple):
    """What the page does next. kind: `command` (apdu), `reset`, or `end`."""

    kind: Literal["command", "reset", "end"]
    apdu: bytes = b""


class Tunnel:
    """A reader whose other end is a page. The thread that reads the chip and the page's requests share it."""

    def __init__(self, name: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.name = name
        self.atr = b""
        self._patience = answer_seconds
        self._steps: queue.Queue[Step] = queue.Queue(maxsize=1)
        self._answers: queue.Queue[bytes | ReaderError] = queue.Queue(maxsize=1)
        self._turn = threading.Lock()
        self._waiting = False  # a step was handed out and its answer has not come
        self._over = False

    # --- the chip's side

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2. Raises ReaderError."""
        return self._carry(Step("command", apdu))

    def reset(self) -> None:
        """Power the card off and on."""
        self._carry(Step("reset"))

    def close(self) -> None:
        """Let the page go; the page lets go of the card."""
        if not self._over:
            self._over = True
            self._steps.put(Step("end"))

    def abandon(self) -> None:
        """End the session from the page's side: whoever waits for an answer gets `reader.closed` at once."""
        self._over = True
        with suppress(queue.Full):
            self._answers.put_nowait(ReaderError("reader.closed", "The page was left.", next="Open it again."))
        with suppress(queue.Full):
            self._steps.put_nowait(Step("end"))

    def _carry(self, step: Step) -> bytes:
        if self._over:
            raise ReaderError("reader.closed", "This reader was closed.", next="Open it again.")
        self._steps.put(step)
        try:
            answer = self._answers.get(timeout=self._patience)
        except queue.Empty:
            self._over = True
            answer = ReaderError(
                "reader.contact_lost", "The page stopped answering.", next="Start again.", retryable=True
            )
        if isinstance(answer, ReaderError):
            raise answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- the page's side

    def exchange(self, answer: bytes | ReaderError | None) -> Step:
        """Bring the answer to the last step and return the next one.

        answer: None at the first call. Raises StateError `counter.out_of_turn` for an answer that nothing asked for, or
        a second page at the same reading.
        """
        with self._turn:
            if self._waiting != (answer is not None):
                raise StateError("counter.out_of_turn", "This reading is at another step.", next="Start again.")
            if answer is not None:
                self._waiting = False
                self._answers.put(answer)
            try:
                step = self._steps.get(timeout=COMMAND_SECONDS)
            except queue.Empty:
                step = Step("end")
            self._waiting = step.kind != "end"
            return step


def said_by_page(said: dict[str, Any]) -> bytes | ReaderError | None:
    """Return what a page brought: an answer (hexadecimal), a reader's error by its code, or nothing yet.

    Raises FormatError `counter.answer_malformed`.
    """
    if "error" in said:
        code = str(said["error"])
        known = code if code.startswith("reader.") and len(code) < 40 else "reader.contact_lost"
        return ReaderError(known, "The reader at the counter could not reach the card.", retryable=True)
    if said.get("answer") is None:
        return None
    try:
        return bytes.fromhex(str(said["answer"]))
    except ValueError:
        raise FormatError("counter.answer_malformed", "The answer is not hexadecimal.", next="Start again.") from None
