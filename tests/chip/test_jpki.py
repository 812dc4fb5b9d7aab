"""The JPKI application over a card that answers by table: which APDUs are sent, what becomes of each answer."""

from collections.abc import Callable
from hashlib import sha256, sha384
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from honnin.chip import MyNumberCard, Pin, Transcript
from honnin.errors import CardError, FormatError, HonninError, InputError, PinError

SELECT_JPKI = "00A4040C0AD392F000260100000001"
SELECT_ISSUER_DOMAIN = "00A4040C07A0000001510000"
SIGNATURE_PIN = "0020009B06414243313233"
AUTHENTICATION_PIN = "002000980431323334"
SHA256_PREFIX = "3031300D060960864801650304020105000420"
TOKEN = (
    b"JPKIAPICCTOKEN2".ljust(32)
    + b"00000000000000000000000000000001"
    + b"E16R01NJ".ljust(16)
    + b"0000000020500003"
    + bytes.fromhex("0000040D")
    + bytes.fromhex("00000001000000000000000100000000")
    + bytes.fromhex("0000001000000006")
    + b"\xff" * 16
    + b"0301"
    + b"9" * 16
)


def open_pins() -> dict[str, Any]:
    return {"0020009B": "63C5", "00200098": "63C3", SIGNATURE_PIN: "9000", AUTHENTICATION_PIN: "9000"}


def signing(reference: str, digest: bytes) -> str:
    return f"802A00{reference}33{SHA256_PREFIX}{digest.hex().upper()}00"


def test_detect_by_aid(table_card: Any) -> None:
    assert MyNumberCard(table_card({})).jpki.detect().present
    others = [f"00A4040C0AD392100031000101{end}" for end in ("0402", "0408", "0100", "0401")]
    others.append("00A4040C10A0000002310600000000000000000000")
    found = MyNumberCard(table_card(dict.fromkeys((SELECT_JPKI, *others), "6A82"))).detect()
    assert {(one.present, one.generation) for one in found} == {(False, None)}


def test_a_card_without_the_application(table_card: Any) -> None:
    card = MyNumberCard(table_card({SELECT_JPKI: "6A82"}))
    with pytest.raises(CardError, match=r"card\.application_missing"):
        card.jpki.tries()


def test_token_information(table_card: Any) -> None:
    token = MyNumberCard(table_card({"00B08600A0": TOKEN.hex() + "9000"})).jpki.token()
    assert (token.label, token.carrier, token.model) == ("JPKIAPICCTOKEN2", "my_number_card", "E16R01NJ")
    assert (token.serial_number, token.flags) == ("0000000020500003", 0x40D)
    assert (token.longest_pin, token.shortest_pin) == (16, 6)
    assert (token.most_sessions, token.sessions, token.most_writing_sessions, token.writing_sessions) == (1, 0, 1, 0)
    assert (token.total_public_memory, token.free_private_memory) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert token.utc_time == "9" * 16


@pytest.mark.parametrize(
    ("label", "carrier"),
    [
        (b"JPKIAPICCTOKEN", "resident_register_card"),
        (b"JPKIAPGPSETOKEN\0\0", "android"),
        (b"JPKIAPIOSTOKEN", "iphone"),
        (b"SOMETHING NEW", "unknown"),
        (b"\xff\xfe\n", "unknown"),
    ],
)
def test_carrier_from_label(table_card: Any, label: bytes, carrier: str) -> None:
    content = label.ljust(32) + TOKEN[32:]
    token = MyNumberCard(table_card({"00B08600A0": content.hex() + "9000"})).jpki.token()
    assert token.carrier == carrier
    assert token.label.isprintable()


def test_short_token_information(table_card: Any) -> None:
    card = table_card({"00B08600A0": TOKEN[:32].hex() + "9000", "00B0002020": "6B00", "00B0002080": "6B00"})
    with pytest.raises(FormatError, match=r"chip\.token_info_malformed"):
        MyNumberCard(card).jpki.token()


@pytest.mark.parametrize(
    ("content", "both"), [("8F8F00", (True, True)), ("008F00", (False, True)), ("8F0000", (True, False))]
)
def test_which_certificates_exist(table_card: Any, content: str, both: tuple[bool, bool]) -> None:
    issued = MyNumberCard(table_card({"00B0880003": content + "9000"})).jpki.issued()
    assert (issued.signature, issued.user_authentication) == both


