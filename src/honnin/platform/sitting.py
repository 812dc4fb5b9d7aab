"""A sitting: checks that one thread makes one after the other, which read once what they share.

Who calls by a key, and what time it is, is read once: after every request of the sitting had arrived, so that nobody is
answered by what was true before they asked. What was made is recorded together when the sitting ends.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from honnin.platform.drafting import Made
from honnin.platform.recording import Recorder, Told

__all__ = ["Sittings"]

T = TypeVar("T")


class _Sitting:
    def __init__(self) -> None:
        self.found: dict[Any, Any] = {}
        self.made: list[tuple[Made, Told]] = []


class Sittings:
    """The sittings of one platform, at most one a thread."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._mine = threading.local()

    @contextmanager
    def sit(self) -> Iterator[None]:
        """Make what this thread does a sitting until the block ends."""
        sitting = self._mine.sitting = _Sitting()
        try:
            yield
        finally:
            self._mine.sitting = None
            self._recorder.record(sitting.made)

    def once(self, what: Any, find: Callable[[], T]) -> T:
        """Return what `find` finds, which it is asked only once in a sitting. Raises what it raises."""
        sitting: _Sitting | None = getattr(self._mine, "sitting", None)
        if sitting is None:
            return find()
        if what not in sitting.found:
            sitting.found[what] = find()
        found: T = sitting.found[what]
        return found

    def record(self, made: Made) -> Told:
        """Return where a check's answer will be once it is durable."""
        told: Told = Told()
        told.set_running_or_notify_cancel()  # who asked may go away; what was asked is written all the same
        sitting: _Sitting | None = getattr(self._mine, "sitting", None)
        if sitting is None:
            self._recorder.record([(made, told)])
        else:
            sitting.made.append((made, told))
        return told
