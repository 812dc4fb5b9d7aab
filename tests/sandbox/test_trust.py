"""Whom to trust for the documents of a world: every authority once, in the form that each document wants."""

import json
from pathlib import Path

from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from honnin.connect.worlds import open_world
from honnin.errors import InputError
from honnin.sandbox.command import sandbox

DOCUMENTS = {"my_number_card", "drivers_licence", "residence_card", "residence_card_delivery", "passport"}


def test_what_the_product_is_told(tmp_path: Path) -> None:
    known = open_world(tmp_path).document_trust()
    assert set(known) == DOCUMENTS
    for pairs in known.values():
        assert len({key_id for key_id, _ in pairs}) == len(pairs) > 0
    assert {len(key_id) for key_id, _ in known["my_number_card"]} == {16}
    assert {len(key_id) for key_id, _ in known["drivers_licence"]} == {32}
    for document in ("my_number_card", "drivers_licence", "residence_card_delivery"):
        assert all(load_der_public_key(der).key_size == 2048 for _, der in known[document])  # type: ignore[union-attr]
    for document in ("residence_card", "passport"):
        assert all(b"honnin sandbox" in der for _, der in known[document])
    assert open_world(tmp_path).document_trust() == known


def test_the_command(tmp_path: Path) -> None:
    data, out = str(tmp_path / "data"), tmp_path / "anchors"
    done = CliRunner().invoke(sandbox, ["trust", "--data", data, "--out", str(out), "--json"])
    listed = json.loads(done.stdout)
    assert set(listed) == DOCUMENTS
    assert len(list(out.iterdir())) == sum(len(rows) for rows in listed.values())
    load_pem_public_key(listed["my_number_card"][0]["pem"].encode())
    one = CliRunner().invoke(sandbox, ["trust", "residence_card", "--data", data])
    assert [line.split()[0] for line in one.stdout.splitlines()] == ["residence_card"] * 2


def test_an_unknown_document(tmp_path: Path) -> None:
    done = CliRunner().invoke(sandbox, ["trust", "library_card", "--data", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "emulated.document_unknown"


def test_the_listing_opens_every_document(tmp_path: Path) -> None:
    people = {one["id"]: one for one in open_world(tmp_path).people()}
    for one in people.values():
        assert set(one["document_keys"]) <= set(one["documents"])
    assert people["hanako"]["document_keys"]["drivers_licence"] == {"pin_1": "1234", "pin_2": "5678"}
    assert people["anna"]["document_keys"]["residence_card"]["kind"] == "card-1"
    assert "my_number_card" not in people["keita"]["document_keys"]  # a phone
    shown = CliRunner().invoke(sandbox, ["people", "--data", str(tmp_path)]).stdout
    assert "residence_card: kind card-1  card_number HN" in shown
