"""Commitments: what a record says of its inputs without saying what they are (DESIGN, Evidence).

A commitment is HMAC-SHA-256 under a random key of the record's own, over the input's role and its bytes. The key lies
in the sealed part: whoever may open that can prove the input; whoever reads the log can neither test a guess nor link
two records of one person.
"""

import hmac
from collections.abc import Mapping

__all__ = ["KEY_SIZE", "commit", "commit_all", "opens"]

KEY_SIZE = 32


def commit(key: bytes, role: str, content: bytes) -> str:
    """Return HMAC-SHA-256(key, role ‖ 00 ‖ content), lower-case hex. `role` is what the input was (`certificate`)."""
    return _commit(_keyed(key), role, content)


def commit_all(key: bytes, inputs: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the commitment to every input that there was, by role."""
    keyed = _keyed(key)
    return {role: _commit(keyed, role, content) for role, content in inputs.items() if content is not None}


def _keyed(key: bytes) -> hmac.HMAC:
    # the one-shot `hmac.digest` lets go of the interpreter, which a check then waits for
    return hmac.new(key, digestmod="sha256")


def _commit(keyed: hmac.HMAC, role: str, content: bytes) -> str:
    one = keyed.copy()
    one.update(role.encode("ascii") + b"\x00")
    one.update(content)
    return one.hexdigest()


def opens(key: bytes, role: str, content: bytes, commitment: str) -> bool:
    """Tell whether the sealed key and an input open a record's commitment."""
    return hmac.compare_digest(commit(key, role, content), commitment)
