"""J-LIS as the sandbox plays it: CAs, CRLs, OCSP, serial succession (My Number Card sheet, sections 5 to 9).

What it does not model, and which formats are its own, stands in docs/sandbox-limits.md.
"""

from collections.abc import Mapping

from honnin.sandbox.world import World

__all__ = ["HOSTS", "anchors"]

HOSTS = (
    "ocspsign.jpki-test.invalid",
    "ocspauth.jpki-test.invalid",
    "ocspsign-mobile.jpki-test.invalid",
    "ocspauth-mobile.jpki-test.invalid",
)


def anchors(world: World) -> Mapping[str, tuple[bytes, ...]]:
    """Return the roots (DER) by purpose, card and mobile, all generations begun by now."""
    from honnin.sandbox.jlis.authorities import authorities

    found: dict[str, list[bytes]] = {"signature": [], "user_authentication": []}
    for ca in authorities(world):
        found[ca.profile.purpose].append(ca.der)
    return {purpose: tuple(roots) for purpose, roots in found.items()}
