"""A My Number Card made of bytes by the my-number-card sheet §3, §4, for the readers' tests; its own encoder."""

from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.chip.scripted import Folder, ScriptedCard

from honnin.chip.document import TrustedKey

CARD_FACE = bytes.fromhex("D3921000310001010402")
INPUT_SUPPORT = bytes.fromhex("D3921000310001010408")
COMMON = bytes.fromhex("D3921000310001010100")
RESIDENT_REGISTER = bytes.fromhex("D3921000310001010401")
ISSUER_DOMAIN = bytes.fromhex("A0000001510000")
NUMBER, NUMBER_B, BIRTH = "123456789018", "55021720352285", "550217"
CA_ID = b"6000023\x08\x05001\0\0\0\0"
SIGNER_ID = b"1322121\x08\x05000\0\0\0\0"
FOUR_ITEMS = bytes.fromhex(
    "FF205CDF2108000E00200050005BDF220FE697A5E69CACE38080E5A4AAE9838EDF232DE69DB1E4BAACE983BDE58D83E4BBA3E794B0E58CBA"
    "E99C9EE3818CE996A2EFBC91EFBC8DEFBC92EFBC8DEFBC93DF24083139393030343031DF250131"
)
NUMBER_FILE = bytes.fromhex("FF100C313233343536373839303138FFFF")
PORTRAIT = b"\0\0\0\x0cjP  " + bytes(range(256)) * 12
KEYS: list[rsa.RSAPrivateKey] = []


def keys() -> list[rsa.RSAPrivateKey]:
    """CA, signer, chip."""
    while len(KEYS) < 3:
        KEYS.append(rsa.generate_private_key(65537, 2048))
    return KEYS


def tlv(tag: int, value: bytes) -> bytes:
    """Lengths as genuine cards write them: one byte, else `82 hh ll` even where 81 would do."""
    length = bytes((len(value),)) if len(value) < 128 else b"\x82" + len(value).to_bytes(2, "big")
    return tag.to_bytes(1 if tag < 256 else 2, "big") + length + value


def key_object(key: rsa.RSAPrivateKey) -> bytes:
    modulus = key.public_key().public_numbers().n.to_bytes(256, "big")
    return bytes.fromhex("9003010001") + b"\x91\x82\x01\x00" + modulus


def plain(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def raw(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    """A PKCS#1 block of type 1 around any content."""
    numbers = key.private_numbers()
    block = b"\0\1" + b"\xff" * (253 - len(content)) + b"\0" + content
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def cv_certificate(ca: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey) -> bytes:
    body = CA_ID + SIGNER_ID + key_object(signer)
    assert len(body) == 297
    return tlv(0x7F21, tlv(0x5F4E, body) + tlv(0x5F37, plain(ca, body)))


def face(signer: rsa.RSAPrivateKey, chip: rsa.RSAPrivateKey) -> bytes:
    objects = {
        0xDF22: b"19800217",
        0xDF23: b"2",
        0xDF24: key_object(chip),
        0xDF25: b"\x89PNG name",
        0xDF26: b"\x89PNG address" * 20,
        0xDF27: PORTRAIT,
    }
    stored = {tag: tlv(tag, value) for tag, value in objects.items()}
    groups = ((0xDF22, 0xDF23, 0xDF24), (0xDF25, 0xDF26), (0xDF27,))
    digests = b"".join(sha256(b"".join(stored[tag] for tag in group)).digest() for group in groups)
    signature = raw(signer, bytes.fromhex("3071300D060960864801650304020105000460") + digests)
    tail = tlv(0xDF28, signature) + tlv(0xDF29, b"20350217") + tlv(0xDF2A, b"\x89PNG code")
    return tlv(0xFF20, tlv(0xDF21, bytes(18)) + b"".join(stored.values()) + tail) + b"\xff\xff"


class NumberCard(ScriptedCard):
    """The scripted card with card face, input support, common and resident register applications."""

    def __init__(self, *, clone: bool = False) -> None:
        ca, signer, chip = keys()
        certificate = cv_certificate(ca, signer)
        digests = tlv(0xDF31, sha256(NUMBER_FILE).digest()) + tlv(0xDF32, sha256(FOUR_ITEMS[14:]).digest())
        signed = tlv(0xFF30, digests + tlv(0xDF33, plain(signer, digests)))
        age = tlv(0xDF11, b"19800217") + tlv(0xDF12, key_object(chip))
        number_image = tlv(0xDF41, b"\x89PNG number") + tlv(0xDF42, key_object(chip))
        chip_key = tlv(0xDF51, key_object(chip))
        holder = signer if clone else chip
        either = "any"
        face_files = {
            1: tlv(0xFF10, age + tlv(0xDF13, plain(signer, age))),
            2: face(signer, chip),
            3: tlv(0xFF30, tlv(0xDF31, b"\6\3\x0e\1") + tlv(0xDF33, b"\1") + tlv(0xDF34, b"13221")),
            4: certificate,
            5: tlv(0xFF40, number_image + tlv(0xDF43, plain(signer, number_image))),
        }
        support_files = {
            1: NUMBER_FILE,
            2: FOUR_ITEMS,
            3: signed,
            4: certificate,
            7: tlv(0xFF50, chip_key + tlv(0xDF52, plain(signer, chip_key))),
        }
        sign = lambda info: raw(holder, info)  # noqa: E731
        folders = {
            CARD_FACE: Folder(
                face_files, {1: ("bd",), 2: (either, "a", "b"), 5: ("a",)}, {0x11: "bd", 0x12: "b", 0x13: "a"}, {}, sign
            ),
            INPUT_SUPPORT: Folder(
                support_files,
                {
                    1: (either, "pin", "a"),
                    2: (either, "pin", "b"),
                    3: (either, "pin", "a", "b"),
                    7: (either, "pin", "a", "b"),
                },
                {0x11: "pin", 0x14: "a", 0x15: "b"},
                {},
                sign,
            ),
            COMMON: Folder(records={1: b"\x01\x1c400000012719843132212035021" + b"7"}),
            RESIDENT_REGISTER: Folder(),
            ISSUER_DOMAIN: Folder(),
        }
        pins = {
            "bd": (BIRTH.encode(), 10),
            "b": (NUMBER_B.encode(), 10),
            "a": (NUMBER.encode(), 10),
            "pin": (b"1357", 3),
        }
        super().__init__(folders, pins)

    def trusted(self, *, key_id: bytes = CA_ID) -> TrustedKey:
        spki = (
            keys()[0]
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return TrustedKey("my_number_card", key_id, spki)

    def flip(self, application: bytes, file: int, at: int) -> None:
        content = bytearray(self.folders[application].files[file])
        content[at] ^= 1
        self.folders[application].files[file] = bytes(content)
