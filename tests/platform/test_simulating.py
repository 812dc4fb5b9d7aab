"""The tenant's standing under the AML law, and the law of another day over its own past checks."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from honnin.errors import HonninError, InputError
from honnin.platform import Platform
from honnin.platform.clock import japanese_day
from honnin.platform.models import Caller
from honnin.platform.simulating import simulate
from honnin.platform.tenants import standing

Cards = Callable[[str], Any]
AFTER = date(2027, 4, 1)


def test_of_last_months_checks_which_would_lapse(platform: Platform, caller: Caller, card: Cards) -> None:
    for law in ("aml", "aml", None):
        platform.verify(caller, card("hanako").request(**({"law": law} if law else {})))
    platform.verify(caller, card("hanako").request(law="aml", signature=b"\0" * 256))
    fine = platform.simulate(caller, on=AFTER)
    assert (fine.checks, fine.outside, fine.lapsing, fine.data) == (2, 2, 0, ())
    tenant = platform.change_tenant(caller.id, verifier_to=date(2027, 3, 31))
    lost = platform.simulate(Caller(tenant=tenant), on=AFTER)
    (row,) = lost.data
    assert (lost.lapsing, row.method, row.reason, row.count) == (2, "aml.jpki_signature", "tenant", 2)
    assert row.missing == ("verifier_status",)
    assert platform.simulate(Caller(tenant=tenant), on=date(2027, 3, 31)).lapsing == 0


def test_only_the_days_asked_for_count(platform: Platform, caller: Caller, card: Cards) -> None:
    platform.verify(caller, card("hanako").request(law="aml"))
    today = japanese_day(platform.clock(caller))
    before = today - timedelta(days=1)
    assert platform.simulate(caller, on=AFTER, since=today, until=today).checks == 1
    assert platform.simulate(caller, on=AFTER, since=before, until=before).checks == 0
    with pytest.raises(InputError) as refused:
        platform.simulate(caller, on=AFTER, since=today, until=before)
    assert refused.value.code == "simulation.span"


def test_another_tenants_checks_are_not_counted(platform: Platform, caller: Caller, card: Cards) -> None:
    platform.verify(caller, card("hanako").request(law="aml"))
    other = platform.authenticate(platform.create_tenant("別の会社").api_key)
    assert platform.simulate(other, on=AFTER).checks == 0


def test_switch_and_obliged_entity_are_kept_and_decide(platform: Platform, caller: Caller, card: Cards) -> None:
    tenant = platform.change_tenant(caller.id, apply_2027_rules=True, obliged_entity=True)
    assert (standing(tenant).apply_2027_rules, standing(tenant).obliged_entity) == (True, True)
    assert platform.simulate(Caller(tenant=tenant), on=AFTER).early is True
    assert platform.simulate(Caller(tenant=tenant), on=AFTER, early=False).early is False
    made = platform.verify(Caller(tenant=tenant), card("hanako").request(law="aml"))
    assert made.law is not None
    assert made.law.status == "satisfied"  # the JPKI method stands under both
    with pytest.raises(HonninError) as refused:
        platform.verify(Caller(tenant=tenant), card("hanako").request(law="aml", method="aml.image_selfie"))
    assert refused.value.code == "law.not_lawful"
    off = platform.change_tenant(caller.id, apply_2027_rules=False, obliged_entity=False)
    assert (off.apply_2027_rules, off.obliged_entity) == (False, False)
    assert simulate(platform.store, off, on=AFTER, since=AFTER, until=AFTER).early is False