def test_signature_certificate_needs_its_pin_before_the_card_is_asked(table_card: Any) -> None:
    card = table_card({})
    with pytest.raises(PinError, match=r"card\.pin_required"):
        MyNumberCard(card).jpki.certificate("signature")
    assert card.sent == []


def test_a_phone_wants_the_pin_for_the_authentication_certificate(table_card: Any) -> None:
    card = table_card({"00B08A0000": "6982"})
    with pytest.raises(PinError, match=r"card\.pin_required"):
        MyNumberCard(card).jpki.certificate("user_authentication")


@pytest.mark.parametrize(
    "answer", ["FF" * 256 + "9000", "00" * 256 + "9000", "9000", "6282", "6A82", "6B00", "6981", "6985", "6A83", "6A88"]
)
def test_not_issued_is_an_answer(table_card: Any, answer: str) -> None:
    card = table_card({"00B08A0000": answer, "00A4020C02000A": "9000", "00B0000000": answer})
    assert MyNumberCard(card).jpki.certificate("user_authentication") is None


def test_a_broken_card_is_an_error(table_card: Any) -> None:
    with pytest.raises(CardError, match=r"card\.refused.*6F00"):
        MyNumberCard(table_card({"00B08A0000": "6F00"})).jpki.certificate("user_authentication")


def test_ca_certificates_are_free(table_card: Any, certificate: bytes) -> None:
    reader = table_card({})
    reader.add_file(2, certificate)
    reader.add_file(0x0B, certificate)
    card = MyNumberCard(reader)
    assert card.jpki.certificate("signature_ca") == certificate
    assert card.jpki.certificate("user_authentication_ca") == certificate


def test_a_certificate_is_read_once_in_a_visit(table_card: Any, certificate: bytes) -> None:
    reader = table_card({})
    reader.add_file(0x0A, certificate)
    card = MyNumberCard(reader)
    card.jpki.certificate("user_authentication")
    before = len(reader.sent)
    assert card.jpki.certificate("user_authentication") == certificate
    assert len(reader.sent) == before
    card.leave()
    card.jpki.certificate("user_authentication")
    assert len(reader.sent) > before + 2


@pytest.mark.parametrize(
    ("algorithm", "made", "prefix"),
    [
        ("sha256", hashes.SHA256(), SHA256_PREFIX),
        ("sha384", hashes.SHA384(), "3041300D060960864801650304020205000430"),
        ("sha512", hashes.SHA512(), "3051300D060960864801650304020305000440"),
    ],
)
def test_signing_with_either_key(
    table_card: Any,
    sign_raw: Callable[[bytes], bytes],
    check_signature: Callable[..., None],
    algorithm: str,
    made: hashes.HashAlgorithm,
    prefix: str,
) -> None:
    hasher = hashes.Hash(made)
    hasher.update(b"message")
    digest = hasher.finalize()
    info = bytes.fromhex(prefix) + digest
    apdu = f"33{info.hex()}00" if len(info) == 51 else f"{len(info):02X}{info.hex()}00"
    value = sign_raw(info)
    table = open_pins() | {f"802A00{key}{apdu}".upper(): value.hex() + "9000" for key in ("9A", "97")}
    card = MyNumberCard(table_card(table))
    card.jpki.unlock(Pin("signature", "ABC123"))
    card.jpki.unlock(Pin("user_authentication", "1234"))
    for key in ("signature", "user_authentication"):
        signature = card.jpki.sign(key, digest, algorithm=algorithm)
        check_signature(signature.value, b"message", made)
        assert (signature.key, signature.algorithm) == (key, algorithm)
        assert value.hex() not in repr(signature)


def test_signing_without_short_ids(table_card: Any) -> None:
    digest = bytes(32)
    table = open_pins() | {
        signing("9A", digest): "6A86",
        "00A4020C02001A": "9000",
        signing("80", digest): "AA" * 256 + "9000",
    }
    card = MyNumberCard(table_card(table))
    card.jpki.unlock(Pin("signature", "ABC123"))
    assert card.jpki.sign("signature", digest).value == b"\xaa" * 256


