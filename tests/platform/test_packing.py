"""What is sealed of a check takes little room: what checks share lies once beside it, and every octet comes back."""

import hashlib
import random
import sqlite3
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.platform.conftest import Card, Jlis

from honnin.errors import GoneError, HonninError, StateError
from honnin.pki import Facts, judge, ocsp_request
from honnin.pki.ocsp_status import certified_responders
from honnin.pki.rfc6960 import parse_ocsp_response
from honnin.platform import Platform, Settings
from honnin.platform.document_forms import DocumentQuery
from honnin.platform.evidence.custody import Custody, Opening
from honnin.platform.evidence.packing import MOST_PACKED, pack, read_custody, read_opening, unpack
from honnin.platform.evidence.receipt import verify_receipt
from honnin.platform.models import Caller
from honnin.sandbox.jlis import ocsp
from honnin.sandbox.world import World

STORES = Path(__file__).parent / "stores"
LEAF = 4096 - 8 - 35  # octets of a row that SQLite keeps on a page of its own table
Cards = Callable[[str], Card]


def kept(platform: Platform) -> dict[str, bytes]:
    """What the store keeps once, by digest."""
    with platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT digest, content FROM kept_once").all()
    assert all(hashlib.sha256(row.content).hexdigest() == row.digest for row in rows)
    return {row.digest: bytes(row.content) for row in rows}


def opening_of(platform: Platform, caller: Caller, evidence: str) -> Opening:
    with platform.store.read() as db:
        return read_opening(db, platform._sealer, caller.id, evidence)


def changed(certificates: list[bytes], answer: bytes) -> bytes:
    """An OCSP answer with other certificates sent along, which its signature does not cover."""
    response = asn1_ocsp.OCSPResponse.load(answer)
    basic = response["response_bytes"]["response"].parsed
    basic["certs"] = [asn1_x509.Certificate.load(one) for one in certificates]
    response["response_bytes"]["response"] = asn1_core(basic.dump(force=True))
    return bytes(response.dump(force=True))


def asn1_core(content: bytes) -> Any:
    from asn1crypto.core import ParsableOctetString

    return ParsableOctetString(content)


def test_a_checks_sealed_part_fits_one_page_and_comes_back_whole(
    platform: Platform, caller: Caller, card: Cards, jlis: Jlis
) -> None:
    given: list[bytes] = []
    fetch = jlis.fetch

    def remembered(certificate: bytes, issuer: bytes, *, at: datetime) -> Any:
        found = fetch(certificate, issuer, at=at)
        given.extend(found.ocsp)
        return found

    jlis.fetch = remembered  # type: ignore[method-assign]
    hanako = card("hanako")
    answers = [platform.verify(caller, hanako.request(bytes([n]), law="aml")) for n in range(3)]
    with platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT sealed_id, sum(length(content)) AS size FROM sealed GROUP BY sealed_id").all()
    assert len(rows) == 3
    assert all(row.size + 300 < LEAF for row in rows)  # 300: the keys of two rows
    for n, answer in enumerate(answers):
        opening = opening_of(platform, caller, answer.evidence)
        assert set(opening.revocation) <= set(given)
        assert len(opening.revocation) == 1
        facts = Facts.decode(opening.facts)
        assert facts.encode() == opening.facts
        assert judge(facts, "jpki_signature").indication == "TOTAL-PASSED"
        with platform.store.read() as db:
            custody = read_custody(db, platform._sealer, caller.id, answer.evidence)
        assert (custody.content, custody.certificate) == (bytes([n]), hanako.certificate)


