"""What fails beside the calls, time and again: it keeps nothing else from its turn, and is logged once for a cause."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from honnin.errors import name_of

__all__ = ["Failing"]

PAUSE = 60.0  # seconds


class Failing:
    """What failed of one kind of work, by name.

    kind: begins what is logged. pause: seconds for which `paused` names what failed, by `clock` (seconds).
    passes: errors that concern no one thing alone; they are raised all the same, for the others would meet them too.
        The thing is left alone as well: where it is a lock on it that is in the way, the next look goes on behind it.
    """

    def __init__(
        self,
        logger: logging.Logger,
        kind: str,
        *,
        pause: float = PAUSE,
        passes: type[Exception] | tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._kind = kind
        self._pause = pause
        self._passes = passes
        self._clock = clock
        self._said: dict[str, str] = {}
        self._until: dict[str, float] = {}

    def paused(self) -> list[str]:
        """Return what failed so lately that it is to be left alone."""
        now = self._clock()
        return [name for name, until in list(self._until.items()) if until > now]

    @contextmanager
    def guard(self, name: str, *, tenant: str | None = None) -> Iterator[None]:
        """Do the work on one thing; what it raises is logged and ends here. tenant: whose the thing is."""
        try:
            yield
        except Exception as error:
            self._until[name] = self._clock() + self._pause
            if isinstance(error, self._passes):
                raise
            cause = name_of(error)
            if self._said.get(name) != cause:
                self._said[name] = cause
                self._logger.warning("%s: %s%s: %s", self._kind, name, f" of {tenant}" if tenant else "", cause)
        else:
            self._said.pop(name, None)
            self._until.pop(name, None)
