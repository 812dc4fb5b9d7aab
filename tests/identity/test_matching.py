"""Names and addresses: one labelled pair for each pattern; the corpus of issue 6 grows from here."""

import time
from contextlib import suppress
from typing import Any

import pytest

from honnin.errors import InputError
from honnin.identity import compare_addresses, compare_names
from honnin.identity.grades import GRADES, overridden, suffices

NAMES = [
    ("見本　太郎", "見本太郎", "same"),
    ("ﾐﾎﾝ ﾊﾅｺ", "ミホン　ハナコ", "same"),
    ("髙見 花子", "高見 花子", "same_variant"),
    ("葛󠄀見 花子", "葛見 花子", "same_variant"),
    ("\ufa19見", "神見", "same_variant"),
    ("佐々見", "佐佐見", "same_variant"),
    ("シヨウジ", "ショウジ", "same_variant"),
    ("オオミ", "オーミ", "likely"),
    ("斉見太郎", "斎見太郎", "likely"),
    ("MIHON TARO", "TARO MIHON", "same_variant"),
    ("JOSÉ MIHON", "JOSE MIHON", "same_variant"),
    ("MÜLLER MIHON", "MUELLER MIHON", "same_variant"),
    ("JOHN F MIHON", "JOHN FREDERICK MIHON", "likely"),
    ("JOHN FREDERICK MIHON", "MIHON JOHN", "likely"),
    ("OHMI ICHIRO", "OMI ICHIROU", "likely"),
    ("見本［架空］花子", "架空花子", "likely"),
    ("見本［架空］花子", "見本花子", "same_variant"),
    ("MIHON MINSU（見本 民秀）", "見本民秀", "likely"),
    ("見〓太郎", "見本太郎", "likely"),
    ("見本太郎", "ミホンタロウ", "unclear"),
    ("SUKARNO", "SUKARNO MIHON", "unclear"),
    ("見本太郎", "見本次郎", "different"),
]
ADDRESSES = [
    ("東京都千代田区霞が関１－２－３", "東京都千代田区霞ヶ関一丁目２番３号", "same_variant", "block"),
    ("東京都千代田区霞が関1-2-3", "千代田区霞が関1丁目2番3号", "same_variant", "block"),
    ("京都府京都市上京区烏丸通今出川上る岡松町255番地", "京都市上京区岡松町255", "same_variant", "block"),
    ("大阪府堺市堺区大町東1丁2-3", "堺市堺区大町東1丁目2番3号", "same_variant", "block"),
    ("三重県四日市市諏訪町1番5号", "四日市市諏訪町1-5", "same_variant", "block"),
    ("長野県上田市大字大手1-11-16", "長野県上田市大手一丁目十一番十六号", "same_variant", "block"),
    ("札幌市北区北12条西3丁目1-1", "札幌市北区北十二条西三丁目1番1号", "same_variant", "block"),
    ("東京都府中市宮西町2-24 コーポ見本 B-203", "東京都府中市宮西町2-24コーポ見本B203号室", "same_variant", "room"),
    ("東京都新宿区西新宿2-8-1 見本ビル", "東京都新宿区西新宿2-8-1", "likely", "block"),
    ("東京都新宿区西新宿2-8-1", "東京都新宿区西新宿2-8-2", "different", "town"),
    ("東京都新宿区西新宿2-8-1", "東京都渋谷区西新宿2-8-1", "different", "prefecture"),
    ("東京都新宿区西新宿2", "東京都新宿区西新宿2-8-1", "unclear", "town"),
]


@pytest.mark.parametrize(("a", "b", "grade"), NAMES)
def test_names(a: str, b: str, grade: str) -> None:
    assert compare_names(a, b).grade == grade
    assert compare_names(b, a).grade == grade


@pytest.mark.parametrize(("a", "b", "grade", "level"), ADDRESSES)
def test_addresses(a: str, b: str, grade: str, level: str) -> None:
    for one, other in ((a, b), (b, a)):
        match = compare_addresses(one, other)
        assert (match.grade, match.level) == (grade, level)


def test_flags_of_the_certificate_mark_substituted_characters() -> None:
    assert compare_names("見本太郎", "見由太郎", substituted_b=(1,)).grade == "likely"
    assert compare_names("見本太郎", "見由太郎", substituted_b="0100").grade == "likely"
    assert compare_names("見本太郎", "見由太郎").grade == "different"


@pytest.mark.parametrize("text", ["見本\u202e太郎", "見本\ud800", "見\x00本", "本" * 1001])
def test_text_that_cannot_be_a_name_is_a_coded_error(text: str) -> None:
    for compare in (compare_names, compare_addresses):
        with pytest.raises(InputError):
            compare(text, "見本太郎")


HOSTILE = (
    *("\ud800", "a\u202eb", "\x00", "\u200b", "", "　", "（旧姓：）", "\U000e0100" * 200, "見\U000e0100" * 100),
    *("見" * 200, "ア" * 200, "が" * 100 + "\u0301" * 100, "[(" * 100, "〓" * 200, "MIHON " * 33, "ＡＢ" * 100),
    *("丁目" * 100, "1-" * 100, "1" * 200, "1丁目2番地3号" * 14, "京都市" + "上る" * 90, "郡" * 200, "東京都" * 60),
    *(
        "Tokyo, " * 28,
        "十" * 200,
        "百千" * 100,
        "号室" * 100,
        "-ー−–" * 50,
        "第" * 200,
        "2-8-1 Mihon, Shinjuku-ku, Tokyo",
    ),
)


@pytest.mark.parametrize("compare", [compare_names, compare_addresses])
def test_whatever_comes_gets_a_grade_or_a_code_in_bounded_time(compare: Any) -> None:
    for a in HOSTILE:
        for b in HOSTILE:
            began = time.process_time()
            with suppress(InputError):
                assert compare(a, b).grade in GRADES
            assert time.process_time() - began < 0.5


def test_an_operator_may_decide_with_a_reason_and_the_grade_stays() -> None:
    decision = overridden(compare_names("見本太郎", "見本次郎").grade, by="係員7", reason="戸籍で確かめた")
    assert (decision.found, decision.by, decision.reason) == ("different", "係員7", "戸籍で確かめた")
    for by, reason in (("", "理由"), ("係員7", " ")):
        with pytest.raises(InputError) as refused:
            overridden("unclear", by=by, reason=reason)
        assert refused.value.code == "identity.override"


def test_grades_suffice_in_their_order() -> None:
    assert suffices("same", "same_variant")
    assert suffices("likely", "likely")
    assert not suffices("unclear", "likely")
    assert [suffices(grade, "likely") for grade in GRADES] == [True, True, True, False, False]
