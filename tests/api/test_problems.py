"""Problem documents: shape, languages, statuses, and that nothing is said twice in different ways."""

import json

import pytest

from honnin.api.problems import describe, internal, language_of, respond, status_of, status_of_code
from honnin.errors import FormatError, InputError, KeyRefusedError, NotFoundError, ServiceError
from honnin.words import in_all


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ja"),
        ("ja", "ja"),
        ("ja-JP", "ja"),
        ("ja-simple", "ja-simple"),
        ("en", "en"),
        ("en-GB,ja;q=0.5", "en"),
        ("ja;q=0.2, en;q=0.9", "en"),
        ("fr, de;q=0.9", "ja"),
        ("en;q=0, ja;q=0", "ja"),
        ("en;q=nonsense", "ja"),
        (",;;q=,\x00", "ja"),
        ("zh-TW,en;q=0.1," + "x" * 5000, "en"),
    ],
)
def test_language_is_the_preferred_one_that_we_have(header: str, language: str) -> None:
    assert language_of(header) == language


def test_a_problem_has_every_member_of_the_contract() -> None:
    error = InputError("request.invalid", "Expected `str`.", next="Correct /purpose.")
    body = json.loads(respond(error, request_id="req_1", language="en").body)
    assert body == {
        "type": "urn:honnin:error:request.invalid",
        "title": "Request: invalid",
        "status": 422,
        "detail": "Expected `str`. Correct /purpose.",
        "instance": "urn:honnin:request:req_1",
        "code": "request.invalid",
        "request_id": "req_1",
        "retryable": False,
        "user_message": in_all("request.invalid")["en"],
        "user_messages": in_all("request.invalid"),
    }


def test_a_refused_key_challenges_and_a_retryable_problem_says_when() -> None:
    refused = respond(KeyRefusedError("request.no_key", "No key."), request_id="req_1", language="ja")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="honnin"')
    later = respond(ServiceError("request.busy", "Busy.", retryable=True), request_id="req_1", language="ja")
    assert (later.status_code, later.headers["retry-after"]) == (503, "2")
    assert later.headers["content-type"] == "application/problem+json"


def test_status_comes_from_the_table_or_from_the_family() -> None:
    assert status_of(InputError("request.too_large", "")) == status_of_code("request.too_large") == 413
    assert status_of(NotFoundError("some.thing", "")) == 404
    assert status_of(FormatError("some.bytes", "")) == 422
    assert status_of(InputError("some.value", "")) == 422
    assert status_of(internal()) == 500


def test_a_code_without_words_is_a_fault_of_ours() -> None:
    with pytest.raises((KeyError, FileNotFoundError)):
        describe(InputError("no_such.code", ""), request_id="req_1", language="ja")
