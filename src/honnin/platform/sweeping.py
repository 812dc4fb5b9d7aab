"""Ending what has passed its time, on the clock of each mode.

Each step is one of its own, as is each session and record: what cannot be ended is tried again at the next sweep and
keeps nothing else. What a step does in one transaction (data keys, a tenant's taps) fails as one.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from honnin.platform.clock import japanese_day, machine_clock, moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.failing import Failing
from honnin.platform.logins import Logins
from honnin.platform.records import Records
from honnin.platform.services import Mode
from honnin.platform.sessions import Sessions
from honnin.platform.staff import SignIns
from honnin.platform.store import Store
from honnin.platform.tap import Taps

__all__ = ["Sweeper"]

LOGGER = logging.getLogger("honnin.platform")


class Sweeper:
    """Ends what has passed its time in one platform's store."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        modes: Mapping[bool, Mode],
        *,
        sign_ins: SignIns,
        sessions: Sessions,
        logins: Logins,
        taps: Taps,
        records: Records,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._modes = modes
        self._sign_ins = sign_ins
        self._sessions = sessions
        self._logins = logins
        self._taps = taps
        self._records = records
        self._aged = dict[bool, date]()  # the day on which the old taps of a mode were all removed
        self._failing = Failing(LOGGER, "sweep")

    def sweep(self) -> int:
        """End sessions, sealed answers and four items whose time has passed on their tenant's clock; say how many.

        What cannot be ended is said in the log and keeps nothing else.
        """
        ended = self._step("sign-ins", lambda: self._sign_ins.forget(machine_clock()))
        return ended + sum(self._step(_named(livemode), partial(self._sweep, livemode)) for livemode in self._modes)

    def _sweep(self, livemode: bool) -> int:
        at = self._modes[livemode].clock()
        now, today = moment(at), japanese_day(at)
        steps = {
            "sessions": partial(self._sessions.expire, now, livemode=livemode),
            "logins": partial(self._logins.forget, now, livemode=livemode),
            "taps": partial(self._taps.forget, now, livemode=livemode),
            "old taps": partial(self._end_old_taps, today, now, livemode=livemode),
            "records": partial(self._records.end_due, today, now, livemode=livemode),
            "data keys": partial(self._end_keys, now, livemode=livemode),
        }
        return sum(self._step(f"{name} of {_named(livemode)}", step) for name, step in steps.items())

    def _step(self, name: str, step: Callable[[], int]) -> int:
        ended = 0
        with self._failing.guard(name):
            ended += step()
        return ended

    def end_old_taps(self, *, livemode: bool) -> int:
        """Remove the taps of one mode that their tenants keep no longer; return how many."""
        mode, ended = self._modes[livemode], 0
        self._aged.pop(livemode, None)
        while livemode not in self._aged:
            ended += self._end_old_taps(japanese_day(mode.clock()), moment(mode.clock()), livemode=livemode)
        return ended

    def _end_old_taps(self, today: date, now: str, *, livemode: bool) -> int:
        """Remove one group of them: they end at midnight, so that nobody looks again on a day that was done."""
        if self._aged.get(livemode) == today:
            return 0
        ended, done = self._taps.end_old(today, now, livemode=livemode)
        if done:
            self._aged[livemode] = today
        return ended

    def _end_keys(self, now: str, *, livemode: bool) -> int:
        with self._store.read() as db:
            keys = self._sealer.expired(db, now, livemode=livemode)
        if keys:
            self._store.write(partial(self._sealer.destroy, which=keys, now=now))
        return len(keys)


def _named(livemode: bool) -> str:
    return "live mode" if livemode else "test mode"
