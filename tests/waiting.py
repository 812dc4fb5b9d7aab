"""Waiting for a condition, as long as a busy machine may need: no test passes or fails by how fast the machine is.

And none waits for ever: what has not come after LONG fails the test that waits, in place of the run.
"""

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, AnyStr, TypeVar

import pytest

__all__ = ["LONG", "joined", "next_line", "running", "until"]

T = TypeVar("T")
LONG = 300.0  # seconds after which nothing will come any more, whatever else the machine does
PAUSE = 0.02


def until(question: Callable[[], T], sentence: str, seconds: float = LONG) -> T:
    """Ask until the answer is true, and return it; fail with `sentence` when it never is."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(sentence)
        time.sleep(PAUSE)
    return answer


def joined(*threads: threading.Thread) -> None:
    """Wait for the end of threads; fail when one does not end."""
    for thread in threads:
        thread.join(LONG)
        if thread.is_alive():
            pytest.fail(f"{thread.name} does not end")


def next_line(stream: IO[AnyStr] | None) -> AnyStr:
    """Return the next line that a process writes, nothing at its end; fail when neither comes."""
    assert stream is not None, "this process writes elsewhere"
    come: queue.SimpleQueue[AnyStr] = queue.SimpleQueue()
    threading.Thread(target=lambda: come.put(stream.readline()), daemon=True).start()
    try:
        return come.get(timeout=LONG)
    except queue.Empty:
        pytest.fail("the process writes nothing")


@contextmanager
def running(command: list[Any], **more: Any) -> "Iterator[subprocess.Popen[Any]]":
    """Run a process for the length of a block; it is killed at its end, if it still runs. more: of subprocess.Popen.

    Nobody reads standard error while it runs, so that it goes to a file or this process's own: a pipe would fill up.
    """
    with subprocess.Popen(command, **more) as process:
        try:
            yield process
        finally:
            process.kill()
