"""Verification records: the items of the law filled from the check, only added to, kept to the day, then gone."""

import csv
import io
import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import update
from tests.waiting import LONG, joined

from honnin.cli.main import cli
from honnin.errors import GoneError, HonninError, InputError, NotFoundError, StateError
from honnin.platform import Platform
from honnin.platform.clock import japanese_day
from honnin.platform.evidence.packing import read_custody
from honnin.platform.models import Caller, VerificationAnswer
from honnin.platform.records import RecordRequest, record_laws
from honnin.platform.records.showing import as_csv, as_pdf
from honnin.platform.store import schema

Cards = Callable[[str], Any]
STATED = {
    "transaction_kind": "預金契約の締結",
    "purpose": "生計費決済",
    "occupation": "会社員",
    "transaction_key": "普通 1234567",
    "declared_on": "2026-11-21",
}


@pytest.fixture
def checked(platform: Platform, caller: Caller, card: Cards) -> VerificationAnswer:
    return platform.verify(caller, card("hanako").request(law="aml"))


def request_of(check: Any, **members: Any) -> RecordRequest:
    members = {"made_by": "係員7", "checked_by": "係員3", "statements": STATED, **members}
    return RecordRequest(verification=check.id, **members)


def today_of(platform: Platform, caller: Caller) -> date:
    return japanese_day(platform.clock(caller))


def test_record_has_the_items_of_the_law(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked))
    assert (made.law, made.status, made.missing, made.entries) == ("aml", "complete", (), 1)
    assert (made.evidence, made.custody) == ("signed_data_and_certificate", made.id)
    assert (made.relation_ended, made.keep_until) == (None, None)
    _, (entry,) = platform.records.export(caller, made.id, by="監査人")
    items = {filled.id: filled for filled in entry.items}
    assert "見本　花子" in items["customer"].value
    assert "aml.jpki_signature（カ）" in items["method"].value
    assert (items["customer"].number, items["purpose"].number, items["checked_by"].number) == ("20", "22", "1")
    assert platform.records.read(caller, made.id) == made
    found, more = platform.records.list(caller)
    assert (found, more) == ((made,), False)
    assert platform.events(caller).data[-1].type == "record.exported"


def test_what_is_not_stated_is_named(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked, statements={"purpose": "貯蓄"}))
    assert (made.status, set(made.missing)) == ("incomplete", set(STATED) - {"purpose"})
    rest = {name: value for name, value in STATED.items() if name != "purpose"}
    assert platform.records.correct(caller, made.id, by="係員7", reason="聞取り", items=rest).status == "complete"


def test_corrections_are_added_and_nothing_is_erased(
    platform: Platform, caller: Caller, checked: VerificationAnswer
) -> None:
    made = platform.records.make(caller, request_of(checked))
    moved = {"customer": "氏名 見本　花子／住居 大阪府見本市1-1／生年月日 1989-03-31"}
    platform.records.correct(caller, made.id, by="係員9", reason="転居の届出", items=moved)
    record, entries = platform.records.export(caller, made.id, by="監査人")
    assert (record.entries, [entry.number for entry in entries]) == (2, [1, 2])
    assert (entries[1].by, entries[1].reason) == ("係員9", "転居の届出")
    assert [next(f.value for f in e.items if f.id == "customer") != moved["customer"] for e in entries] == [True, False]
    assert len(entries[1].before or "") == 64


def test_corrections_at_the_same_time_all_stand(
    platform: Platform, caller: Caller, checked: VerificationAnswer
) -> None:
    made = platform.records.make(caller, request_of(checked))

    def add(number: int) -> None:
        platform.records.correct(caller, made.id, by=f"係員{number}", reason="追記", items={"other_name": f"{number}"})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    joined(*threads)
    _, entries = platform.records.export(caller, made.id, by="監査人")
    assert [entry.number for entry in entries] == list(range(1, 8))
    assert len({entry.by for entry in entries[1:]}) == 6


def test_entry_that_was_taken_out_is_noticed(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked))
    for number in range(2):
        platform.records.correct(caller, made.id, by="係員", reason="追記", items={"other_name": f"{number}"})
    platform.store.write(lambda db: db.exec_driver_sql("DELETE FROM record_entries WHERE number = 2"))
    with pytest.raises(StateError) as refused:
        platform.records.export(caller, made.id, by="監査人")
    assert refused.value.code == "record.damaged"


