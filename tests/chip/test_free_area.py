"""Applications in the card's free area: the reader and the emulated chip were both written from docs/free-area.md."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from honnin.chip import Challenge, MyNumberCard, Pin, Trust, open_reader
from honnin.chip.document import TrustedKey
from honnin.chip.iso7816 import RefusalError
from honnin.chip.my_number_card import TerminalKey
from honnin.chip.my_number_card.free_area import USES
from honnin.cli.card import card as card_command
from honnin.errors import CardError, InputError, PinError
from honnin.sandbox.card_applications import keys_of, uses
from honnin.sandbox.command import sandbox
from honnin.sandbox.opening import open_world
from honnin.sandbox.world import World

CHALLENGE = Challenge(bytes(range(32)), "test", "free area")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return open_world(tmp_path_factory.mktemp("free-area"))


def terminal(world: World, use: str) -> TerminalKey:
    key = load_der_private_key(keys_of(world, use).terminal, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return TerminalKey(key)


def trust(world: World, use: str) -> Trust:
    key = TrustedKey("free_area", uses()[use].service.encode(), keys_of(world, use).issuer)
    return Trust((), world.now(), (key,))


def opened(world: World, use: Any, application: Any) -> Any:
    """Open an application as its use asks for."""
    if use != "membership":
        application.unlock(terminal(world, use))
    if use == "pc_login":
        application.unlock(Pin("pc_login", "2468"))
    return application


@pytest.mark.parametrize("use", USES)
def test_card_tells_its_number_and_proves_to_be_itself(world: World, use: Any) -> None:
    with open_reader("emulated:hanako", data=world.data) as reader, MyNumberCard(reader) as card:
        application = opened(world, use, card.free_area(use))
        values = application.read().values
        assert (values.service, len(values.user_number)) == (uses()[use].service, 6)
        assert values.user_number not in repr(values)
        proofs = application.prove(CHALLENGE, trust=trust(world, use))
        assert [proof.result for proof in proofs] == ["passed", "passed"]
        assert proofs[1].message == sha256(CHALLENGE.message()).digest()
        assert {proof.result for proof in application.prove(CHALLENGE)} == {"not_checked"}
        stranger = TrustedKey("free_area", uses()[use].service.encode(), keys_of(world, "entry").issuer)
        if use != "entry":
            found = application.prove(CHALLENGE, trust=Trust((), world.now(), (stranger,)))
            assert {proof.result for proof in found} == {"failed"}


@pytest.mark.parametrize("use", USES)
def test_copy_lacks_the_key(world: World, use: Any) -> None:
    target = "emulated:hanako/my_number_card:copied"
    with open_reader(target, data=world.data) as reader, MyNumberCard(reader) as card:
        application = opened(world, use, card.free_area(use))
        application.read()
        record, chip = application.prove(CHALLENGE, trust=trust(world, use))
    assert (record.result, chip.result) == ("passed", "failed")


@pytest.mark.parametrize("use", ["entry", "pc_login"])
def test_card_tells_nothing_to_a_terminal_that_proves_nothing(world: World, use: Any) -> None:
    with open_reader("emulated:hanako", data=world.data) as reader, MyNumberCard(reader) as card:
        application = card.free_area(use)
        with pytest.raises(RefusalError) as refused:
            application.read()
        assert refused.value.sw == 0x6982
        with pytest.raises(CardError) as caught:
            application.unlock(TerminalKey(ec.generate_private_key(ec.SECP384R1())))
        assert caught.value.code == "card.terminal_refused"
        with pytest.raises(CardError):  # the key of another use
            application.unlock(terminal(world, "entry" if use == "pc_login" else "pc_login"))
        with pytest.raises(RefusalError):
            application.read()


def test_pc_login_needs_both_and_a_wrong_pin_costs_a_try(world: World) -> None:
    with open_reader("emulated:hanako", data=world.data) as reader, MyNumberCard(reader) as card:
        application = card.free_area("pc_login")
        application.unlock(terminal(world, "pc_login"))
        with pytest.raises(RefusalError):
            application.read()
        with pytest.raises(PinError) as wrong:
            application.unlock(Pin("pc_login", "0000"))
        assert (wrong.value.code, wrong.value.tries_left) == ("card.pin_wrong", 2)
        with pytest.raises(PinError) as malformed:
            application.unlock(Pin("pc_login", "24681"))
        assert malformed.value.code == "card.pin_format"
        application.unlock(Pin("pc_login", "2468"))
        assert application.read().values.service == "MIHON-PC"
        assert application.tries()[0].name == "pc_login"


def test_state_ends_with_the_application_and_a_challenge_serves_once(world: World) -> None:
    with open_reader("emulated:hanako", data=world.data) as reader:
        aid = bytes.fromhex("F0686F6E6E696E0102")
        key = terminal(world, "entry").key

        def send(command: str) -> bytes:
            return reader.transmit(bytes.fromhex(command))

        def answer(challenge: bytes) -> str:
            from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
            from cryptography.hazmat.primitives.hashes import SHA384

            r, s = decode_dss_signature(key.sign(aid + challenge, ec.ECDSA(SHA384())))
            return f"0082008460{r:096x}{s:096x}"

        select = f"00A4040C09{aid.hex()}"
        assert send(select) == b"\x90\x00"
        first = send("0084000020")[:-2]
        proof = answer(first)
        assert send(proof) == b"\x90\x00"
        assert send(proof) == b"\x69\x85"  # it was answered
        assert send("00B0810000")[-2:] == b"\x90\x00"
        assert send(select) == b"\x90\x00"  # entered again: nothing is verified
        assert send("00B0810000")[-2:] == b"\x69\x82"
        send("0084000020")
        assert send(proof) == b"\x69\x82"  # an answer to another challenge


def test_cards_without_the_application_and_wrong_keys_are_coded(world: World) -> None:
    with open_reader("emulated:misaki", data=world.data) as reader, MyNumberCard(reader) as card:
        assert not card.free_area("membership").detect().present
        with pytest.raises(CardError) as missing:
            card.free_area("membership").read()
        assert missing.value.code == "card.free_area_missing"
    with open_reader("emulated:hanako", data=world.data) as reader, MyNumberCard(reader) as card:
        with pytest.raises(InputError):
            card.free_area("membership").unlock(Pin("membership", "2468"))
        with pytest.raises(InputError):
            card.free_area("membership").unlock(terminal(world, "entry"))


def test_command_reads_and_proves(world: World, tmp_path: Path) -> None:
    made = CliRunner().invoke(sandbox, ["free-area", "--out", str(tmp_path), "--data", str(world.data), "--json"])
    assert len(json.loads(made.stdout)["files"]) == 6

    def run(use: str, *more: str, target: str = "hanako", given: str = "") -> Any:
        at = ["--reader", f"emulated:{target}", "--data", str(world.data), "--json"]
        return CliRunner().invoke(card_command, ["free-area", use, *at, *more], input=given)

    keys = [
        "--issuer",
        str(tmp_path / "pc_login-issuer.pem"),
        "--terminal-key",
        str(tmp_path / "pc_login-terminal.pem"),
    ]
    done = run("pc_login", *keys, "--pin-file", "-", given="2468\n")
    assert done.exit_code == 0, done.output
    assert [proof["result"] for proof in json.loads(done.stdout)["proofs"]] == ["passed", "passed"]
    trusted = ["--issuer", str(tmp_path / "membership-issuer.pem")]
    assert run("membership", *trusted, target="hanako/my_number_card:copied").exit_code == 1
    assert run("membership").exit_code == 2
    wrong = run("entry", "--terminal-key", str(tmp_path / "entry-issuer.pem"))
    assert getattr(wrong.exception, "code", "") == "card.key_file"
