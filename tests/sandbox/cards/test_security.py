"""VERIFY, CHANGE and the private keys."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.x509 import load_der_x509_certificate

from honnin.sandbox.material import JpkiMaterial

SIGN, AUTHENTICATE = ("001B", "TEST1234", "001A", "9A"), ("0018", "1234", "0017", "97")
DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")


def public_key(material: JpkiMaterial, pin_file: str) -> Any:
    certificate = material.signature_certificate if pin_file == "001B" else material.user_authentication_certificate
    return load_der_x509_certificate(certificate).public_key()


# --- counters


@pytest.mark.parametrize(("file", "tries"), [("001B", 5), ("0018", 3)])
def test_countdown(terminal: Callable[..., Any], file: str, tries: int) -> None:
    card = terminal()
    right = "TEST1234" if file == "001B" else "1234"
    assert card.tries(file) == f"63C{tries}"
    for left in reversed(range(tries)):
        assert card.pin(file, "9999") == f"63C{left}"
        assert card.tries(file) == f"63C{left}"
    assert card.pin(file, "9999") == "6984"
    assert card.pin(file, right) == "6984"
    assert card.tries(file) == "63C0"


def test_query_spends_nothing_and_never_says_9000(terminal: Callable[..., Any]) -> None:
    card = terminal()
    for _ in range(8):
        assert card.tries("0018") == "63C3"
        assert card("0020008000") == "63C3"
    assert card.pin("0018", "1234") == "9000"
    assert card.tries("0018") == "63C3"
    assert card("0020008000") == "63C3"
    assert card.file("0017") == "9000"
    assert card("802A00800101" + "00")[-4:] == "9000"  # asking did not take the verified state away


def test_right_pin_restores_tries(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card.pin("0018", "0000") == "63C2"
    assert card.pin("0018", "0001") == "63C1"
    assert card.pin("0018", "1234") == "9000"
    assert card.tries("0018") == "63C3"
    assert card.pin("001B", "TEST1235") == "63C4"
    assert card.tries("0018") == "63C3"


@pytest.mark.parametrize("value", ["1", "12345", "1" * 255, "abcd", "１２３４"])
def test_wrong_shape_costs_a_try(terminal: Callable[..., Any], value: str) -> None:
    card = terminal()
    card.file("0018")
    encoded = value.encode()
    assert card("00200080", bytes([len(encoded)]), encoded) == "63C2"


def test_wrong_pin_takes_the_verified_state_away(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("0018", "1234")
    card.pin("0018", "0000")
    card.file("0017")
    assert card("802A0080010100") == "6982"


def test_short_identifier(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("00200098") == "63C3"
    assert card("0020009B") == "63C5"
    assert card("00200098", "04", b"0000") == "63C2"
    assert card("00200098", "04", b"1234") == "9000"
    assert card("802A0097010100")[-4:] == "9000"
    assert card("0020009D") == "6A88"
    assert card("00200097") == "6981"
    assert card("002000E0") == "6A86"
    assert card("0020009F") == "6A86"
    assert card("00200000") == "6A86"
    assert card("00200180") == "6A86"


def test_verify_needs_a_current_pin(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("00200080") == "6986"
    card.file("000A")
    assert card("00200080") == "6981"
    assert card("00200080", "04", b"1234") == "6981"


def test_counters_outlive_power(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("0018", "0000")
    card.card.reset()
    card.jpki()
    assert card.tries("0018") == "63C2"


@pytest.mark.parametrize(("used", "answer"), [(2, "63C1"), (3, "63C0"), (9, "63C0")])
def test_tries_used_before_the_card_was_given(terminal: Callable[..., Any], used: int, answer: str) -> None:
    assert terminal(user_authentication_tries_used=used).tries("0018") == answer


def test_resident_register_has_its_pin_in_two_places(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    card("00A4040C0AD3921000310001010401")
    assert card.pin("001C", "0000") == "63C2"
    card("00A4040C0AD3921000310001010100")
    assert card.tries("001C") == "63C2"
    assert card.pin("001C", "1234") == "9000"


def test_pins_of_the_other_applications(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    card("00A4040C0AD3921000310001010408")
    assert [card.tries(f) for f in ("0011", "0012", "0014", "0015")] == ["63C3", "63C0", "63CA", "63CA"]
    card.file("0001")
    assert card("00B0000000") == "6982"
    card.pin("0011", "1234")
    card.file("0001")
    assert card("00B0000000")[-4:] == "9000"
    card("00A4040C0AD3921000310001010402")
    assert [card.tries(f) for f in ("0011", "0012", "0013")] == ["63CA", "63CA", "63CA"]


# --- changing


@pytest.mark.parametrize(("file", "old", "new"), [("0018", "1234", "4321"), ("001B", "TEST1234", "ABC123")])
def test_change(terminal: Callable[..., Any], file: str, old: str, new: str) -> None:
    card = terminal()
    change = ("00240180", bytes([len(new)]), new.encode())
    card.file(file)
    assert card(*change) == "6982"
    card.pin(file, old)
    assert card(*change) == "9000"
    assert card.pin(file, old)[:3] == "63C"
    assert card.pin(file, new) == "9000"
    again = terminal()
    assert again.pin(file, new) == "9000"


def test_change_by_short_identifier(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card("00200098", "04", b"1234")
    assert card("00240198", "04", b"4321") == "9000"
    assert card("00200098", "04", b"4321") == "9000"


@pytest.mark.parametrize("new", ["123", "12345", "12AB", "123\n"])
def test_improper_new_pin(terminal: Callable[..., Any], new: str) -> None:
    card = terminal()
    card.pin("0018", "1234")
    assert card("00240180", bytes([len(new)]), new.encode()) == "6A80"
    assert card.pin("0018", "1234") == "9000"


@pytest.mark.parametrize("new", ["AAAAAA", "111111", "abc123", "ABC12", "A" * 16 + "1"])
def test_improper_new_signature_pin(terminal: Callable[..., Any], new: str) -> None:
    card = terminal()
    card.pin("001B", "TEST1234")
    assert card("00240180", bytes([len(new)]), new.encode()) == "6A80"


def test_change_refusals(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("0018", "1234")
    assert card("00240080", "04", b"4321") == "6A86"
    assert card("00240180") == "6700"
    assert card("80320080", "04", b"4321") == "6985"
    card.file("0017")
    assert card("00240180", "04", b"4321") == "6981"


def test_change_key_of_the_resident_register(terminal: Callable[..., Any]) -> None:
    card = terminal(selected=False)
    card("00A4040C0AD3921000310001010401")
    card.pin("001C", "1234")
    assert card("00240180", "04", b"4321") == "6985"
    assert card("80320180", "04", b"4321") == "6A86"
    assert card("80320080", "04", b"4321") == "9000"
    assert card.pin("001C", "4321") == "9000"


# --- signing


@pytest.mark.parametrize(("pin_file", "pin", "key_file", "short"), [SIGN, AUTHENTICATE])
def test_sign_what_is_given(
    terminal: Callable[..., Any], material: JpkiMaterial, pin_file: str, pin: str, key_file: str, short: str
) -> None:
    card = terminal()
    digest_info = DIGEST_INFO_SHA256 + sha256(b"message").digest()
    assert card.file(key_file) == "9000"
    assert card("802A008033", digest_info, "00") == "6982"
    assert card.pin(pin_file, pin) == "9000"
    card.file(key_file)
    first = card("802A008033", digest_info, "00")
    assert first.endswith("9000")
    assert len(first) == 2 * 256 + 4
    public_key(material, pin_file).verify(bytes.fromhex(first[:-4]), b"message", padding.PKCS1v15(), SHA256())
    assert card(f"802A00{short}33", digest_info, "00") == first


def test_each_key_needs_its_own_pin(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("0018", "1234")
    assert card("802A009A010100") == "6982"
    assert card("802A0097010100")[-4:] == "9000"


@pytest.mark.parametrize("length", [1, 20, 51, 83, 244, 245])
def test_any_bytes_are_padded_as_type_1(terminal: Callable[..., Any], material: JpkiMaterial, length: int) -> None:
    card = terminal()
    card.pin("0018", "1234")
    given = bytes(range(1, length + 1))
    signature = card("802A0097", bytes([length]), given, "00")
    numbers = public_key(material, "0018").public_numbers()
    block = pow(int(signature[:-4], 16), numbers.e, numbers.n).to_bytes(256)
    assert block == b"\x00\x01" + b"\xff" * (253 - length) + b"\x00" + given


def test_refused_lengths(terminal: Callable[..., Any]) -> None:
    card = terminal()
    card.pin("0018", "1234")
    assert card("802A0097", bytes([246]), bytes(246), "00") == "6700"
    assert card("802A009700") == "6700"
    assert card("802A00970101") == "6700"
    assert card("802A0097010101") == "6C00"
    assert card("802A0297", bytes([31]), bytes(31), "00") == "6700"


def test_variants(terminal: Callable[..., Any], material: JpkiMaterial) -> None:
    card = terminal()
    card.pin("0018", "1234")
    key = public_key(material, "0018")
    digest = sha256(b"message").digest()
    pss = padding.PSS(padding.MGF1(SHA256()), 32)

    def answer(variant: str, given: bytes) -> bytes:
        reply = card(f"802A{variant}97", bytes([len(given)]), given, "00")
        assert reply.endswith("9000")
        return bytes.fromhex(reply[:-4])

    numbers = key.public_numbers()
    bare = pow(int.from_bytes(answer("01", b"message")), numbers.e, numbers.n).to_bytes(256)
    assert bare.endswith(b"\xff\x00" + digest)
    key.verify(answer("02", digest), b"message", padding.PKCS1v15(), SHA256())
    key.verify(answer("03", b"message"), b"message", padding.PKCS1v15(), SHA256())
    key.verify(answer("04", digest), digest, pss, Prehashed(SHA256()))
    key.verify(answer("05", b"message"), b"message", pss, SHA256())
    assert card("802A0697010100") == "6A86"


def test_signing_needs_a_key(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("802A0080010100") == "6986"
    card.file("0018")
    assert card("802A0080010100") == "6981"
    assert card("802A0085010100") == "6A88"
    assert card("802A0000010100") == "6A86"
    assert card("802A0096010100") == "6A88"  # a key file without a private key of the holder


def test_next_card_signs_with_p384(terminal: Callable[..., Any], next_material: JpkiMaterial) -> None:
    card = terminal(algorithm="ec")
    card.pin("001B", "TEST1234")
    digest = bytes(range(48))
    answer = card("802A009A30", digest, "00")
    assert len(answer) == 2 * 96 + 4
    raw = bytes.fromhex(answer[:-4])
    der = encode_dss_signature(int.from_bytes(raw[:48]), int.from_bytes(raw[48:]))
    key = public_key(next_material, "001B")
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(der, digest, ec.ECDSA(Prehashed(SHA384())))
    with pytest.raises(InvalidSignature):
        key.verify(der, bytes(48), ec.ECDSA(Prehashed(SHA384())))
    assert card("802A009A2F", bytes(47), "00") == "6700"
    assert card("802A019A30", digest, "00") == "6A86"
    assert card("802A009A30", digest, "5F") == "6C60"


# --- not issued


def test_child_has_no_signature_certificate(terminal: Callable[..., Any]) -> None:
    card = terminal(signature_certificate=None, signature_key=None, signature_pin="")
    card.file("0008")
    assert card("00B0000003") == "008F009000"
    assert card.tries("001B") == "63C0"
    assert card.pin("001B", "ABC123") == "6984"
    card.file("0001")
    assert card("00B0000004") == "6982"
    assert card.pin("0018", "1234") == "9000"
    card.file("0017")
    assert card("802A0080010100")[-4:] == "9000"


def test_signature_certificate_not_issued_though_its_pin_is_set(terminal: Callable[..., Any]) -> None:
    card = terminal(signature_certificate=None, signature_key=None)
    assert card.pin("001B", "TEST1234") == "9000"
    card.file("0001")
    assert card("00B0000004") == "FFFFFFFF9000"
    card.file("001A")
    assert card("802A0080010100") == "6A88"


def test_only_the_signature_certificate(terminal: Callable[..., Any]) -> None:
    card = terminal(user_authentication_certificate=None, user_authentication_key=None)
    card.file("0008")
    assert card("00B0000003") == "8F00009000"
    card.file("000A")
    assert card("00B0000004") == "FFFFFFFF9000"


# --- commands that no key of these applications answers


def test_internal_authenticate(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("008800970401020304" + "00") == "6982"
    assert card("008800990401020304" + "00") == "6985"
    assert card("008800000401020304" + "00") == "6985"


def test_session_keys_and_terminal_authentication(terminal: Callable[..., Any]) -> None:
    card = terminal()
    assert card("80AE0000", "000100", bytes(256)) == "6982"  # the sheet's section 4.6: 66F1 is for other applications
    assert card("80A206C1", "04", bytes(4)) == "6985"
