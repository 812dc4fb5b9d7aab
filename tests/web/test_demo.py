"""`honnin demo`: every person of the sandbox ends as their story says, and the terminal tells it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from honnin.cli.demo import demo
from honnin.errors import NotFoundError
from honnin.platform import Settings
from honnin.web.demo import walk
from honnin.web.serving import Running, serve_in_thread

PEOPLE = json.loads(
    (Path(__file__).parents[2] / "src" / "honnin" / "sandbox" / "people.json").read_text(encoding="utf-8")
)["people"]
ALL_STEPS = ["person", "session", "card", "pin", "sign", "verify", "items", "receipt", "offline"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("demo") / "data"
    data.mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as running:
        yield running


def test_there_are_enough_stories() -> None:
    assert len(PEOPLE) >= 25
    assert len({json.dumps(person["expected"]) for person in PEOPLE}) >= 6


@pytest.mark.parametrize("persona", [person["id"] for person in PEOPLE])
def test_person_ends_as_their_story_says(server: Running, persona: str) -> None:
    walked = walk(server, persona, language="ja")
    assert walked.outcome == walked.expected
    assert walked.matches
    assert all(walked.messages[language] for language in ("ja", "ja-simple", "en"))
    assert all(walked.next[language] for language in ("ja", "ja-simple", "en"))
    done = [step.id for step in walked.steps if step.result == "done"]
    if walked.outcome.account_opened:
        assert done == ALL_STEPS
    elif walked.outcome.indication:
        assert done == [step for step in ALL_STEPS if step != "items"]
    else:
        assert walked.steps[-1].result == "stopped"
        assert walked.steps[-1].seen["error"] == walked.outcome.error


def test_renewed_today_is_pending_and_never_a_second_person(server: Running) -> None:
    verify = next(step for step in walk(server, "sora").steps if step.id == "verify")
    assert verify.seen["person"] is None
    assert verify.seen["person_status"] == "pending"


def test_one_person_keeps_one_id(server: Running) -> None:
    def person() -> str:
        return next(step.seen["person"] for step in walk(server, "hanako").steps if step.id == "verify")

    assert person() == person()


def test_unknown_person_is_a_coded_error(server: Running) -> None:
    with pytest.raises(NotFoundError) as caught:
        walk(server, "nobody")
    assert caught.value.code == "demo.person_unknown"


def test_command_prints_one_object(data: Path) -> None:
    result = CliRunner().invoke(demo, ["--persona", "goro", "--data", str(data), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["person"] == "goro"
    assert told["outcome"] == told["expected"]
    assert told["matches"] is True
    assert [step["id"] for step in told["steps"]] == ["person", "session", "card", "pin"]
    assert all(step["ms"] >= 0 for step in told["steps"])


@pytest.mark.parametrize(
    ("language", "words"),
    [("ja", "口座を開設しました。"), ("ja-simple", "口座が できました。"), ("en", "The account is open.")],
)
def test_command_tells_it_in_words(language: str, words: str) -> None:
    result = CliRunner().invoke(demo, ["--lang", language])
    assert result.exit_code == 0, result.output
    assert words in result.stdout
    assert "HANAKO2468" not in result.stdout
    assert result.stdout.count(" ms") == len(ALL_STEPS) + 1
