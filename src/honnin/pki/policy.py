"""What a signature must be for one use: the named policies of `policies.json`, and those that a caller makes."""

import json
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.errors import InputError
from honnin.pki.jpki import Purpose

__all__ = ["Policy", "named_policy"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature must be for one use; the named ones stand in `policies.json`.

    purposes: of JPKI certificates by their policy OID. other_pki: whether certificates of another PKI may pass too.
    key_usage: names of bits, one of which must be set where the extension is there. extended_key_usage: likewise.
    shapes: how the signature value may be built. attributes: accepted states of the four items; None for any.
    time_stamps: whether a file that is nothing but a time stamp is judged as one (by the policy `time_stamps`).
    carried: whether intermediates, lists and answers that the signed file brings along count as material.
    revocation: `require`, `if_present` or `off`. max_age: oldest revocation data in seconds; None for their own limits.
    """

    name: str = "custom"
    purposes: tuple[Purpose, ...]
    other_pki: bool = False
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ("digest_info", "bare_digest", "pss", "der", "raw")
    revocation: Literal["require", "if_present", "off"] = "require"
    attributes: tuple[str, ...] | None = None
    time_stamps: bool = False
    carried: bool = True
    max_age: int | None = None


@cache
def _named() -> dict[str, Policy]:
    table = json.loads(files("honnin.pki").joinpath("policies.json").read_text(encoding="utf-8"))["policies"]
    return {name: msgspec.convert({**row, "name": name}, Policy) for name, row in table.items()}


def named_policy(policy: "Policy | str | None") -> Policy:
    """Return a policy by name, `documents` for None. Raises InputError `signature.policy_unknown`."""
    if not (policy is None or isinstance(policy, str)):
        return policy
    found = _named().get(policy or "documents")
    if found is None:
        raise InputError(
            "signature.policy_unknown",
            "There is no policy of this name.",
            next=f"Choose one of {', '.join(_named())}.",
        )
    return found