def last_day(event: date, years: int) -> date:
    """民法140条・143条: the eve of the corresponding day of the day after; 28 February where there is none."""
    first = event + timedelta(days=1)
    corresponding = date(first.year + years, 3, 1) if (first.month, first.day) == (2, 29) else None
    return (corresponding or first.replace(year=first.year + years)) - timedelta(days=1)


def test_a_record_that_cannot_be_ended_keeps_no_other_and_no_session(
    platform: Platform,
    caller: Caller,
    card: Cards,
    later: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    checks = [platform.verify(caller, card("hanako").request(law="aml")) for _ in range(3)]
    made = [platform.records.make(caller, request_of(check)).id for check in checks]
    today = today_of(platform, caller)
    for before, record_id in enumerate(reversed(made)):  # the first that was made is the first to end
        kept = platform.records.end_relation(caller, record_id, today - timedelta(days=before)).keep_until
    table = schema.records
    damage = update(table).where(table.c.record_id == made[0]).values(verification_id="ver_none")
    platform.store.write(lambda db: db.execute(damage))
    assert kept is not None
    later(days=(kept - today).days + len(made))
    for swept in (2, 0):
        assert platform.sweep() == swept
        assert [platform.records.read(caller, one).status == "ended" for one in made[1:]] == [True, True]
    assert [one.getMessage() for one in caplog.records if "rec_" in one.getMessage()] == [
        f"records: {made[0]} of {caller.id}: verification.unknown"
    ]


def test_clock_starts_at_the_end_of_the_relation_and_the_record_ends_on_its_day(
    platform: Platform, caller: Caller, checked: VerificationAnswer, later: Callable[..., None]
) -> None:
    made = platform.records.make(caller, request_of(checked))
    today = today_of(platform, caller)
    ended = platform.records.end_relation(caller, made.id, today)
    assert ended.keep_until == last_day(today, 7)
    with pytest.raises(StateError) as refused:
        platform.records.end_relation(caller, made.id, today - timedelta(days=1))
    assert refused.value.code == "record.clock_back"
    with pytest.raises(InputError) as refused_day:
        platform.records.end_relation(caller, made.id, today + timedelta(days=1))
    assert refused_day.value.code == "record.future"
    assert ended.keep_until is not None
    later(days=(ended.keep_until - today).days)
    platform.sweep()
    assert platform.records.read(caller, made.id).status == "complete"  # its last day is a whole day
    later(days=1)
    assert platform.sweep() >= 1
    gone = platform.records.read(caller, made.id)
    assert (gone.status, gone.custody) == ("ended", None)
    for call in (
        lambda: platform.records.export(caller, made.id, by="監査人"),
        lambda: platform.records.correct(caller, made.id, by="係員", reason="追記", items={"purpose": "貯蓄"}),
    ):
        with pytest.raises(GoneError):
            call()
    with platform.store.read() as db:
        kinds = db.exec_driver_sql("SELECT kind FROM sealed").scalars().all()
    assert "custody" not in kinds
    assert not any(kind.startswith("entry") for kind in kinds)


def test_a_person_forgotten_leaves_the_record_that_the_law_keeps(
    platform: Platform, caller: Caller, checked: VerificationAnswer
) -> None:
    made = platform.records.make(caller, request_of(checked))
    assert checked.person is not None
    platform.forget_person(caller.id, checked.person)
    _, (entry,) = platform.records.export(caller, made.id, by="監査人")
    assert entry.items
    with platform.store.read() as db:
        held = db.exec_driver_sql("SELECT sealed_id, kind FROM sealed").all()
        custody = read_custody(db, platform._sealer, caller.id, made.id)
    assert {tuple(row) for row in held} >= {(made.id, "custody"), (made.id, "opening")}
    assert checked.evidence not in {row.sealed_id for row in held}
    assert custody.certificate is not None


def test_two_stores_two_policies(platform: Platform, caller: Caller, card: Cards) -> None:
    """Under AML signed data and certificate are kept; a consent keeps no certificate anywhere."""
    aml = platform.verify(caller, card("hanako").request(law="aml"))
    with pytest.raises(StateError) as refused:
        platform.records.make(caller, request_of(aml, law="jpki", statements={}))
    assert refused.value.code == "record.certificate_kept"
    consent = platform.verify(caller, card("kyoko").request("同意します。".encode(), purpose="latest_four_items"))
    text = {"consent_text": "最新の4情報の提供に同意します。", "service": "見本保険"}
    made = platform.records.make(caller, request_of(consent, law="jpki", statements=text))
    assert (made.evidence, made.custody, made.status) == ("no_certificate", None, "complete")
    day = japanese_day(consent.created_at)
    assert made.keep_until == last_day(day, 10)
    with platform.store.read() as db:
        held = db.exec_driver_sql("SELECT sealed_id FROM sealed WHERE kind = 'custody'").scalars().all()
    assert held == [aml.evidence]
    _, (entry,) = platform.records.export(caller, made.id, by="監査人")
    assert not any("見本　" in filled.value for filled in entry.items)
    with pytest.raises(StateError) as no_clock:
        platform.records.end_relation(caller, made.id, day)
    assert no_clock.value.code == "record.no_clock"


@pytest.mark.parametrize("law", ["mobile_phone", "second_hand", "my_number"])
def test_the_other_laws_have_their_record(platform: Platform, caller: Caller, card: Cards, law: str) -> None:
    tenant = platform.change_tenant(caller.id, number_handler=True)
    about = Caller(tenant=tenant)
    signed = ("address", "name", "occupation", "age") if law == "second_hand" else ()
    check = platform.verify(about, card("hanako").request(law=law, signed_items=signed))
    stated = {
        item.id: "見本"
        for item in record_laws()[law].items
        if item.when == "always" and not item.from_check and item.id not in {"made_by", "checked_by"}
    }
    made = platform.records.make(about, request_of(check, statements=stated))
    assert (made.status, made.law) == ("complete", law)
    ended = platform.records.end_relation(about, made.id, today_of(platform, about))
    years = {"mobile_phone": 3, "second_hand": 3, "my_number": 0}[law]
    assert ended.keep_until is not None
    assert ended.keep_until.year - today_of(platform, about).year == years
    _, (entry,) = platform.records.export(about, made.id, by="監査人")
    assert any("花子" in filled.value for filled in entry.items) is (law != "my_number")


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ({"shoe_size": "26"}, "record.item"),
        ({"made_by": "別人"}, "record.item"),
        ({"method": "別の方法"}, "record.item"),
        ({"purpose": "番号 1234 5678 9018"}, "record.individual_number"),
        ({"purpose": "番号１２３４５６７８９０１８です"}, "record.individual_number"),
        ({"purpose": "貯蓄\u202e"}, "record.hidden_characters"),
        ({"purpose": "\ud800"}, "record.hidden_characters"),
        ({"purpose": "-----BEGIN CERTIFICATE-----"}, "record.certificate"),
    ],
)
def test_what_a_record_must_not_hold_is_refused(
    platform: Platform, caller: Caller, checked: VerificationAnswer, statements: dict[str, str], code: str
) -> None:
    with pytest.raises(InputError) as refused:
        platform.records.make(caller, request_of(checked, statements=statements))
    assert refused.value.code == code
    assert "1234" not in str(refused.value)


