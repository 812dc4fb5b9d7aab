"""Properties of the rule table: no day without an answer, nothing lawful outside its dates, monotone retention."""

from datetime import UTC, date, datetime, time
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from honnin.identity.dates import JST
from honnin.law import TenantStanding, changes, coverage, duties, evaluate, methods, retention, rule_table, would_lapse
from honnin.law.standing import without_supersets

TABLE = rule_table()
METHODS = st.sampled_from(sorted(TABLE.methods))
LAWS = st.sampled_from(sorted(TABLE.laws))
DAYS = st.dates(date(1890, 1, 1), date(2120, 12, 31)) | st.sampled_from(
    sorted({day for rule in TABLE.rules for day in (rule.since, rule.until) if day is not None})
)
CODES = st.sets(st.sampled_from(sorted(TABLE.evidence)))
STANDINGS = st.builds(
    TenantStanding,
    verifier_status=st.sampled_from(["certified", "deemed", "none"]),
    number_handler=st.booleans(),
    obliged_entity=st.sampled_from([None, True, False]),
    apply_2027_rules=st.booleans(),
)
EVERYBODY = TenantStanding(verifier_status="certified", number_handler=True, obliged_entity=True)


@given(METHODS, DAYS, CODES, STANDINGS)
def test_every_day_has_an_answer_and_a_source(method: str, day: date, held: set[str], tenant: TenantStanding) -> None:
    law = method.partition(".")[0]
    decision = evaluate(law, method, held, on=day, tenant=tenant)
    assert decision.status in {"satisfied", "missing", "not_available", "not_covered"}
    assert all(condition.source and condition.article for condition in decision.conditions)
    assert (decision.status == "satisfied") == (decision.missing == ())
    if coverage(law, day) == "not_covered" and TABLE.row(method, day) is None:
        assert decision.status == "not_covered"


@given(METHODS, DAYS, STANDINGS)
def test_no_method_is_lawful_outside_its_dates(method: str, day: date, tenant: TenantStanding) -> None:
    rules = TABLE.methods[method]
    everything = set(TABLE.evidence) | {
        *(f"{kind}_item.{name}" for kind in ("signed", "declared") for rule in rules for name in rule.signed_items),
        *(f"declared_item.{name}" for rule in rules for name in rule.declared_items),
        *(f"transaction.{name}" for rule in rules for name in rule.transactions),
        "person.moved_abroad",
    }
    decision = evaluate(rules[0].law, method, everything, on=day, tenant=tenant)
    inside = rules[0].since <= day <= (rules[-1].until or date.max)
    assert inside or decision.status in {"not_available", "not_covered"}
    if inside and tenant.verifier_status != "none" and tenant.number_handler and tenant.obliged_entity:
        assert decision.status == "satisfied" or (tenant.apply_2027_rules and decision.missing == ("apply_2027_rules",))


@given(LAWS, DAYS, STANDINGS)
def test_what_is_offered_can_be_satisfied(law: str, day: date, tenant: TenantStanding) -> None:
    for method in methods(law, on=day, tenant=tenant):
        items = {f"signed_item.{name}" for name in method.signed_items}
        items |= {f"declared_item.{name}" for name in method.declared_items}
        items |= {f"person.{name}" for name in method.residency} | {f"transaction.{n}" for n in method.transactions}
        for way in method.ways:
            held = items | set(way)
            assert evaluate(law, method.id, held, on=day, tenant=tenant).status == "satisfied"
            for code in way:
                if not any(set(other) <= held - {code} for other in method.ways):
                    missing = evaluate(law, method.id, held - {code}, on=day, tenant=tenant).missing
                    assert missing
                    assert code in missing or len(method.ways) > 1


@given(LAWS, DAYS)
def test_more_is_known_less_is_offered(law: str, day: date) -> None:
    free = {method.id for method in methods(law, on=day)}
    for tenant in (TenantStanding(), EVERYBODY):
        assert {method.id for method in methods(law, on=day, tenant=tenant)} <= free
    assert {method.id for method in methods(law, on=day, person={"age": 10})} <= free
    assert free.isdisjoint(method.id for method in duties(law, on=day))


@given(LAWS, DAYS, DAYS)
def test_a_method_comes_and_goes_on_days_that_changes_names(law: str, one: date, other: date) -> None:
    first, last = sorted((max(one, TABLE.laws[law].covered_from), max(other, TABLE.laws[law].covered_from)))
    before, after = ({m.id for m in chain(methods(law, on=d), duties(law, on=d))} for d in (first, last))
    named = {change.method for change in changes(law, first, last)}
    people = {rule.id for rule in TABLE.laws[law].rules if rule.subject == "person"}
    started_by_table = {m for m in people if TABLE.methods[m][0].start != "order"}
    assert (before ^ after) - started_by_table <= named


@given(METHODS, DAYS, DAYS)
def test_retention_is_monotone(method: str, one: date, other: date) -> None:
    first, last = sorted((one, other))
    names = TABLE.retention[TABLE.methods[method][-1].retention].counts_from
    if not names:
        assert retention(method, {}).until is None
        return
    early, late = (retention(method, {names[0]: day}).until for day in (first, last))
    if early is not None and late is not None:
        assert early <= late
        assert early > first
    both = dict.fromkeys(names, last) | {names[0]: first}
    whole = retention(method, both)
    assert not whole.provisional
    if whole.until is not None and early is not None:
        assert whole.until >= early


@given(LAWS, DAYS, st.times())
def test_an_instant_counts_as_its_day_in_japan(law: str, day: date, clock: time) -> None:
    moment = datetime.combine(day, clock, tzinfo=JST)
    assert methods(law, on=moment) == methods(law, on=moment.astimezone(UTC)) == methods(law, on=day)


@given(METHODS, DAYS, DAYS)
def test_a_lapse_is_no_verdict_where_nothing_changed(method: str, one: date, other: date) -> None:
    law = method.partition(".")[0]
    lapses = would_lapse([(law, method, one)], other)
    if TABLE.row(method, one) is not None and TABLE.row(method, one) == TABLE.row(method, other):
        assert lapses == []
    if TABLE.row(method, other) is None:
        assert len(lapses) == 1


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=4).map(tuple), max_size=8))
def test_ways_without_supersets_satisfy_the_same(ways: list[tuple[str, ...]]) -> None:
    kept = without_supersets(ways)
    for way in ways:
        assert any(set(least) <= set(way) for least in kept)
    assert set(kept) <= set(ways)
