"""Checks at the counter over HTTP: listed by pages, read, proved by a receipt, told by an event."""

import httpx
import msgspec
import pytest
from tests.api.outbox import drain
from tests.api.receipts import receipt_of
from tests.platform.test_counter import AT, PERSON, SECRET, reading

from honnin.platform.counter import CounterCheck
from honnin.platform.evidence.receipt import Receipt, verify_receipt
from honnin.platform.keys import LogPublicKey
from honnin.web.serving import Running

pytestmark = pytest.mark.xdist_group("api-server")
PATH = "/v1/counter-checks"


@pytest.fixture(scope="module")
def made(server: Running) -> list[CounterCheck]:
    """Five checks at the same moment, the last one under a law that asks for a record."""
    tenant = server.platform.authenticate(server.api_key).tenant
    of_law = {"law": "aml", "document": "drivers_licence", "document_words": "運転免許証", "person": PERSON}
    given = [*({} for _ in range(4)), of_law]
    return [server.platform.counter.record(tenant, reading(**more), at=AT) for more in given]


def test_pages_hold_every_check_once_newest_first(client: httpx.Client, made: list[CounterCheck]) -> None:
    seen, after = [], None
    for _ in range(9):
        answer = client.get(PATH, params={"limit": 2, **({"after": after} if after else {})}).json()
        seen += [one["id"] for one in answer["data"]]
        after = answer["next"]
        if not answer["has_more"]:
            break
    assert [one for one in seen if one in {check.id for check in made}] == [check.id for check in reversed(made)]
    assert len(seen) == len(set(seen))
    for wrong in ("cch_none", made[0].evidence):
        refused = client.get(PATH, params={"after": wrong})
        assert (refused.status_code, refused.json()["code"]) == (404, "counter.check_unknown")
    assert client.get(PATH, params={"limit": 0}).status_code == 422


def test_check_and_its_record_are_read_without_the_customers_data(
    client: httpx.Client, made: list[CounterCheck]
) -> None:
    answer = client.get(f"{PATH}/{made[-1].id}")
    assert msgspec.convert(answer.json(), CounterCheck) == made[-1]
    assert answer.json()["method"] == "aml.in_person_photo"
    record = client.get(f"/v1/records/{answer.json()['record']}").json()
    assert (record["verification"], record["law"]) == (made[-1].id, "aml")
    seen = answer.text + client.get(PATH, params={"limit": 100}).text
    assert not any(word in seen for word in (*PERSON.values(), SECRET.decode()))
    exported = client.post(f"/v1/records/{record['id']}/export", json={"by": "監査人"}).json()
    assert any(PERSON["name"] in item["value"] for item in exported["entries"][0]["items"])


def test_receipt_proves_the_check(client: httpx.Client, made: list[CounterCheck]) -> None:
    answer = receipt_of(client, made[-1].id, PATH)
    receipt = msgspec.convert(answer, type=Receipt)
    verify_receipt(receipt, LogPublicKey.read(client.get("/v1/log/key").content))
    assert made[-1].id in receipt.record
    assert client.post("/v1/receipts/check", json=answer).json()["proven"] is True


def test_event_tells_of_it_with_ids_alone(client: httpx.Client, made: list[CounterCheck]) -> None:
    told = {one["data"]["counter_check"]: one for one in drain(client)[0] if one["type"] == "counter_check.completed"}
    assert set(told) >= {check.id for check in made}
    data = told[made[-1].id]["data"]
    assert (data["indication"], data["record"], data["method"]) == ("PASSED", made[-1].record, made[-1].method)
    assert set(data) == {
        "counter_check", "indication", "document", "purpose", "law", "method", "record", "verification"
    }  # fmt: skip


def test_another_tenant_sees_none_of_it(stranger: httpx.Client, made: list[CounterCheck]) -> None:
    assert stranger.get(PATH).json()["data"] == []
    for path in (f"{PATH}/{made[0].id}", f"{PATH}/{made[0].id}/receipt"):
        refused = stranger.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "counter.check_unknown")
    assert stranger.get(PATH, params={"after": made[0].id}).status_code == 404
