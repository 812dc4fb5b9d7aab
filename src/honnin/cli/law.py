"""`honnin law`: which method is lawful when, what it asks for, what changes, how long records are kept.

Days are Japanese calendar days; an instant with zone counts as its day in Japan. Every doubt of the table is printed.
"""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from honnin.cli.output import data_option, json_option, print_json, read_file, stored
from honnin.errors import InputError

__all__ = ["law"]

FILE = click.Path(path_type=Path)
LINES = 100_000


@click.group()
def law() -> None:
    """Ask the dated rule table."""


def _on(function: Any) -> Any:
    return click.option("--on", "on", metavar="DAY", help="Day in Japan, or an instant with zone. Default: today.")(
        function
    )


@law.command("methods")
@click.argument("laws", metavar="[LAW]…", nargs=-1)
@_on
@click.option("--channel", help="remote, in_person, mail or phone.")
@click.option("--device", help="phone_nfc, phone, computer, computer_card_reader or counter_terminal.")
@click.option("--age", type=int, help="The person's age in full years.")
@click.option("--residency", help="resident, outside_resident_register or moved_abroad.")
@click.option("--holds", multiple=True, help="A document the person holds; may be given again.")
@click.option("--corporation", is_flag=True, help="Methods for a company instead of a person.")
@click.option("--verifier", type=click.Choice(["certified", "deemed", "none"]), help="The business as a verifier.")
@click.option("--number-handler", is_flag=True, help="The business may collect individual numbers.")
@click.option("--rules-of-2027", is_flag=True, help="The business applies the AML rules of 2027-04-01 at once.")
@json_option
def methods(laws: tuple[str, ...], on: str | None, *, as_json: bool, **known: Any) -> None:
    """List the methods that a law offers on a day; all laws without LAW.

    Behind a name, ?row, ?start, ?article and ?attach (what is attached to the record) say what of it is inferred and
    not read in a source.
    """
    from honnin.law import coverage, rule_table
    from honnin.law import methods as offered

    day = _day(on)
    person = _person(known)
    tenant = _standing(known)
    answers: list[dict[str, Any]] = []
    for name in laws or rule_table().laws:
        found = offered(name, on=day, channel=known["channel"], device=known["device"], person=person, tenant=tenant)
        answers.append({"law": name, "coverage": coverage(name, day), "methods": [_method(m) for m in found]})
    if as_json:
        print_json({"on": _japanese(day), "laws": answers})
        return
    for answer in answers:
        click.echo(
            f"{answer['law']} ({rule_table().laws[answer['law']].name.ja}) {_japanese(day)} {answer['coverage']}"
        )
        for method in answer["methods"]:
            doubts = "".join(f" ?{mark}" for mark in method["uncertain"])
            click.echo(f"  {method['label'] or '–'}\t{method['id']}\t{method['name']['ja']}{doubts}")


@law.command("explain")
@click.argument("method")
@_on
@json_option
def explain(method: str, on: str | None, *, as_json: bool) -> None:
    """Say all about one METHOD (its id, or one of the reference sheet): dates, labels, demands, levels, sources."""
    from honnin.law import assurance, labels, retention, rule_table

    table, day = rule_table(), _day(on)
    method = _one(method)
    row = table.row(method, _japanese_day(day))
    entry = table.laws[method.partition(".")[0]]
    answer = {
        "method": method,
        "name": _name(method),
        "law": {"id": entry.law, "name": entry.name, "note": entry.note, "transition": entry.transition},
        "on": _japanese(day),
        "in_force": row is not None,
        "row": None if row is None else {**msgspec.to_builtins(row), "uncertain": row.uncertain},
        "ways": () if row is None else row.ways,
        "labels": [{"from": since, "to": until, "label": label} for since, until, label in labels(method)],
        "assurance": assurance(method),
        "retention": retention(method, {}),
        "sources": {key: table.sources[key] for key in (row or table.methods[method][-1]).read_in},
    }
    if as_json:
        print_json(msgspec.to_builtins(answer))
        return
    _print_tree(msgspec.to_builtins(answer))


@law.command("changes")
@click.argument("name", metavar="LAW")
@click.option("--from", "start", metavar="DAY", help="First day. Default: today.")
@click.option("--to", "end", metavar="DAY", help="Last day. Default: the last that the table knows.")
@json_option
def changes(name: str, start: str | None, end: str | None, *, as_json: bool) -> None:
    """List what starts, ends, is labelled anew or rewritten from one day to another.

    At a line's end, → METHOD takes the place of one that ends; * is for one that asks for something else from that day.
    """
    from honnin.law import changes as changed

    found = changed(name, _day(start), _day(end) if end else date.max)
    if as_json:
        print_json({"law": name, "changes": [{**msgspec.to_builtins(c), "name": _name(c.method)} for c in found]})
        return
    for change in found:
        arrow = f"{change.before or '–'} → {change.after or '–'}"
        more = f" → {change.successor}" if change.successor else " *" if change.demands_changed else ""
        click.echo(f"{change.on}\t{change.kind}\t{arrow}\t{change.method}{more}")


