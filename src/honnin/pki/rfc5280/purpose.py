"""What a path may be used for: key usage of the target and extended key usage of the whole path (`purposes.json`).

RFC 5280 leaves extended key usage in CA certificates open (§4.2.1.12); where a CA has it, it narrows what stands below,
as all who use it mean it. Without a purpose nothing is asked.
"""

import json
from collections.abc import Sequence
from functools import cache
from pkgutil import get_data
from typing import Any

from honnin.errors import InputError
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.extensions import ANY_EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE, extended_key_usage, key_usage

__all__ = ["check_purpose_name", "dotted", "purpose_fault"]

_BITS = {
    name: 1 << bit
    for bit, name in enumerate(
        (
            "digitalSignature",
            "nonRepudiation",
            "keyEncipherment",
            "dataEncipherment",
            "keyAgreement",
            "keyCertSign",
            "cRLSign",
            "encipherOnly",
            "decipherOnly",
        )
    )
}


@cache
def _rules() -> dict[str, dict[str, Any]]:
    table = json.loads(get_data(__package__, "purposes.json") or b"")
    rules: dict[str, dict[str, Any]] = table["purposes"]
    return rules


def dotted(oid: str) -> bool:
    """Return whether a text is an object identifier in dotted notation."""
    arcs = oid.split(".")
    return oid.isascii() and len(arcs) > 1 and all(arc.isdecimal() for arc in arcs)


def check_purpose_name(purpose: str | None) -> None:
    """Raise InputError `certificate.purpose_unknown` unless a purpose is None, one of honnin's, or a dotted OID."""
    if purpose is None or purpose in _rules():
        return
    if not dotted(purpose):
        raise InputError(
            "certificate.purpose_unknown",
            "A purpose is `signature`, `user_authentication` or the dotted OID of an extended key usage.",
            next="Give one of these.",
        )


def purpose_fault(path: Sequence[Certificate], purpose: str) -> str | None:
    """Return why a path (anchor first, target last) may not be used for a purpose, None when it may."""
    rule = _rules().get(purpose, {})
    target = path[-1]
    usage = key_usage(target)
    if usage is None:
        if rule.get("stated"):
            return "The certificate does not say what its key is for."
    elif rule.get("any_of") and not any(usage & _BITS[name] for name in rule["any_of"]):
        return "The certificate's key is not for this purpose."
    elif any(usage & _BITS[name] for name in rule.get("none_of", ())):
        return "The certificate's key is for another purpose."
    if purpose[0].isdigit():
        return _extended_fault(path, purpose, rule)
    return None


def _extended_fault(path: Sequence[Certificate], purpose: str, rule: dict[str, Any]) -> str | None:
    for certificate in path:
        stated = extended_key_usage(certificate)
        if stated is not None and purpose not in stated and ANY_EXTENDED_KEY_USAGE not in stated:
            return "A certificate of the path is not for this purpose."
    target = path[-1]
    stated = extended_key_usage(target)
    if rule.get("named") and (stated is None or purpose not in stated):
        return "The certificate does not name this purpose."
    if rule.get("alone") and (stated != frozenset({purpose}) or not target.extensions[EXTENDED_KEY_USAGE].critical):
        return "The certificate is not for this purpose alone."
    return None
