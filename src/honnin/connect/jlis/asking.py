"""How an OCSP responder is asked: the policies of `asking.json`, where each says what it means.

A nonce (RFC 9654) proves that an answer was made after the question. It forbids everything that saves questions: an
answer with a nonce is given to those whose certificates were in that very request, and to nobody later. Without one an
answer is good for whoever asks until its time has passed (RFC 5019). Which of the two a purpose needs is policy, so it
is data.
"""

from functools import cache
from importlib.resources import files

import msgspec

from honnin.errors import InputError

__all__ = ["AskingPolicy", "BreakerRules", "HedgeRules", "failures", "named_asking"]


class HedgeRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a second try is sent beside a slow first: after the percentile of recent answers' times.

    at_least_seconds: never sooner. samples: answers seen before the percentile counts; until then no second try.
    share: most second tries as a share of all questions, so that a slow responder is not asked twice as much.
    """

    percentile: float
    at_least_seconds: float
    samples: int
    share: float


class BreakerRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a responder is left in peace: after so many failures in a row, for so long; then one question tries it."""

    failures: int
    open_seconds: float


class AskingPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way of asking.

    nonce: a fresh one with every request; then nothing is kept or joined after sending.
    batch: most certificates in one request; gather_seconds: how long the first waits for others.
    max_age_seconds: how old (thisUpdate) a kept answer may be before the responder is asked again.
    stale_seconds: how old a kept answer may be that is used when the responder fails. Never past its nextUpdate:
        what is older than it says itself is INDETERMINATE / TRY_LATER, whatever the policy.
    negative_seconds: for how long a failure, by its code, is the answer for that certificate.
    """

    meaning: str
    nonce: bool
    batch: int
    gather_seconds: float
    max_age_seconds: int
    stale_seconds: int
    negative_seconds: dict[str, float]
    hedge: HedgeRules | None
    breaker: BreakerRules

    @property
    def keeps(self) -> bool:
        """Whether answers are kept and shared."""
        return not self.nonce and self.max_age_seconds > 0


class _Table(msgspec.Struct, frozen=True):
    policies: dict[str, AskingPolicy]
    failures: frozenset[str]


@cache
def _table() -> _Table:
    table = msgspec.json.decode(files(__package__).joinpath("asking.json").read_bytes(), type=_Table)
    for name, policy in table.policies.items():
        if policy.nonce and (policy.max_age_seconds or policy.stale_seconds):
            raise ValueError(f"asking.json: {name} keeps answers that a nonce forbids to keep")
    return table


def named_asking(name: str) -> AskingPolicy:
    """Return a policy of `asking.json`. Raises InputError `jlis.asking_policy`."""
    policy = _table().policies.get(name)
    if policy is None:
        known = ", ".join(sorted(_table().policies))
        raise InputError("jlis.asking_policy", "There is no such way of asking.", next=f"Use one of: {known}.")
    return policy


def failures() -> frozenset[str]:
    """Return the codes of failures that are the responder's own and count for its breaker."""
    return _table().failures