@law.command("evidence")
@click.argument("method")
@_on
@json_option
def evidence(method: str, on: str | None, *, as_json: bool) -> None:
    """Say what METHOD asks for on a day, and what is kept of it."""
    from honnin.law import evidence_needed

    answer = msgspec.to_builtins(evidence_needed(_one(method), _day(on)))
    if as_json:
        print_json(answer)
        return
    _print_tree(answer)


@law.command("retention")
@click.argument("method")
@click.option("--event", "events", multiple=True, metavar="NAME=DAY", help="A known event: contract_end=2026-11-21.")
@json_option
def retention(method: str, events: tuple[str, ...], *, as_json: bool) -> None:
    """Say how long the record of METHOD is kept."""
    from honnin.law import retention as kept

    given = dict(_event(event) for event in events)
    answer = msgspec.to_builtins(kept(_one(method), given))
    if as_json:
        print_json(answer)
        return
    _print_tree(answer)


@law.command("lapse")
@click.argument("file", type=FILE)
@_on
@json_option
def lapse(file: Path, on: str | None, *, as_json: bool) -> None:
    """Say which past checks of FILE would not be lawful on a day.

    FILE has one JSON object a line; evidence may be left out:

    {"law": "aml", "method": "aml.jpki_signature", "on": "2026-11-01", "evidence": ["cert.jpki", "sig.tx"]}
    """
    from honnin.law import would_lapse

    checks = _checks(read_file(file))
    found = would_lapse(checks, _day(on))
    if as_json:
        print_json({"on": _japanese(_day(on)), "checks": len(checks), "lapses": msgspec.to_builtins(found)})
        return
    click.echo(f"{len(found)} / {len(checks)}")
    for row in found:
        click.echo(f"{row.check.on}\t{row.check.method}\t{row.reason}\t{', '.join(row.missing)}{row.successor or ''}")


@law.command("simulate")
@click.option("--tenant", "tenant_id", metavar="TENANT", required=True, help="Whose checks.")
@_on
@click.option("--from", "since", metavar="DAY", help="First day of the checks. Default: 31 days.")
@click.option("--to", "until", metavar="DAY", help="Last day of the checks. Default: today.")
@click.option("--rules-of-2027/--no-rules-of-2027", "early", default=None, help="Default: the tenant's own switch.")
@data_option
@json_option
def simulate(tenant_id: str, on: str | None, data: Path, *, as_json: bool, **span: Any) -> None:
    """Say which of a tenant's past checks would no longer be lawful on a day."""
    from honnin.platform import Platform, Settings
    from honnin.platform.models import Caller
    from honnin.platform.tenants import get_tenant

    days = {name: _japanese_day(_day(span[name])) if span[name] else None for name in ("since", "until")}
    platform = Platform(Settings.from_environment(stored(data)))
    try:
        with platform.store.read() as db:
            caller = Caller(tenant=get_tenant(db, tenant_id))
        made = platform.simulate(caller, on=_japanese_day(_day(on)), early=span["early"], **days)
    finally:
        platform.close()
    if as_json:
        print_json(msgspec.to_builtins(made))
        return
    click.echo(f"{made.since} – {made.until} → {made.on}: {made.lapsing} / {made.checks} (+{made.outside} outside)")
    for row in made.data:
        click.echo(f"{row.count}\t{row.method}\t{row.reason}\t{', '.join(row.missing)}\t{row.successor or ''}")


@law.command("assess")
@click.argument("file", type=FILE)
@json_option
def assess(file: Path, *, as_json: bool) -> None:
    """Assess a procedure's risks by the answers in FILE (JSON): level, ways that meet it, burdens, reason."""
    from honnin.law import Answers
    from honnin.law import assess as judge
    from honnin.words import say

    try:
        answers = msgspec.json.decode(read_file(file, 1 << 16), type=Answers)
    except ValueError:
        raise InputError(
            "law.answers", "The answers cannot be read.", next='Write {"impacts": {"financial": "moderate"}}.'
        ) from None
    made = judge(answers)
    if as_json:
        print_json(msgspec.to_builtins(made))
        return
    click.echo(f"IAL {made.ial}  AAL {made.aal or '–'}  DS-511 {made.ds_511}  ({', '.join(made.decided_by)})")
    for way in made.ways:
        seconds = f"{way.seconds} s" if way.seconds is not None else "–"
        mark = "○" if way.meets else "–"
        name = say(f"assurance.way_{way.way}", "ja")
        leaves = f"  leaves out: {', '.join(way.leaves_out)}" if way.leaves_out else ""
        click.echo(f"{mark} {name}\tIAL {way.ial_2019 or '–'}\t{seconds}\t{len(way.steps)} steps\t{way.review}{leaves}")


