"""Records over HTTP: made, added to, taken out; no GET carries a value."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.api.outbox import drain

pytestmark = pytest.mark.xdist_group("api-server")


def test_record_from_check_to_export(client: httpx.Client, sign: Callable[..., dict[str, Any]]) -> None:
    check = client.post("/v1/verifications", json={**sign(), "law": "aml"}).json()
    laws = {law["law"]: law for law in client.get("/v1/record-laws").json()["data"]}
    stated = {
        item["id"]: "見本の値"
        for item in laws["aml"]["items"]
        if item["when"] == "always" and not item["from_check"] and item["id"] not in {"made_by", "checked_by"}
    }
    body = {"verification": check["id"], "made_by": "係員7", "checked_by": "係員3", "statements": stated}
    made = client.post("/v1/records", json=body)
    assert made.status_code == 201, made.text
    record = made.json()
    assert (record["status"], record["law"], record["custody"]) == ("complete", "aml", record["id"])
    assert client.post("/v1/records", json=body).json()["code"] == "record.exists"
    path = f"/v1/records/{record['id']}"
    correction = {"by": "係員9", "reason": "転職", "items": {"occupation": "自営業"}}
    assert client.post(f"{path}/corrections", json=correction).json()["entries"] == 2
    seen = client.get(path).text + client.get("/v1/records").text
    assert "見本の値" not in seen
    assert "花子" not in seen
    ended = client.post(f"{path}/relation-end", json={"on": check["created_at"][:10]}).json()
    assert int(ended["keep_until"][:4]) == int(check["created_at"][:4]) + 7
    taken = client.post(f"{path}/export", json={"by": "監査人"}).json()
    assert b64decode(taken["pdf"]).startswith(b"%PDF-")
    assert b64decode(taken["csv"]).startswith(b"\xef\xbb\xbfrecord,law,")
    assert any("花子" in item["value"] for item in taken["entries"][0]["items"])
    told = [event["type"] for event in drain(client)[0] if event["data"].get("record") == record["id"]]
    assert told == ["record.made", "record.corrected", "record.relation_ended", "record.exported"]


def test_wrong_records_are_coded(client: httpx.Client, sign: Callable[..., dict[str, Any]]) -> None:
    check = client.post("/v1/verifications", json={**sign(), "law": "aml"}).json()
    body = {"verification": check["id"], "made_by": "a", "checked_by": "b", "statements": {"purpose": "1234 5678 9018"}}
    refused = client.post("/v1/records", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "record.individual_number")
    assert "5678" not in refused.text
    missing = client.get("/v1/records/rec_0000")
    assert (missing.status_code, missing.json()["code"]) == (404, "record.unknown")