def test_only_certificates_of_ca_and_responder_are_kept_once_for_each_tenant(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    for person in ("hanako", "kyoko"):
        for n in range(2):
            answer = platform.verify(caller, card(person).request(bytes([n])))
            assert answer.verdict.indication == "TOTAL-PASSED"
    opening = opening_of(platform, caller, answer.evidence)
    (path,) = (signer.path for signer in Facts.decode(opening.facts).signers)
    assert path is not None
    responders = [one.raw for one in parse_ocsp_response(opening.revocation[0]).certificates]
    assert set(kept(platform).values()) >= {*path.certificates, *responders}
    for content in kept(platform).values():
        certificate = x509.load_der_x509_certificate(content)
        constraints = [one.value for one in certificate.extensions if isinstance(one.value, x509.BasicConstraints)]
        purposes = [one.value for one in certificate.extensions if isinstance(one.value, x509.ExtendedKeyUsage)]
        assert any(one.ca for one in constraints) or any(x509.OID_OCSP_SIGNING in one for one in purposes)
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    before = len(kept(platform))
    platform.verify(other, card("hanako").request())
    with platform.store.read() as db:
        tenants = db.exec_driver_sql("SELECT tenant_id, count(*) FROM kept_once GROUP BY tenant_id").all()
    assert {row[0] for row in tenants} == {caller.id, other.id}
    assert sum(row[1] for row in tenants) == before + 2


def test_what_an_answer_brings_beside_its_responder_stays_sealed(
    platform: Platform, caller: Caller, card: Cards, jlis: Jlis, world: World
) -> None:
    """The certificates of an answer are not signed: somebody on the way can put a person's among them."""
    hanako, saku = card("hanako"), card("saku").certificate
    brought: list[bytes] = []

    def fetch(certificate: bytes, issuer: bytes, *, at: datetime) -> Any:
        answer = ocsp.answer(world, ocsp_request(certificate, issuer), at).der
        (responder,) = parse_ocsp_response(answer).certificates
        brought.append(changed([saku, responder.raw], answer))
        assert certified_responders(brought[-1], issuer) == (responder.raw,)
        return SimpleNamespace(crls=(), ocsp=(brought[-1],), source="ocsp", fetched_at=at)

    jlis.fetch = fetch  # type: ignore[method-assign]
    answer = platform.verify(caller, hanako.request())
    assert answer.verdict.indication == "TOTAL-PASSED"
    assert opening_of(platform, caller, answer.evidence).revocation == tuple(brought)
    with platform.store.read() as db:
        sealed = db.exec_driver_sql("SELECT content FROM sealed").scalars().all()
    for content in (*kept(platform).values(), *sealed):
        assert saku[-200:] not in bytes(content)
        assert hanako.certificate[-200:] not in bytes(content)


def test_a_path_that_does_not_hold_shares_nothing(platform: Platform, caller: Caller, card: Cards) -> None:
    hanako = card("hanako")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    real = x509.load_der_x509_certificate(hanako.certificate)
    builder = x509.CertificateBuilder(
        real.issuer, real.subject, real.public_key(), real.serial_number,
        real.not_valid_before_utc, real.not_valid_after_utc,
    )  # fmt: skip
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    forged = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    answer = platform.verify(caller, hanako.request(certificate=forged))
    assert answer.verdict.indication != "TOTAL-PASSED"
    assert kept(platform) == {}
    facts = Facts.decode(opening_of(platform, caller, answer.evidence).facts)
    assert judge(facts, "jpki_signature").indication == answer.verdict.indication


def test_a_document_keeps_once_what_its_opening_names(
    platform: Platform, caller: Caller, card: Cards, jlis: Jlis
) -> None:
    from tests.platform.test_filing import ASKED

    from honnin.platform.document_forms import DocumentSignature

    prepared = platform.documents.prepare(caller, ASKED)
    assert prepared.to_be_signed is not None
    hanako = card("hanako")
    signed = DocumentSignature(signature=hanako.sign(prepared.to_be_signed.content), certificate=hanako.certificate)
    made = platform.documents.complete(caller, prepared.id, signed)
    file = platform.documents.give(caller, made.id).content
    judged = platform.documents.judge(caller, file, DocumentQuery(purpose="lease"))
    for one in (made, judged):
        assert one.report is not None
        with platform.store.read() as db:
            opening = read_opening(db, platform._sealer, caller.id, one.id, "document_opening")
        facts = Facts.decode(opening.facts)
        assert judge(facts, "jpki_documents").indication == one.report["indication"]
        assert facts.signers
        for path in (signer.path for signer in facts.signers):
            assert path is not None
            assert set(path.certificates) <= set(kept(platform).values())
        assert set(opening.lists) <= set(kept(platform))


def test_a_check_that_was_undone_leaves_the_next_one_whole(platform: Platform, caller: Caller, card: Cards) -> None:
    request = card("hanako").request()
    with platform.store.engine.connect() as db, db.begin():
        db.exec_driver_sql("ALTER TABLE sealed RENAME TO away")
    with pytest.raises(HonninError):
        platform.verify(caller, request)
    assert kept(platform) == {}
    with platform.store.engine.connect() as db, db.begin():
        db.exec_driver_sql("ALTER TABLE away RENAME TO sealed")
    answer = platform.verify(caller, request)
    assert len(kept(platform)) == 2
    assert opening_of(platform, caller, answer.evidence).revocation


@pytest.mark.parametrize("change", ["DELETE FROM kept_once", "UPDATE kept_once SET content = substr(content, 2)"])
def test_a_shared_certificate_that_is_gone_or_changed_is_told(
    platform: Platform, caller: Caller, card: Cards, change: str
) -> None:
    answer = platform.verify(caller, card("hanako").request())
    with platform.store.engine.connect() as db, db.begin():
        db.exec_driver_sql(change)
    with pytest.raises(StateError) as told:
        opening_of(platform, caller, answer.evidence)
    assert told.value.code == "store.kept_damaged"


def test_erasure_ends_the_sealed_part_and_leaves_what_others_share(
    platform: Platform, caller: Caller, card: Cards
) -> None:
    hanako, kyoko = (platform.verify(caller, card(one).request(law="aml")) for one in ("hanako", "kyoko"))
    platform.sequence()
    before, receipts = kept(platform), [platform.receipt(caller, one.id) for one in (hanako, kyoko)]
    assert hanako.person is not None
    assert platform.forget_person(caller.id, hanako.person) > 0
    with pytest.raises(GoneError):
        opening_of(platform, caller, hanako.evidence)
    assert opening_of(platform, caller, kyoko.evidence).revocation
    assert kept(platform) == before
    for one, receipt in zip((hanako, kyoko), receipts, strict=True):
        assert platform.receipt(caller, one.id) == receipt
        verify_receipt(receipt, platform.keys.log.public)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_packed_comes_back_to_the_octet(platform: Platform, caller: Caller, card: Cards, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - reproducible input
    platform.verify(caller, card("hanako").request())
    shared = tuple(chance.sample([*kept(platform).values()], chance.randint(0, 2)))

    def octets() -> bytes:
        whole = [*kept(platform).values(), card("hanako").certificate, chance.randbytes(chance.randint(0, 700))]
        cut = [one[chance.randint(0, 40) : chance.randint(41, 3000)] for one in whole]
        return b"".join(chance.choices([*whole, *cut], k=chance.randint(0, 8)))

    opening = Opening(
        key=chance.randbytes(32),
        facts=octets(),
        revocation=tuple(octets() for _ in range(chance.randint(0, 3))),
        lists=("ab" * 32,) * chance.randint(0, 2),
        purpose="口座開設" * chance.randint(0, 3),
        shown=chance.choice([None, "e30.e30.e30"]),
    )
    custody = Custody(signed=octets(), content=chance.choice([None, octets()]), certificate=octets())
    with platform.store.read() as db:
        assert unpack(db, caller.id, pack(opening, shared), Opening) == opening
        assert unpack(db, caller.id, pack(custody, shared), Custody) == custody
        assert unpack(db, caller.id, msgspec.msgpack.encode(custody), Custody) == custody  # as it was before


def test_what_would_not_get_smaller_stays_as_it_is(platform: Platform, caller: Caller) -> None:
    noise = random.Random(1)  # noqa: S311 - reproducible input
    for content in (noise.randbytes(200), b"a" * MOST_PACKED):
        custody = Custody(signed=content)
        assert pack(custody, ()) == msgspec.msgpack.encode(custody)
        with platform.store.read() as db:
            assert unpack(db, caller.id, pack(custody, ()), Custody) == custody


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x01\x00", b"\x01\x00nothing", b"\x02\x00", b"\xff"])
def test_another_form_is_told(platform: Platform, caller: Caller, damage: bytes) -> None:
    with platform.store.read() as db, pytest.raises(StateError) as told:
        unpack(db, caller.id, damage, Custody)
    assert told.value.code == "store.sealed_damaged"


def test_a_stream_that_ends_early_is_told(platform: Platform, caller: Caller) -> None:
    packed = pack(Custody(signed=b"ab" * 500), ())
    assert packed[:1] == b"\x01"
    with platform.store.read() as db:
        for end in range(len(packed)):
            with pytest.raises(StateError, match="form"):
                unpack(db, caller.id, packed[:end], Custody)


@pytest.fixture
def old(request: pytest.FixtureRequest, data: Path, world: World, jlis: Jlis) -> Any:
    """A store that an earlier honnin wrote, opened by this one; what was read of it then."""
    name = request.param
    told = msgspec.json.decode((STORES / f"{name}.json").read_bytes())
    with sqlite3.connect(data / "honnin.sqlite3") as db:
        db.executescript((STORES / f"{name}.sql").read_text(encoding="utf-8"))
    db.close()
    (data / "keys").mkdir(mode=0o700)
    for file, content in told["keys"].items():
        (data / "keys" / file).write_bytes(b64decode(content))
        (data / "keys" / file).chmod(0o600)
    from honnin.platform.settings import Services

    platform = Platform(Settings(data, test=Services(jlis, jlis, world.anchors()["signature"])))
    yield platform, told
    platform.close()


@pytest.mark.parametrize("old", ["0015", "0016"], indirect=True)
def test_what_an_earlier_version_sealed_opens_to_the_same_octets(old: tuple[Platform, Any], card: Cards) -> None:
    platform, told = old
    caller = platform.caller_of(told["tenant"])

    def digest(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    for check in told["checks"]:
        receipt = platform.receipt(caller, check["id"])
        assert msgspec.json.encode(receipt).decode() == check["receipt"]
        verify_receipt(receipt, platform.keys.log.public)
        opening = opening_of(platform, caller, check["evidence"])
        assert digest(msgspec.msgpack.encode(opening)) == check["opening_sha256"]
        assert digest(opening.facts) == check["facts_sha256"]
        assert [digest(one) for one in opening.revocation] == check["answers_sha256"]
        assert [digest(kept(platform)[name]) for name in opening.lists] == list(opening.lists) == check["lists"]
        facts = Facts.decode(opening.facts)
        assert digest(facts.encode()) == check["facts_sha256"]
        assert judge(facts, "jpki_signature").indication == check["indication"]
        if check["custody_sha256"]:
            with platform.store.read() as db:
                custody = read_custody(db, platform._sealer, caller.id, check["evidence"])
            assert digest(msgspec.msgpack.encode(custody)) == check["custody_sha256"]
    new = platform.verify(caller, card("hanako").request())
    assert opening_of(platform, caller, new.evidence).revocation
    platform.forget_person(told["tenant"], told["checks"][0]["person"])
    for check in told["checks"]:
        with pytest.raises(GoneError):
            opening_of(platform, caller, check["evidence"])
        assert msgspec.json.encode(platform.receipt(caller, check["id"])).decode() == check["receipt"]
