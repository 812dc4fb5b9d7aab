"""Risk assessment: the highest harm decides, the least burden comes first, nobody is left out unsaid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.errors import InputError
from honnin.law import Answers, assess, effects, introduction, profiles
from honnin.law.assessing import Harm, _file
from honnin.law.assurance import authenticators, harms, kind_levels
from honnin.words import in_all

IMPACTS = ["none", "low", "moderate", "high"]
impacts = st.builds(Harm, **{name: st.sampled_from(IMPACTS) for name in Harm.__struct_fields__})


def test_the_highest_harm_decides_and_says_so() -> None:
    made = assess(Answers(impacts=Harm(distress="low", financial="high", legal_violation="moderate")))
    assert (made.ial, made.decided_by, made.aal) == ("3", ("financial",), None)
    assert [way.way for way in made.ways if way.meets] == ["jpki_signature"]
    assert made.ds_511 == "not_defined_here"
    assert made.procedure == ("3.1", "3.2", "3.3", "3.4", "3.5", "3.6")


def test_the_least_burden_comes_first() -> None:
    made = assess(Answers(impacts=Harm(financial="moderate")))
    served = [(way.way, way.seconds) for way in made.ways if way.meets]
    assert served == [
        ("jpki_signature", 20),
        ("image_upload", 30),
        ("ic_selfie", 40),
        ("image_selfie", 60),
        ("mail", None),
    ]
    jpki = made.ways[0]
    assert (jpki.steps, jpki.review, jpki.pin) == (("enter_pin", "read_chip"), "immediate", True)


def test_people_whom_nothing_serves_are_the_residual_risk() -> None:
    answers = Answers(impacts=Harm(financial="high"), excluded=("no_my_number_card", "forgotten_pin"))
    assert assess(answers).residual == ("no_my_number_card", "forgotten_pin")
    lower = Answers(impacts=Harm(financial="moderate"), excluded=("no_my_number_card",))
    found = assess(lower)
    assert found.residual == ()
    assert found.ways[0].way == "image_upload"  # who must not be left out counts before seconds


def test_coming_back_asks_for_an_authenticator() -> None:
    again = Answers(impacts=Harm(distress="low"), again=True, again_impacts=Harm(personal_safety="moderate"))
    made = assess(again)
    assert (made.ial, made.aal) == ("1", "3")
    assert set(made.authenticators) == {"security_key", "jpki_user_authentication"}


def test_convenience_stores_have_a_ready_made_profile() -> None:
    made = assess(Answers(profile="convenience_store_age", channel="in_person", again=True))
    assert (made.ial, made.aal, made.decided_by) == ("2", "1", ("profile",))
    profile = profiles()["convenience_store_age"]
    assert (profile.age, [one.way for one in profile.combinations if not one.accepted]) == (20, ["plain_point_card"])


@pytest.mark.parametrize(
    ("answers", "code"), [(Answers(), "law.no_impact"), (Answers(profile="casino"), "law.profile")]
)
def test_no_level_without_a_reason(answers: Answers, code: str) -> None:
    with pytest.raises(InputError) as refused:
        assess(answers)
    assert refused.value.code == code


@given(impacts, impacts)
def test_a_worse_impact_never_lowers_the_level(one: Harm, other: Harm) -> None:
    def worse(name: str) -> str:
        return max(getattr(one, name), getattr(other, name), key=IMPACTS.index)

    both = Harm(**{name: worse(name) for name in Harm.__struct_fields__})  # type: ignore[arg-type]
    if one == Harm():
        return
    assert assess(Answers(impacts=both)).ial >= assess(Answers(impacts=one)).ial


@given(impacts)
def test_every_harm_has_its_level_and_what_meets_it_meets_it(rated: Harm) -> None:
    if rated == Harm():
        return
    made = assess(Answers(impacts=rated))
    assert all(risk.level == harms()[risk.harm][risk.impact] for risk in made.risks)
    assert all(way.meets is (way.ial_2019 is not None and way.ial_2019 >= made.ial) for way in made.ways)


def test_data_has_words_and_real_kinds() -> None:
    read = _file()
    for name, way in read.ways.items():
        assert kind_levels(way.kind)
        assert in_all(f"assurance.way_{name}")
        for step in way.steps:
            assert in_all(f"assurance.step_{step}")
    for ways in (*read.channels.values(), *read.excluded_by.values()):
        assert set(ways) <= set(read.ways)
    for name in authenticators():
        assert in_all(f"assurance.authenticator_{name}")
    assert [step.id for step in introduction()] == ["requirements", "system", "telling", "operation", "enquiries"]
    assert {name: row.share for name, row in effects().items()} == {
        "securities": (10, 40),
        "bank": (20, 40),
        "funds_transfer": (15, 35),
    }