@pytest.mark.parametrize(
    ("answer", "code"),
    [("6982", "card.pin_required"), ("6A80", "card.refused"), ("00" * 63 + "9000", "card.answer_malformed")],
)
def test_signing_refused(table_card: Any, certificate: bytes, answer: str, code: str) -> None:
    reader = table_card(open_pins() | {signing("9A", bytes(32)): answer})
    reader.add_file(1, certificate)
    card = MyNumberCard(reader)
    card.jpki.unlock(Pin("signature", "ABC123"))
    with pytest.raises(CardError, match=code):
        card.jpki.sign("signature", bytes(32))


@pytest.mark.parametrize("refusal", ["6A80", "6700", "AA" * 96 + "9000"])
@pytest.mark.parametrize("read_first", [True, False])
def test_a_key_on_a_curve_is_given_the_digest(
    table_card: Any, curve_certificate: bytes, refusal: str, read_first: bool
) -> None:
    """The next generation: RSA's DigestInfo is not what it signs, whether it refuses it or signs it."""
    digest = bytes(range(48))
    wrapped = f"802A009A433041300D060960864801650304020205000430{digest.hex()}00".upper()
    bare = f"802A009A30{digest.hex()}00".upper()
    reader = table_card(open_pins() | {wrapped: refusal, bare: "BB" * 96 + "9000"})
    reader.add_file(1, curve_certificate)
    card = MyNumberCard(reader)
    card.jpki.unlock(Pin("signature", "ABC123"))
    if read_first:
        card.jpki.certificate("signature")
    made = card.jpki.sign("signature", digest, algorithm="sha384")
    assert (made.encoding, made.value) == ("raw_rs", b"\xbb" * 96)
    assert (wrapped in reader.sent) is not read_first


@pytest.mark.parametrize(
    ("digest", "algorithm", "code"),
    [
        (bytes(20), "sha256", "chip.digest_length"),
        (bytes(32), "sha384", "chip.digest_length"),
        (bytes(20), "sha1", "chip.hash_unknown"),
        (b"", "", "chip.hash_unknown"),
    ],
)
def test_what_is_no_digest_is_not_signed(table_card: Any, digest: bytes, algorithm: str, code: str) -> None:
    card = table_card(open_pins())
    jpki = MyNumberCard(card).jpki
    jpki.unlock(Pin("signature", "ABC123"))
    with pytest.raises(InputError, match=code):
        jpki.sign("signature", digest, algorithm=algorithm)
    assert not [sent for sent in card.sent if sent.startswith("802A")]


def test_the_card_is_left_even_when_something_fails(table_card: Any) -> None:
    card = table_card(open_pins() | {"00B08A0000": "6F00"})
    mine = MyNumberCard(card)
    mine.jpki.unlock(Pin("user_authentication", "1234"))
    with pytest.raises(CardError), mine:
        mine.jpki.certificate("user_authentication")
    assert card.sent[-1] == SELECT_ISSUER_DOMAIN
    with pytest.raises(PinError, match=r"card\.pin_required"):
        mine.jpki.sign("user_authentication", bytes(32))


def test_reading_what_is_open(table_card: Any, certificate: bytes) -> None:
    reader = table_card({"00B08600A0": TOKEN.hex() + "9000", "00B0880003": "8F8F009000"})
    for file_id in (2, 0x0A, 0x0B):
        reader.add_file(file_id, certificate)
    reading = MyNumberCard(reader).jpki.read()
    assert [file.name for file in reading.files] == [
        "token",
        "issued",
        "signature_ca",
        "user_authentication",
        "user_authentication_ca",
    ]
    assert reading.file("user_authentication") == certificate
    assert reading.file("signature") is None
    assert reading.values.token is not None
    assert reading.values.issued is not None
    assert "JPKIAPICC" not in repr(reading)


def test_reading_a_named_part_that_is_closed(table_card: Any) -> None:
    with pytest.raises(PinError, match=r"card\.pin_required"):
        MyNumberCard(table_card({})).jpki.read("signature")


