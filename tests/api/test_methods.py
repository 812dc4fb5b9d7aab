"""GET /v1/methods: the law's table over HTTP, for this tenant, by its clock; the document's examples run."""

from collections.abc import Callable
from typing import Any

import httpx
import jsonschema_rs
import pytest

from honnin.identity.dates import jst_day
from honnin.web.serving import Running

pytestmark = pytest.mark.xdist_group("api-server")


def asked(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/methods", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_letters_move_and_methods_end(client: httpx.Client) -> None:
    today = {m["id"]: m for m in asked(client, law="aml", on="2026-11-21")["data"]}
    after = {m["id"]: m for m in asked(client, law="aml", on="2027-04-01")["data"]}
    assert (today["aml.jpki_signature"]["label"], after["aml.jpki_signature"]["label"]) == ("カ", "ヌ")
    assert today["aml.image_selfie"]["to"] == "2027-03-31"
    assert "aml.image_selfie" not in after
    assert today["aml.jpki_signature"]["assurance"]["ial_2019"]["level"] == "3"
    assert today["aml.jpki_signature"]["assurance"]["ds_511"] == "not_defined_here"
    assert today["aml.copy_mail_limited"]["uncertain"] == ["row", "attach"]


def test_what_this_tenant_may_use(client: httpx.Client, server: Running) -> None:
    deemed = {m["id"]: m for m in asked(client, law="aml")["data"]}
    assert deemed["aml.jpki_signature"]["available"]
    (number,) = [m for m in asked(client, law="my_number")["data"] if m["id"] == "my_number.jpki_signature"]
    assert not number["available"]
    assert [o["condition"] for o in number["obstacles"]] == ["number_handler"]
    assert number["obstacles"][0]["article"].startswith("番号法")
    plain = server.platform.create_tenant("試験古物店")
    server.platform.change_tenant(plain.tenant, verifier_status="none")
    key = {"Authorization": f"Bearer {plain.api_key}"}
    none = client.get("/v1/methods", params={"law": "second_hand"}, headers=key).json()
    signed = next(m for m in none["data"] if m["id"] == "second_hand.jpki_signature")
    assert (signed["available"], signed["obstacles"][0]["condition"]) == (False, "verifier_status")


def test_the_day_is_that_of_the_sandbox(client: httpx.Client, server: Running) -> None:
    caller = server.platform.authenticate(server.api_key)
    assert asked(client, law="aml")["on"] == jst_day(server.platform.clock(caller)).isoformat()
    early = asked(client, law="aml", on="2018-11-29")
    assert (early["coverage"], early["data"]) == ("not_covered", [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "request.query"),
        ({"law": "tax"}, "law.unknown"),
        ({"law": "AML"}, "request.query"),
        ({"law": "aml", "on": "2027-02-30"}, "request.query"),
        ({"law": "aml", "device": "abacus"}, "law.device"),
        ({"law": "aml", "age": "-1"}, "request.query"),
        ({"law": "aml", "channel": "pigeon"}, "request.query"),
        ({"law": "aml", "mood": "good"}, "request.query"),
    ],
)
def test_wrong_queries_are_coded(client: httpx.Client, query: dict[str, str], code: str) -> None:
    answer = client.get("/v1/methods", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_examples_of_the_document_run(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/methods"]["get"]
    given = {p["name"]: example(p["schema"]) for p in operation["parameters"]}
    query = {name: value for name, value in given.items() if value is not None}
    assert query == {"law": "aml", "on": "2027-04-01"}
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answer = asked(client, **query)
    jsonschema_rs.validate({**schema, "components": document["components"]}, answer)
    assert "ヌ" in {method["label"] for method in answer["data"]}


def example(schema: dict[str, Any]) -> Any:
    """Return the first example of a parameter, wherever a union holds it."""
    for part in (schema, *schema.get("anyOf", ())):
        if part.get("examples"):
            return part["examples"][0]
    return None


def test_templates_are_listed_with_words_and_needs(client: httpx.Client) -> None:
    data = {one["id"]: one for one in client.get("/v1/templates").json()["data"]}
    ready, pending = data["event_alcohol_age"], data["golf_check_in"]
    assert (ready["status"], ready["attributes"], ready["law"]) == ("ready", ["age_over_20"], "alcohol_tobacco")
    assert set(ready["text"]) == {"ja", "ja-simple", "en"}
    assert (pending["status"], [need["id"] for need in pending["needs"]]) == ("pending", ["face_recognition"])


def test_template_configures_a_session_over_http(client: httpx.Client) -> None:
    body = {"template": "micro_mobility_age", "return_url": "http://bank.localhost:8600/return"}
    made = client.post("/v1/sessions", json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["law"], made.json()["attributes"]) == ("micro_mobility", ["age_over_16"])
    refused = client.post("/v1/sessions", json={**body, "template": "golf_check_in"})
    assert (refused.status_code, refused.json()["code"]) == (409, "template.pending")
    refused = client.post("/v1/sessions", json={**body, "template": "special_area_entry"})
    assert (refused.status_code, refused.json()["code"]) == (409, "template.by_tap")


def test_template_configures_a_tap_over_http(client: httpx.Client) -> None:
    place = {"name": "特設エリア", "place": "見本会場", "supervised": True, "outdoors": False}
    terminal = client.post("/v1/tap-terminals", json=place).json()["id"]
    made = client.post("/v1/taps", json={"terminal": terminal, "template": "special_area_entry"})
    assert (made.status_code, made.json()["purpose"], made.json()["assurance_level"]) == (201, "special_area_entry", 1)
    for template, code in (
        ("bank_account", "template.conflict"),
        ("golf_check_in", "template.pending"),
        (None, "session.purpose"),
    ):
        answer = client.post("/v1/taps", json={"terminal": terminal, "template": template})
        assert answer.json()["code"] == code


def test_risks_are_assessed_over_http(client: httpx.Client) -> None:
    body = {"procedure": "口座開設", "impacts": {"financial": "high"}, "excluded": ["no_my_number_card"]}
    made = client.post("/v1/assessments", json=body)
    assert made.status_code == 200, made.text
    found = made.json()
    assert (found["ial"], found["ds_511"], found["residual"]) == ("3", "not_defined_here", ["no_my_number_card"])
    assert found["ways"][0]["seconds"] == 20
    refused = client.post("/v1/assessments", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "law.no_impact")


def test_a_result_states_its_assurance(client: httpx.Client, sign: Callable[..., dict[str, Any]]) -> None:
    made = client.post("/v1/verifications", json=sign()).json()
    expected = {"ial_2019": "3", "dadc_ial": "4", "nist_ial_4": "2"}
    assert {name: made["assurance"][name]["level"] for name in expected} == expected
    assert (made["assurance"]["aal_2019"], made["assurance"]["ds_511"]) == (None, "not_defined_here")
    assert client.get(f"/v1/verifications/{made['id']}").json()["assurance"] == made["assurance"]
    failed = client.post("/v1/verifications", json={**sign(), "signature": "AAAA"}).json()
    assert failed["assurance"] is None


def test_past_checks_are_simulated_over_http(client: httpx.Client, sign: Callable[..., dict[str, Any]]) -> None:
    client.post("/v1/verifications", json={**sign(), "law": "aml"})
    found = client.get("/v1/simulation", params={"on": "2027-04-01", "early": "true"}).json()
    assert (found["object"], found["early"], found["lapsing"]) == ("simulation", True, 0)
    assert found["checks"] >= 1
    wrong = client.get("/v1/simulation", params={"on": "2027-04-01", "from": "2026-02-01", "to": "2026-01-01"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "simulation.span")