@law.command("templates")
@click.argument("name", metavar="[TEMPLATE]", required=False)
@json_option
def templates(name: str | None, *, as_json: bool) -> None:
    """List the use cases that configure a session, or say all about one TEMPLATE."""
    from honnin.law import template
    from honnin.law import templates as all_of_them
    from honnin.words import in_all

    chosen = all_of_them() if name is None else (template(name),)
    found = [
        {
            "title": in_all(f"template.title_{one.id}"),
            "text": in_all(f"template.text_{one.id}"),
            "status": "pending" if one.pending else "ready",
            **msgspec.to_builtins(one),
        }
        for one in chosen
    ]
    if as_json:
        print_json({"templates": found} if name is None else found[0])
        return
    if name is not None:
        _print_tree(found[0])
        return
    for one in found:
        wants = ", ".join(one["attributes"]) or "–"
        waits = f"  needs: {', '.join(one['needs'])}" if one["needs"] else ""
        click.echo(f"{one['case']}\t{one['id']}\t{one['title']['ja']}\t{one['law'] or '–'}\t{wants}{waits}")


@law.command("table-of-2019")
@json_option
def table_of_2019(*, as_json: bool) -> None:
    """Print the ministries' table of 2019, superseded, with what stands in its place."""
    from honnin.law import table_of_2019 as table

    whole = msgspec.to_builtins(table())
    if as_json:
        print_json(whole)
        return
    for row in whole["rows"]:
        marks = "\t".join(row["cells"][name]["mark"] for name in ("my_number", "aml", "mobile_phone"))
        click.echo(f"{row['id']}\t{marks}\t{row['way']}")


def _day(text: str | None) -> date | datetime:
    """Read a day or an instant. Raises InputError `law.date`."""
    from honnin.identity.dates import JST

    if text is None:
        return datetime.now(JST)
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise InputError("law.date", "This is not a date.", next="Write it like 2027-04-01.") from None


def _japanese_day(day: date | datetime) -> date:
    from honnin.identity.dates import jst_day

    return jst_day(day)


def _japanese(day: date | datetime) -> str:
    return _japanese_day(day).isoformat()


def _event(text: str) -> tuple[str, date | datetime]:
    name, _, day = text.partition("=")
    return name, _day(day)


def _one(method: str) -> str:
    """Return the product's id for a method or an id of the reference sheet. Raises InputError `law.unknown_method`."""
    from honnin.law import rule_table

    table = rule_table()
    found = (method,) if method in table.methods else table.crosswalk.get(method, ())
    if not found:
        raise InputError("law.unknown_method", "No law has such a method.", next="See `honnin law methods`.")
    return found[0]


def _name(method: str) -> dict[str, str]:
    from honnin.words import in_all

    return in_all(f"law.method_{method.partition('.')[2]}")


def _method(method: Any) -> dict[str, Any]:
    return {"name": _name(method.id), **msgspec.to_builtins(method)}


def _person(known: Mapping[str, Any]) -> dict[str, Any] | None:
    person: dict[str, Any] = {name: known[name] for name in ("age", "residency") if known[name] is not None}
    if known["holds"]:
        person["holds"] = known["holds"]
    if known["corporation"]:
        person["kind"] = "corporation"
    return person or None


def _standing(known: Mapping[str, Any]) -> Any:
    from honnin.law import TenantStanding

    if known["verifier"] is None and not known["number_handler"] and not known["rules_of_2027"]:
        return None
    return TenantStanding(
        verifier_status=known["verifier"] or "none",
        number_handler=known["number_handler"],
        apply_2027_rules=known["rules_of_2027"],
    )


def _checks(content: bytes) -> list[Any]:
    """Read the past checks, one JSON object a line. Raises InputError `law.checks`."""
    from honnin.law import PastCheck

    lines = [line for line in content.splitlines() if line.strip()]
    refused = InputError(
        "law.checks",
        f"A line is no check, or there are more than {LINES}.",
        next='Write {"law": "aml", "method": "aml.image_selfie", "on": "2026-11-01"}.',
    )
    if len(lines) > LINES:
        raise refused
    try:
        return [msgspec.json.decode(line, type=PastCheck, strict=True) for line in lines]
    except ValueError:
        raise refused from None


def _print_tree(value: Any, depth: int = 0) -> None:
    """Print a JSON value as indented lines, what is empty left out."""
    pad = "  " * depth
    for key, member in value.items():
        if member in (None, [], (), {}, ""):
            continue
        if isinstance(member, dict):
            click.echo(f"{pad}{key}:")
            _print_tree(member, depth + 1)
        elif isinstance(member, list | tuple) and isinstance(member[0], dict):
            click.echo(f"{pad}{key}:")
            for item in member:
                click.echo(f"{pad}  - " + ", ".join(f"{k} {v}" for k, v in item.items() if v is not None))
        elif isinstance(member, list | tuple):
            shown = " | ".join(" + ".join(m) if isinstance(m, list | tuple) else str(m) for m in member)
            click.echo(f"{pad}{key}: {shown}")
        else:
            click.echo(f"{pad}{key}: {member}")