@pytest.mark.parametrize("part", ["", "photo", "__class__", "TOKEN"])
def test_unknown_part(table_card: Any, part: str) -> None:
    with pytest.raises(InputError, match=r"chip\.part_unknown"):
        MyNumberCard(table_card({})).jpki.read(part)
    with pytest.raises(InputError, match=r"chip\.part_unknown"):
        MyNumberCard(table_card({})).jpki.certificate(part)


def read_and_sign(table_card: Any, certificate: bytes, purpose: str) -> Transcript:
    file_id, reference, pin = {"signature": (1, "9A", "ABC123"), "user_authentication": (10, "97", "1234")}[purpose]
    reader = table_card(open_pins() | {signing(reference, bytes(32)): "AA" * 256 + "9000"})
    reader.add_file(file_id, certificate)
    with MyNumberCard(reader) as card:
        card.jpki.unlock(Pin(purpose, pin))
        assert card.jpki.certificate(purpose) == certificate
        card.jpki.sign(purpose, bytes(32))
    return card.transcript


@pytest.mark.parametrize("purpose", ["signature", "user_authentication"])
def test_reading_a_certificate_and_signing_takes_12_apdus(table_card: Any, certificate: bytes, purpose: str) -> None:
    """SELECT, query, VERIFY, 7 reads of 1583 bytes, sign, SELECT issuer domain: none can be left out."""
    transcript = read_and_sign(table_card, certificate, purpose)
    assert len(certificate) == 1583
    assert len(transcript) == 12
    assert [exchange.header[2:4] for exchange in transcript.exchanges] == ["A4", "20", "20", *["B0"] * 7, "2A", "A4"]


def test_errors_are_of_the_family(table_card: Any) -> None:
    with pytest.raises(HonninError):
        MyNumberCard(table_card({SELECT_JPKI: "6D00"})).jpki.detect()


def test_a_message_is_hashed_as_its_key_wants(
    table_card: Any, certificate: bytes, curve_certificate: bytes, sign_raw: Callable[[bytes], bytes]
) -> None:
    """SHA-256 for RSA; SHA-384 for P-384, which shows when the card refuses the DigestInfo."""
    digest_256, digest_384 = sha256(b"message").digest(), sha384(b"message").digest()
    rsa = table_card(open_pins() | {signing("97", digest_256): "AA" * 256 + "9000"})
    curve = table_card(
        open_pins() | {signing("97", digest_256): "6A80", f"802A009730{digest_384.hex()}00".upper(): "BB" * 96 + "9000"}
    )
    for reader, content, expected in (
        (rsa, certificate, ("sha256", "pkcs1_v15", 256)),
        (curve, curve_certificate, ("sha384", "raw_rs", 96)),
    ):
        reader.add_file(0x0A, content)
        card = MyNumberCard(reader)
        card.jpki.unlock(Pin("user_authentication", "1234"))
        made = card.jpki.sign_message("user_authentication", b"message")
        assert (made.algorithm, made.encoding, len(made.value)) == expected


def test_a_message_with_an_unknown_digest(table_card: Any) -> None:
    card = MyNumberCard(table_card(open_pins()))
    card.jpki.unlock(Pin("user_authentication", "1234"))
    with pytest.raises(InputError, match=r"chip\.hash_unknown"):
        card.jpki.sign_message("user_authentication", b"message", algorithm="md5")


def test_a_key_that_is_not_there(table_card: Any) -> None:
    reader = table_card(open_pins() | {signing("9A", bytes(32)): "6A88", "00A4020C02001A": "6A82"})
    card = MyNumberCard(reader)
    card.jpki.unlock(Pin("signature", "ABC123"))
    with pytest.raises(CardError, match=r"card\.not_issued"):
        card.jpki.sign("signature", bytes(32))


def test_a_curve_signature_that_is_none(table_card: Any, curve_certificate: bytes) -> None:
    reader = table_card(open_pins() | {f"802A009A20{'00' * 32}00": "BB" * 40 + "9000"})
    reader.add_file(1, curve_certificate)
    card = MyNumberCard(reader)
    card.jpki.unlock(Pin("signature", "ABC123"))
    card.jpki.certificate("signature")
    with pytest.raises(CardError, match=r"card\.answer_malformed"):
        card.jpki.sign("signature", bytes(32))
