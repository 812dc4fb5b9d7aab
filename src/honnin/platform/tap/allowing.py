"""Who may use taps at all, and what the law says of one: 公的個人認証法38条の4 as `jpki.tap_use` of the rule table."""

from datetime import datetime

from honnin.errors import AccessError, StateError
from honnin.law import Decision, evaluate
from honnin.platform.clock import japanese_day
from honnin.platform.models import Tenant
from honnin.platform.tap.judging import Recognised, SeenChip
from honnin.platform.tenants import standing

__all__ = ["METHOD", "allow", "decide"]

METHOD = "jpki.tap_use"
PLACE = ("place.supervised", "first_registration.with_pin", "cert.user_authentication")


def allow(tenant: Tenant, at: datetime) -> None:
    """Refuse tap use to a tenant that the operator or the law does not allow it.

    Raises AccessError `tap.not_allowed`, StateError `law.not_lawful`.
    """
    if not tenant.tap_use:
        raise AccessError(
            "tap.not_allowed",
            "Tap use is not switched on for this tenant.",
            next="The operator allows it with `honnin tenant set TENANT --tap-use`.",
        )
    on = japanese_day(at)
    if evaluate("jpki", METHOD, (), on=on, tenant=standing(tenant)).status == "not_available":
        raise StateError(
            "law.not_lawful",
            f"{METHOD} is not available on {on} for this tenant.",
            next="Check the tenant's verifier status and the method's dates.",
        )


def decide(tenant: Tenant, seen: Recognised, chip: SeenChip | None, at: datetime) -> Decision:
    """Return what the law says of a tap: which of its conditions were held."""
    held = {*PLACE, *(("revocation",) if seen.indication == "PASSED" else ())}
    if not seen.registered:
        held.discard("first_registration.with_pin")
    if chip is not None and {chip.issuer, chip.record, chip.chip} == {"passed"}:
        held.add("chip.internal_authentication")
    return evaluate("jpki", METHOD, held, on=japanese_day(at), tenant=standing(tenant))
