"""Live services come from the operator's file; a mistake in it stops the start, and a sandbox CA never gets in."""

import json
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.pki.index.lists import make_issuer
from tests.receiver import receiving
from tests.waiting import joined, until

from honnin.connect.jlis import Fallback
from honnin.connect.worlds import open_world
from honnin.errors import InputError, StateError
from honnin.platform import Platform
from honnin.platform.live import read_live
from honnin.platform.models import SessionRequest
from honnin.platform.services import open_modes
from honnin.platform.settings import Services, Settings
from honnin.platform.webhooks.models import EndpointRequest
from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.foreign_ministry.authorities import document_signer
from honnin.sandbox.foreign_ministry.files import signed_file
from honnin.sandbox.world import World


def write(data: Path, **members: object) -> Path:
    (data / "live.json").write_text(json.dumps(members))
    return data


def test_without_a_file_there_are_no_live_services(data: Path) -> None:
    assert read_live(data) is None
    assert open_modes(Settings(data=data))[True].services.revocation is None


def test_anchors_are_read_in_both_forms_and_sources_in_their_order(data: Path) -> None:
    issuer = make_issuer("OPERATOR-EXAMPLE")
    (data / "a.cer").write_bytes(issuer.der)
    pem = x509.load_der_x509_certificate(issuer.der).public_bytes(serialization.Encoding.PEM)
    (data / "a.pem").write_bytes(pem + pem)
    write(
        data,
        anchors={"signature": ["a.cer"], "user_authentication": ["a.pem"]},
        revocation=["ocsp", "ldap"],
        hosts={"ocsp.example": "https://ocsp.operator.example"},
        ldap={"url": "ldaps://directory.example:636"},
    )
    mode = open_modes(Settings(data=data))[True]
    assert mode.anchors("signature") == (issuer.der,)
    assert mode.anchors("user_authentication") == (issuer.der, issuer.der)
    assert isinstance(mode.services.revocation, Fallback)
    mode.close()


@pytest.mark.parametrize(
    "members",
    [
        {"anchor": {}},
        {"anchors": {"signature": ["missing.cer"]}},
        {"anchors": {"signature": ["live.json"]}},
        {"revocation": ["ocsp"]},
        {"revocation": ["ldap"]},
        {"revocation": ["fax"]},
        {"revocation": ["http"], "hosts": {"crl.example": "https://crl.operator.example"}},  # would ask the sandbox
        {"documents": {"passports": []}},
        {"documents": {"passport": ["live.json"]}},
        {"documents": {"drivers_licence": {"00": "live.json"}}},
        {"revocation": ["ldap"], "ldap": {"url": "ldap://127.0.0.1", "user": "cn=pf", "password_file": "missing"}},
    ],
)
def test_a_mistake_is_named(data: Path, members: dict[str, object]) -> None:
    with pytest.raises(StateError) as caught:
        read_live(write(data, **members))
    assert caught.value.code == "live.configuration"


def test_a_broken_file_is_named(data: Path) -> None:
    (data / "live.json").write_text("{")
    with pytest.raises(StateError, match=r"live\.json"):
        read_live(data)


def test_a_sandbox_authority_stops_the_start(data: Path) -> None:
    (data / "sandbox.cer").write_bytes(open_world(data).anchors()["signature"][0])
    write(data, anchors={"signature": ["sandbox.cer"]})
    with pytest.raises(StateError) as caught:
        open_modes(Settings(data=data))
    assert caught.value.code == "tenant.sandbox_anchor"


def pem_of(spki: bytes) -> bytes:
    key = serialization.load_der_public_key(spki)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_documents_rest_on_what_the_operator_gave(data: Path, tmp_path: Path) -> None:
    issuer = make_issuer("CSCA-EXAMPLE")
    other = open_world(tmp_path / "elsewhere").document_trust()
    (key_id, spki), (card_id, card_spki) = other["drivers_licence"][0], other["my_number_card"][0]
    (data / "csca.cer").write_bytes(issuer.der)
    (data / "police.pem").write_bytes(pem_of(spki))
    (data / "face.pem").write_bytes(pem_of(card_spki))
    write(
        data,
        documents={"passport": ["csca.cer"], "drivers_licence": {key_id.hex(): "police.pem"}},
        card_keys={card_id.hex(): "face.pem"},
    )
    mode = open_modes(Settings(data=data))[True]
    assert mode.document_trust("passport").anchors == (issuer.der,)
    assert mode.document_trust("residence_card").anchors == ()
    assert mode.document_trust("drivers_licence").key("drivers_licence", key_id) == spki
    assert mode.document_trust("my_number_card").key("my_number_card", card_id) == card_spki
    assert mode.document_trust("my_number_card").key("my_number_card", key_id) is None
    assert mode.document_trust("my_number_card").key("drivers_licence", key_id) == spki  # of a licence on the card


def test_a_master_list_stands_for_the_certificates_in_it_that_can_be_read(data: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "elsewhere")
    states = [make_issuer(f"CSCA-{name}").der for name in ("A", "B")]
    content = der.sequence(der.integer(0), der.set_of(*states, der.sequence(der.integer(7))))
    listed = signed_file(document_signer(world, "rsa"), "2.23.136.1.1.2", content, world.born)
    (data / "list.ml").write_bytes(listed)
    write(data, documents={"passport": ["list.ml"]})
    mode = open_modes(Settings(data=data))[True]
    assert sorted(mode.document_trust("passport").anchors) == sorted(states)
    broken = signed_file(document_signer(world, "rsa"), "2.23.136.1.1.2", content[:-9], world.born)
    (data / "list.ml").write_bytes(broken)
    with pytest.raises(StateError, match=r"list\.ml"):
        open_modes(Settings(data=data))


