"""The applications of the My Number Card beside JPKI, read by a second implementation of what is published.

No foreign program that runs here verifies them, so this reader was written from the My Number Card sheet, sections 3
and 4, for the test alone: tags by hand, signatures by a bare modular power, AES by the block.
"""

import io
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from PIL import Image

from honnin.sandbox.cards import open_emulated
from honnin.sandbox.cards.apdu import parse
from honnin.sandbox.cards.session_key import SessionKey
from honnin.sandbox.jlis.card_facts import CardFacts, individual_number
from honnin.sandbox.jlis.card_files import attributes
from honnin.sandbox.jlis.card_signing import obj
from honnin.sandbox.opening import open_world
from honnin.sandbox.people import persons

FACE, SUPPORT, COMMON, REGISTER = (f"D39210003100010104{n}" for n in ("02", "08", "", "01"))
LICENCE = "A0000002310600000000000000000000"
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class Terminal:
    def __init__(self, target: str, data: Path) -> None:
        self.card = open_emulated(target, data)
        self.keys = next(
            one["document_keys"] for one in open_world(data).people() if one["id"] == target.split("/", maxsplit=1)[0]
        )

    def __call__(self, apdu: str, more: bytes = b"") -> str:
        return self.card.transmit(bytes.fromhex(apdu) + more).hex()

    def enter(self, aid: str) -> None:
        aid = "D3921000310001010100" if aid == COMMON else aid
        assert self(f"00A4040C{len(aid) // 2:02X}{aid}") == "9000"

    def verify(self, file: str, value: str) -> str:
        assert self("00A4020C02" + file) == "9000"
        return self(f"00200080{len(value):02X}", value.encode())

    def read(self, file: str) -> bytes:
        assert self("00A4020C02" + file) == "9000"
        content = b""
        while True:
            answer = self.card.transmit(bytes.fromhex("00B0") + len(content).to_bytes(2) + b"\x00")
            if answer == b"\x6b\x00":
                return content
            assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
            content += answer[:-2]

    def card_key(self, name: str) -> str:
        return str(self.keys["my_number_card"][name])


