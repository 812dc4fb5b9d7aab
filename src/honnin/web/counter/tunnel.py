"""A reader on the clerk's computer, reached through the page in the clerk's browser.

The server cannot reach a reader at a counter, and the reader agent answers nobody but a paired page. So the chip's code
runs here in a thread and waits; the page asks for the next command, has the agent carry it, and brings the answer:

    thread   transmit(apdu) ──► command ──► page ──► agent ──► card
             ◄── answer ◄────────────────── page ◄── agent ◄──

The thread is started by the page's first question, when a card lies there: nobody waits for a card in a thread. Whoever
stops bringing answers ends the session: the thread gets `reader.contact_lost` after a while. The page that was shown
last carries: loaded anew in the middle of a reading, it takes over, and the chip is read on from its last whole file.
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
        self._page = 0
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
        self._over = True
        self._end()

    def abandon(self) -> None:
        """End the session from the page's side: whoever waits for an answer gets `reader.closed` at once."""
        self._over = True
        with suppress(queue.Full):
            self._answers.put_nowait(ReaderError("reader.closed", "The page was left.", next="Open it again."))
        self._end()

    def _end(self) -> None:
        with suppress(queue.Full):
            self._steps.put_nowait(Step("end"))

    def _carry(self, step: Step) -> bytes:
        closed = ReaderError("reader.closed", "This reader was closed.", next="Open it again.")
        if self._over:
            raise closed
        try:
            self._steps.put_nowait(step)
        except queue.Full:  # closed this moment
            raise closed from None
        try:
            answer = self._answers.get(timeout=self._patience)
        except queue.Empty:
            self._over = True
            with suppress(queue.Empty):
                self._steps.get_nowait()
            self._end()  # for a page that comes back later than that
            answer = _lost("The page stopped answering.")
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

    def shown(self) -> int:
        """Return the number of a page that is shown now; the pages before it are out of turn."""
        self._page += 1
        return self._page

    def exchange(self, answer: bytes | ReaderError | None, page: int) -> Step:
        """Bring the answer to the last step and return the next one.

        answer: None at a page's first call: what an earlier page had been asked for is lost. page: from `shown`.
        Raises StateError `counter.out_of_turn` for an answer that nothing asked for, or a page that was shown earlier.
        """
        with self._turn:
            if page != self._page or (answer is not None and not self._waiting):
                raise StateError("counter.out_of_turn", "This reading is at another step.", next="Start again.")
            if answer is None and self._waiting:
                answer = _lost("The page was loaded anew.")
            if answer is not None:
                self._waiting = False
                self._answers.put(answer)
            try:
                step = self._steps.get(timeout=COMMAND_SECONDS)
            except queue.Empty:
                step = Step("end")
            self._waiting = step.kind != "end"
            if not self._waiting:
                self._over = True
                self._end()  # whoever asks again is told so at once
            return step


def _lost(how: str) -> ReaderError:
    return ReaderError("reader.contact_lost", how, next="Start again.", retryable=True)


def said_by_page(said: dict[str, Any]) -> tuple[bytes | ReaderError | None, int]:
    """Return what a page brought (an answer in hexadecimal, a reader's error by its code, nothing yet), and its number.

    Raises FormatError `counter.answer_malformed`.
    """
    page = said.get("page")
    number = page if isinstance(page, int) else 0
    if "error" in said:
        code = str(said["error"])
        known = code if code.startswith("reader.") and len(code) < 40 else "reader.contact_lost"
        return ReaderError(known, "The reader at the counter could not reach the card.", retryable=True), number
    if said.get("answer") is None:
        return None, number
    try:
        return bytes.fromhex(str(said["answer"])), number
    except ValueError:
        raise FormatError("counter.answer_malformed", "The answer is not hexadecimal.", next="Start again.") from None