def test_records_are_made_once_and_of_passed_checks_alone(
    platform: Platform, caller: Caller, card: Cards, checked: VerificationAnswer
) -> None:
    codes = []
    failed = platform.verify(caller, card("hanako").request(law="aml", signature=b"\0" * 256))
    unlawful = platform.verify(caller, card("hanako").request())
    platform.records.make(caller, request_of(checked))
    for wrong in (
        request_of(checked),
        request_of(failed),
        request_of(unlawful),
        request_of(checked, law="mobile_phone"),
        request_of(checked, law="casino"),
        RecordRequest(verification="ver_nothing", made_by="a", checked_by="b"),
    ):
        with pytest.raises(HonninError) as refused:
            platform.records.make(caller, wrong)
        codes.append(refused.value.code)
    assert codes == [
        "record.exists",
        "record.not_passed",
        "record.law",
        "record.law",
        "record.law",
        "verification.unknown",
    ]


def test_another_tenants_record_does_not_exist(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked))
    other = platform.authenticate(platform.create_tenant("別の会社").api_key)
    with pytest.raises(NotFoundError):
        platform.records.read(other, made.id)


def test_nothing_of_a_person_lies_open_in_the_store(
    platform: Platform, caller: Caller, checked: VerificationAnswer, data: Path
) -> None:
    platform.records.make(caller, request_of(checked))
    if platform.store.is_sqlite:
        raw = b"".join(path.read_bytes() for path in data.glob("honnin.sqlite3*"))
        assert "花子".encode() not in raw
        assert "生計費決済".encode() not in raw