def inside(octets: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Return value and whole bytes of each object, two-byte tags, lengths minimal or not."""
    found = {}
    at = 0
    while at < len(octets) and octets[at : at + 2] != b"\xff\xff":
        start, tag = at, int.from_bytes(octets[at : at + 2])
        size, at = octets[at + 2], at + 3
        if size > 0x80:
            size, at = int.from_bytes(octets[at : at + size - 0x80]), at + size - 0x80
        assert at + size <= len(octets)
        found[tag] = (octets[at : at + size], octets[start : at + size])
        at += size
    return found


def public(octets: bytes) -> tuple[int, int]:
    """Return modulus and exponent of an object of 265 bytes."""
    assert (len(octets), octets[:5].hex(), octets[5:9].hex()) == (265, "9003010001", "91820100")
    return int.from_bytes(octets[9:]), 65537


def right(key: tuple[int, int], info: bytes, signature: bytes) -> bool:
    block = pow(int.from_bytes(signature), key[1], key[0]).to_bytes(256)
    return block == b"\x00\x01" + b"\xff" * (253 - len(info)) + b"\x00" + info


def over(message: bytes) -> bytes:
    return SHA256_INFO + sha256(message).digest()


def issuer(terminal: Terminal, data: Path) -> tuple[tuple[int, int], str]:
    """Return the municipality's key of the CV certificate, and what became of its signature."""
    certificate = terminal.read("0004")
    assert len(certificate) == 568
    parts = inside(inside(certificate)[0x7F21][0])
    body, signature = parts[0x5F4E][0], parts[0x5F37][0]
    assert len(body) == 297
    known = dict(open_world(data).document_trust()["my_number_card"])
    if body[:16] not in known:
        return public(body[32:]), "unknown CA"
    key = load_der_public_key(known[body[:16]])
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    return public(body[32:]), "passed" if right((numbers.n, numbers.e), over(body), signature) else "failed"


def proofs(target: str, data: Path) -> dict[str, str]:
    """Return the result of every proof of the two applications."""

    def said(value: bool) -> str:
        return "passed" if value else "failed"

    terminal = Terminal(target, data)
    found = {}
    terminal.enter(SUPPORT)
    assert terminal.verify("0011", terminal.card_key("input_support")) == "9000"
    key, found["support CA"] = issuer(terminal, data)
    signed = inside(inside(terminal.read("0003"))[0xFF30][0])
    found["digests"] = said(right(key, over(signed[0xDF31][1] + signed[0xDF32][1]), signed[0xDF33][0]))
    found["number"] = said(sha256(terminal.read("0001")).digest() == signed[0xDF31][0])
    items = inside(inside(terminal.read("0002"))[0xFF20][0])
    covered = b"".join(items[tag][1] for tag in range(0xDF22, 0xDF26))
    found["items"] = said(sha256(covered).digest() == signed[0xDF32][0])
    own = inside(inside(terminal.read("0007"))[0xFF50][0])
    found["support key"] = said(right(key, over(own[0xDF51][1]), own[0xDF52][0]))
    challenge = over(b"a challenge of the verifier")
    answer = bytes.fromhex(terminal("802A000033", challenge + b"\x00"))[:-2]
    found["support chip"] = said(right(public(own[0xDF51][0]), challenge, answer))

    terminal.enter(FACE)
    number_a = terminal.card_key("number_a")
    assert terminal.verify("0013", number_a) == "9000"
    key, found["face CA"] = issuer(terminal, data)
    face = inside(inside(terminal.read("0002"))[0xFF20][0])
    parts = [b"".join(face[tag][1] for tag in tags) for tags in ((0xDF22, 0xDF23, 0xDF24), (0xDF25, 0xDF26), (0xDF27,))]
    info = bytes.fromhex("3071300d060960864801650304020105000460") + b"".join(sha256(part).digest() for part in parts)
    found["face"] = said(right(key, info, face[0xDF28][0]))
    number = inside(inside(terminal.read("0005"))[0xFF40][0])
    found["number picture"] = said(right(key, over(number[0xDF41][1] + number[0xDF42][1]), number[0xDF43][0]))
    answer = bytes.fromhex(terminal("802A000033", challenge + b"\x00"))[:-2]
    found["face chip"] = said(right(public(face[0xDF24][0]), challenge, answer))
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cards")


def test_all_proofs_of_a_genuine_card(shared: Path) -> None:
    assert set(proofs("hanako", shared).values()) == {"passed"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("altered_text", {"items": "failed", "face": "failed"}),
        ("altered_portrait", {"face": "failed"}),
        ("altered_expiry", {}),  # not signed
        ("copied", {"support chip": "failed", "face chip": "failed"}),
        ("wrong_issuer", {"support CA": "unknown CA", "face CA": "unknown CA"}),
        ("forged_issuer", {"support CA": "failed", "face CA": "failed"}),
        ("swapped_files", {"number": "failed", "support key": "failed"}),
        ("altered_licence", {}),
    ],
)
def test_forgeries(shared: Path, fault: str, expected: dict[str, str]) -> None:
    found = proofs(f"hanako/my_number_card:{fault}", shared)
    assert {name: result for name, result in found.items() if result != "passed"} == expected