def test_without_a_file_no_document_is_trusted(data: Path) -> None:
    mode = open_modes(Settings(data=data))[True]
    for document in ("my_number_card", "drivers_licence", "residence_card", "passport"):
        trust = mode.document_trust(document)
        assert (trust.anchors, trust.keys) == ((), ())


@pytest.mark.parametrize("document", ["my_number_card", "drivers_licence", "residence_card", "passport"])
def test_a_sandbox_authority_of_a_document_stops_the_start(data: Path, document: str) -> None:
    key_id, der = open_world(data).document_trust()[document][0]
    bare = document in {"my_number_card", "drivers_licence"}
    (data / "given").write_bytes(pem_of(der) if bare else der)
    if document == "my_number_card":
        write(data, card_keys={key_id.hex(): "given"})
    else:
        write(data, documents={document: {key_id.hex(): "given"} if bare else ["given"]})
    with pytest.raises(StateError) as caught:
        open_modes(Settings(data=data))
    assert caught.value.code == "tenant.sandbox_anchor"


# --- addresses of this machine


@pytest.mark.parametrize(
    ("file", "said", "allowed"),
    [
        (None, None, True),  # nothing live is served here
        ({}, None, False),
        ({"local_addresses": True}, None, True),
        ({"local_addresses": False}, True, True),
        (None, False, False),
    ],
)
def test_local_addresses_are_off_beside_live_services(
    data: Path, file: dict[str, object] | None, said: bool | None, allowed: bool
) -> None:
    if file is not None:
        write(data, **file)
    modes = open_modes(Settings(data=data, local_addresses=said))
    assert (modes[False].local_addresses, modes[True].local_addresses) == (allowed, False)


def test_services_of_a_plug_in_turn_local_addresses_off(data: Path) -> None:
    assert not open_modes(Settings(data=data, live=Services()))[False].local_addresses


HERE = ("http://localhost:1/a", "https://127.0.0.1/a", "https://hook.localhost/a", "https://[::1]/a", "https://127.1/a")


@pytest.mark.parametrize("livemode", [False, True])
@pytest.mark.parametrize("url", [*HERE, "https://10.0.0.1/a", "https://[::ffff:192.168.0.1]/a"])
def test_switched_off_no_tenant_names_this_machine_or_a_network_inside(data: Path, url: str, livemode: bool) -> None:
    platform = Platform(Settings(data=data, local_addresses=False))
    try:
        caller = platform.caller_of(platform.create_tenant("試験商店", livemode=livemode).tenant)
        with pytest.raises(InputError) as refused:
            platform.webhooks.create(caller, EndpointRequest(url=url))
        assert refused.value.code == "webhook.url"
        with pytest.raises(InputError) as refused:
            platform.change_tenant(caller.id, return_urls=(url,))
        assert refused.value.code == "tenant.return_url"
        with pytest.raises(InputError) as refused:
            platform.sessions.create(caller, SessionRequest(purpose="p", text="t", return_url=url))
        assert refused.value.code == "tenant.return_url"
    finally:
        platform.close()


def test_an_endpoint_and_a_return_of_before_are_closed_by_the_switch(data: Path) -> None:
    """What was registered while it was allowed is refused when it is used: at delivery, at the next session."""
    with receiving() as receiver:
        first = Platform(Settings(data=data))
        made = first.create_tenant("試験商店", return_urls=("http://localhost:1/return",))
        caller = first.caller_of(made.tenant)
        endpoint = first.webhooks.create(caller, EndpointRequest(url=receiver.url))
        asked = SessionRequest(purpose="p", text="t", return_url="http://localhost:1/return")
        first.sessions.create(caller, asked)  # an event that waits
        first.close()
        write(data)
        platform = Platform(Settings(data=data))
        stop = threading.Event()
        sender = threading.Thread(target=platform.run_webhooks, args=(stop,))
        sender.start()
        try:

            def tried() -> bool:
                return any(one.problem is not None for one in platform.webhooks.deliveries(caller, endpoint.id).data)

            until(tried, "nobody tried to send it")
            (delivery,) = platform.webhooks.deliveries(caller, endpoint.id).data
            assert (delivery.status, delivery.problem) == ("pending", "webhook.url")
            assert not receiver.got
            with pytest.raises(InputError) as refused:
                platform.sessions.create(caller, asked)
            assert refused.value.code == "tenant.return_url"
        finally:
            stop.set()
            joined(sender)
            platform.close()


@pytest.mark.parametrize("to", ["http://localhost:8600/digital-auth/return", "https://127.0.0.1/r", "http://[::1/r"])
def test_a_registration_that_leads_to_this_machine_stops_the_start(data: Path, to: str) -> None:
    asked = {"service": "sandbox", "client_id": "RP00000123", "redirect_uri": to}
    with pytest.raises(StateError) as refused:
        read_live(write(data, digital_auth=asked))
    assert refused.value.code == "live.configuration"
    if "[" not in to:
        assert read_live(write(data, digital_auth=asked, local_addresses=True)) is not None