def test_csv_is_for_an_auditor(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked, statements={**STATED, "purpose": '=cmd|"x"!A1,\n改行'}))
    platform.records.correct(caller, made.id, by="@係員", reason="+訂正", items={"purpose": "貯蓄"})
    exported = platform.records.export(caller, made.id, by="監査人")
    plain, marked = as_csv([exported]), as_csv([exported], bom=True)
    assert marked == b"\xef\xbb\xbf" + plain
    rows = list(csv.DictReader(io.StringIO(plain.decode("utf-8"), newline="")))
    purposes = [row["value"] for row in rows if row["item"] == "purpose"]
    assert purposes == ['\'=cmd|"x"!A1,\n改行', "貯蓄"]
    assert {row["by"] for row in rows} == {"係員7", "'@係員"}
    assert {row["record"] for row in rows} == {made.id}


@pytest.mark.peer("pdftotext")
def test_pdf_says_everything_in_japanese(
    platform: Platform, caller: Caller, checked: VerificationAnswer, tmp_path: Path
) -> None:
    made = platform.records.make(caller, request_of(checked, statements={"purpose": "<b>貯蓄</b> & 髙橋﨑"}))
    platform.records.correct(caller, made.id, by="係員9", reason="聞取り", items={"occupation": "会社員"})
    path = tmp_path / "record.pdf"
    path.write_bytes(as_pdf(*platform.records.export(caller, made.id, by="監査人")))
    program = shutil.which("pdftotext")
    assert program is not None
    text = subprocess.run(
        [program, "-layout", path, "-"], check=True, capture_output=True, timeout=LONG
    ).stdout.decode()
    for words in (
        "確認記録",
        made.id,
        checked.evidence,
        "見本 花子",
        "<b>貯蓄</b> & 髙橋﨑",
        "追記・訂正 1",
        "聞取り",
    ):
        assert words in text, words
    assert "取引の種類" in text  # named as missing


def test_reprs_show_no_value(platform: Platform, caller: Caller, checked: VerificationAnswer) -> None:
    made = platform.records.make(caller, request_of(checked))
    _, entries = platform.records.export(caller, made.id, by="監査人")
    shown = repr((entries, entries[0].items, request_of(checked)))
    assert "花子" not in shown
    assert "生計費" not in shown
    assert "花子" not in msgspec.json.encode(made).decode()


def test_command_keeps_records(
    platform: Platform, caller: Caller, checked: VerificationAnswer, data: Path, tmp_path: Path
) -> None:
    if not platform.store.is_sqlite:  # the command finds its store by the folder
        return

    def run(*arguments: str, **more: Any) -> dict[str, Any]:
        options = ["--tenant", caller.id, "--data", str(data), "--json"]
        result = CliRunner().invoke(cli, ["records", *arguments, *options], catch_exceptions=False, **more)
        assert result.exit_code == 0
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    made = run("make", checked.id, "--by", "係員7", "--items", "-", input=json.dumps(STATED))
    assert made["status"] == "complete"
    moved = tmp_path / "moved.json"
    moved.write_text(json.dumps({"occupation": "自営業"}), encoding="utf-8")
    assert run("correct", made["id"], "--by", "係員9", "--reason", "転職", "--items", str(moved))["entries"] == 2
    assert [one["id"] for one in run("list")["records"]] == [made["id"]]
    assert run("show", made["id"])["entries"] == 2
    for kind, start in (("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbfrecord,"), ("json", b"[{")):
        out = tmp_path / f"out.{kind}"
        run("export", made["id"], "--by", "監査人", "--format", kind, "--bom", "--out", str(out))
        assert out.read_bytes().startswith(start)
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert run("end", made["id"], "--on", today_of(platform, caller).isoformat())["keep_until"]
    with pytest.raises(HonninError) as refused:
        run("make", checked.id, "--by", "係員7", "--items", "-", input="[]")
    assert refused.value.code == "record.items"