def test_text(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(SUPPORT)
    assert terminal.verify("0015", terminal.card_key("number_b")) == "9000"
    content = terminal.read("0002")
    items = inside(inside(content)[0xFF20][0])
    assert [items[tag][0].decode() for tag in range(0xDF22, 0xDF26)] == [
        "見本　花子",
        "東京都千代田区見本町一丁目２番３号",
        "19900412",
        "2",
    ]
    for place, tag in enumerate(range(0xDF22, 0xDF26)):
        at = int.from_bytes(items[0xDF21][0][2 * place : 2 * place + 2])
        assert content[at : at + 2] == tag.to_bytes(2)
    assert terminal("00A4020C020001") == "9000"
    assert terminal("00B0000011") == "6982"  # number B does not open the individual number
    assert len(terminal.read("0003")) == 336


def test_the_number_and_its_check_digit(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    number = terminal.card_key("number_a")
    terminal.enter(SUPPORT)
    assert terminal.verify("0014", number) == "9000"
    assert terminal.read("0001") == b"\xff\x10\x0c" + number.encode() + b"\xff\xff"
    assert terminal("00A4020C020002") == "9000"
    assert terminal("00B0000011") == "6982"  # nor number A the four items
    total = sum(int(d) * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(number[10::-1], 1)) % 11
    assert int(number[11]) == (0 if total <= 1 else 11 - total)
    assert number.startswith("00000")


def test_numbers_differ() -> None:
    assert len({individual_number(one.id) for one in persons()}) == len(persons())


def test_the_sheets_example_of_the_items() -> None:
    """Section 3.3: the published 95 bytes of a person who is no one's, and the digest of the published number."""
    nobody = CardFacts(
        person="",
        card="",
        name="日本　太郎",
        address="東京都千代田区霞が関１－２－３",
        birth="19900401",
        sex="1",
        municipality="13101",
        expiry="20350401",
        serial="",
        number_a="123456789018",
        security_code="",
        birth_key="",
    )
    made = attributes(nobody)
    assert made[:95].hex() == (
        "ff205cdf2108000e00200050005bdf220fe697a5e69cace38080e5a4aae9838edf232de69db1e4baace983bde58d83e4bba3e794b0"
        "e58cbae99c9ee3818ce996a2efbc91efbc8defbc92efbc8defbc93df24083139393030343031df250131"
    )
    digest = "ceef17612149b4bf0178a52188e3d11f8bd3433c8892d4e88b79db9178fbe399"
    assert sha256(made[14:95]).hexdigest() == digest
    number = obj(0xFF10, nobody.number_a.encode()) + b"\xff\xff"
    assert sha256(number).hexdigest() == "c60c415d94405f03e9c454a8bae073837d2c619925196526852fe61d9c58422d"


def test_age_record_by_birth_date(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(FACE)
    assert terminal.verify("0011", "020412") == "9000"  # Heisei 2
    record = terminal.read("0001")
    assert len(record) == 547
    parts = inside(inside(record)[0xFF10][0])
    assert parts[0xDF11][0] == b"19900412"
    key, _ = issuer(terminal, shared)
    covered = parts[0xDF11][1] + parts[0xDF12][1]
    assert len(covered) == 281
    assert right(key, over(covered), parts[0xDF13][0])
    assert terminal("00A4020C020002") == "9000"
    assert terminal("00B0000010") == "6982"


def test_pictures(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(FACE)
    assert terminal.verify("0012", terminal.card_key("number_b")) == "9000"
    face = inside(inside(terminal.read("0002"))[0xFF20][0])
    shapes = {tag: Image.open(io.BytesIO(face[tag][0])) for tag in (0xDF25, 0xDF26, 0xDF27, 0xDF2A)}
    assert {tag: (one.format, one.mode, one.size) for tag, one in shapes.items()} == {
        0xDF25: ("PNG", "1", (216, 12)),
        0xDF26: ("PNG", "1", (288, 24)),
        0xDF27: ("JPEG2000", "L", (192, 240)),
        0xDF2A: ("PNG", "1", (24, 12)),
    }
    assert face[0xDF27][0][4:8] == b"jP  "
    assert face[0xDF29][0].decode()[:4] == terminal.card_key("number_b")[6:10]
    assert terminal("00A4020C020005") == "9000"
    assert terminal("00B0000010") == "6982"  # the picture of the number needs number A


def test_what_every_application_refuses_without_a_pin(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    for aid, files in ((SUPPORT, ("0001", "0002", "0003", "0006", "0007")), (FACE, ("0001", "0002", "0005"))):
        terminal.enter(aid)
        for file in files:
            assert terminal("00A4020C02" + file) == "9000"
            assert terminal("00B0000010") == "6982"


def test_common_record_and_authentication(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(COMMON)
    record = bytes.fromhex(terminal("00B2010C00"))[:-2]
    assert record[:2].hex() == "011c"
    serial, municipality, expiry = record[2:17], record[17:22], record[22:30]
    assert serial.startswith(b"4000000")
    assert municipality == b"13101"
    assert expiry.decode()[:4] == terminal.card_key("number_b")[6:10]
    assert len(bytes.fromhex(terminal("0088009908" + "00" * 8 + "00"))[:-2]) == 256
    assert terminal("802A009901" + "00" * 2) == "6985"


def test_resident_register_is_closed(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(REGISTER)
    assert terminal.verify("001C", terminal.card_key("resident_register")) == "9000"
    assert terminal("00B2010C00") == "6982"


def test_objects_of_the_issuer_domain(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    assert bytes.fromhex(terminal("00CA00F000"))[:-2] == b"13101"
    assert len(bytes.fromhex(terminal("00CA004200"))[:-2]) == 16


def test_expired_card(shared: Path) -> None:
    terminal = Terminal("hanako/my_number_card:expired", shared)
    terminal.enter(COMMON)
    assert int(bytes.fromhex(terminal("00B2010C00"))[22:26]) < open_world(shared).now().year


def test_birth_dates_of_foreigners_and_of_unknown_days(shared: Path) -> None:
    for person, key in (("anna", "870801"), ("toki", "160000")):
        terminal = Terminal(person, shared)
        terminal.enter(FACE)
        assert terminal.verify("0011", key) == "9000"


# --- session key messaging (4.6)


def cbc(key: bytes, number: int) -> "Cipher[modes.CBC]":
    zero = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the first block of CBC with a zero IV
    return Cipher(algorithms.AES(key), modes.CBC(zero.update(number.to_bytes(16))))


def padded(octets: bytes) -> bytes:
    octets += b"\x80"
    return octets + bytes(-len(octets) % 16)


def session(terminal: Terminal) -> bytes:
    terminal.enter(SUPPORT)
    assert terminal("80AE00000000FF", b"\x00" * 255) == "6982"
    assert terminal.verify("0011", terminal.card_key("input_support")) == "9000"
    delivery = terminal.read("0006")
    assert delivery[:4].hex() == "a1820109"
    modulus, exponent = public(delivery[4:])
    seed = bytes(range(32))
    scheme = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    hidden = rsa.RSAPublicNumbers(exponent, modulus).public_key().encrypt(bytes.fromhex("A0228020") + seed, scheme)
    assert terminal("80AE0000000100", hidden) == "9000"
    return seed[:16]


def protected(key: bytes, number: int, header: str, data: bytes) -> bytes:
    hidden = b"\x01" + cbc(key, number).encryptor().update(padded(data))
    return bytes.fromhex(header) + bytes((len(hidden) + 2, 0x86, len(hidden))) + hidden


def test_reading_in_a_session(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    key = session(terminal)
    number = terminal.card_key("number_a")
    assert terminal.card.transmit(protected(key, 1, "082000 94", number.encode())).hex() == "9000"
    assert terminal.card.transmit(protected(key, 2, "08A4020C", bytes.fromhex("0001"))).hex() == "9000"
    answer = terminal.card.transmit(bytes.fromhex("08B000000000059603000011 0000"))
    assert answer[-2:].hex() == "9000"
    assert answer[:3].hex() == "862101"
    plain = cbc(key, 3).decryptor().update(answer[3:-2])
    assert plain.rstrip(b"\x00")[:-1] == b"\xff\x10\x0c" + number.encode() + b"\xff\xff"


def test_a_refused_command_counts_too(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    key = session(terminal)
    assert terminal.card.transmit(protected(key, 1, "08A4020C", bytes.fromhex("0099"))).hex() == "6a82"
    assert terminal.card.transmit(protected(key, 2, "08A4020C", bytes.fromhex("0001"))).hex() == "9000"
    assert terminal.card.transmit(protected(key, 2, "08A4020C", bytes.fromhex("0001"))).hex() == "6988"
    assert terminal.card.transmit(protected(key, 3, "08A4020C", bytes.fromhex("0001"))).hex() == "69fc"


@pytest.mark.parametrize(
    ("apdu", "status"),
    [("08B0000000000596030000110000", "69fc"), ("0CB0000000000596030000110000", "6987")],
)
def test_no_session(shared: Path, apdu: str, status: str) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(SUPPORT)
    assert terminal(apdu) == status


def test_the_sheets_vector() -> None:
    """Section 4.6: key 000102…0F, VERIFY with N = 1, SELECT with N = 2."""
    chip = SessionKey(bytes(range(16)))
    verify = chip.opened(parse(bytes.fromhex("0820009413861101CE94087DDB727AD1CFAEA2218834B674")))
    assert verify.body == b"123456789018"
    select = chip.opened(parse(bytes.fromhex("08A4020C1386110146D4CAAC313B21DA35E3FE7C435C3150")))
    assert select.body.hex() == "0001"


def test_other_applications_deliver_no_key(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    terminal.enter(FACE)
    assert terminal("80AE0000000100", bytes(256)) == "66f1"
    terminal.enter("D392F000260100000001")
    assert terminal("80AE0000000100", bytes(256)) == "6982"


# --- the licence in the free area


def test_licence_application(shared: Path) -> None:
    terminal = Terminal("hanako", shared)
    for closed in ("4", "5"):
        assert terminal(f"00A4040C10A0000002310{closed}00000000000000000000") == "6a82"
    terminal.enter(LICENCE)
    assert terminal("00200086") == "63ca"
    assert terminal("00200082") == "6a82"
    assert terminal("00B09A0000") == "c101019000"
    assert terminal("00B09B0000") == "6982"
    assert terminal("0020008604", b"4321") == "9000"
    data, proof = terminal.read("001B"), terminal.read("001C")
    assert (len(data), len(proof)) == (5845, 584)
    values = licence_fields(data)
    assert list(values) == [*range(0xC2, 0x100), *range(0x0100, 0x0108)]
    assert (b"\x1b$B" + values[0xC4]).decode("iso2022_jp") == "優良"
    assert values[0xC5].isdigit()
    assert values[0xED] == b"\x01"  # an ordinary licence
    assert values[0xEC] == b"\x00"  # and no large one
    assert values[0x0107][:4].hex() == "ff4fff51"
    signed = licence_fields(proof)
    assert [len(value) for value in signed.values()] == [256, 16, 48, 80, 130, 32]
    key = load_der_public_key(dict(open_world(shared).document_trust()["drivers_licence"])[signed[0x010D]])
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    assert right((numbers.n, numbers.e), over(data), signed[0x0108])


def licence_fields(octets: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets) and not (octets[at] == 0xFF and 0xFF in found):
        tag, at = octets[at], at + 1
        if tag == 0x01:
            tag, at = 0x0100 | octets[at], at + 1
        size, at = octets[at], at + 1
        if size == 0x82:
            size, at = int.from_bytes(octets[at : at + 2]), at + 2
        found[tag] = octets[at : at + size]
        at += size
    return found


def test_altered_licence(shared: Path) -> None:
    terminal = Terminal("hanako/my_number_card:altered_licence", shared)
    terminal.enter(LICENCE)
    terminal("0020008604", b"4321")
    altered = terminal.read("001B")
    genuine = Terminal("hanako", shared)
    genuine.enter(LICENCE)
    genuine("0020008604", b"4321")
    assert altered != genuine.read("001B")
    assert terminal.read("001C") == genuine.read("001C")


def test_who_has_no_licence_application(shared: Path) -> None:
    assert Terminal("taro", shared)("00A4040C10" + LICENCE) == "6a82"


def test_licence_without_a_pin(shared: Path) -> None:
    terminal = Terminal("meiko", shared)
    terminal.enter(LICENCE)
    assert terminal("00B09A0000")[:6] == "c10100"
    assert terminal("0020008604", b"1234") == "63c9"
    assert terminal("0020008604", b"****") == "9000"


def test_lengths_that_are_not_minimal() -> None:
    assert obj(0xDF43, bytes(128), wide=True)[:5].hex() == "df43820080"
    assert obj(0xFF20, bytes(0x83))[:4].hex() == "ff208183"
