"""Tenants: what a service provider is and may, its key, and who calls."""

from datetime import date, datetime
from typing import Literal

import msgspec

from honnin.platform.models.quiet import Quiet
from honnin.platform.models.vocabulary import Attribute, VerifierStatus

__all__ = [
    "Caller",
    "Tenant",
    "TenantCreated",
]


class Tenant(Quiet, frozen=True, kw_only=True):
    """A service provider. Verifier status is dated: `verifier_from` to `verifier_to`, Japanese calendar days.

    attributes: which of the four items it may get at most, and answers that follow from those it may not get.
    certificate_ground: the legal ground on which this certified verifier receives certificates; None for all others.
    number_handler: it may lawfully collect individual numbers (番号法).
    obliged_entity: it is one under the AML law; None where nobody has said.
    apply_2027_rules: it asks at once for what the AML rules ask from 2027-04-01.
    tap_use: its customers may tap without a PIN; a live tenant only where the operator said so.
    tap_days: for how many days a tap is kept, by purpose; `*` is for all that are not named.
    """

    id: str
    object: Literal["tenant"] = "tenant"
    name: str
    livemode: bool
    created_at: datetime
    verifier_status: VerifierStatus
    verifier_from: date | None = None
    verifier_to: date | None = None
    attributes: tuple[Attribute, ...] = ("name", "address", "birth_date", "sex")
    certificate_ground: str | None = None
    number_handler: bool = False
    obliged_entity: bool | None = None
    apply_2027_rules: bool = False
    tap_use: bool = False
    tap_days: dict[str, int] = msgspec.field(default_factory=dict)
    return_urls: tuple[str, ...] = ()


class TenantCreated(Quiet, frozen=True, kw_only=True):
    """A new tenant and its key, shown once: `{"tenant", "api_key"}`."""

    tenant: str
    api_key: str


class Caller(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """Who calls, as `Platform.authenticate` found out."""

    tenant: Tenant

    @property
    def id(self) -> str:
        """The tenant's id."""
        return self.tenant.id

    @property
    def livemode(self) -> bool:
        """Whether the key was a live one."""
        return self.tenant.livemode
