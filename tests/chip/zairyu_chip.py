"""A residence card's chip for the reader's tests: a second implementation of the published computation (sheet §4)."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.x509.oid import NameOID

from honnin.errors import ReaderError

NUMBER = "AB12345678CD"
DFS = {n: bytes.fromhex(f"D392F0004F0{n + 1}0000000000000000 0000".replace(" ", "")) for n in (1, 2, 3)}
AT = datetime(2026, 11, 26, tzinfo=UTC)
_MADE: dict[str, tuple[bytes, bytes, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {}


def tlv(tag: str, value: bytes) -> bytes:
    length = len(value)
    if length < 128:
        head = bytes((length,))
    elif length < 256:
        head = bytes((0x81, length))
    else:
        head = b"\x82" + length.to_bytes(2, "big")
    return bytes.fromhex(tag) + head + value


def authority(generation: int) -> tuple[bytes, bytes, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
    """CA certificate, card certificate, card key; 2048-bit RSA or P-384."""
    name = f"gen{generation}"
    if name not in _MADE:
        make = lambda: (  # noqa: E731
            rsa.generate_private_key(65537, 2048) if generation == 1 else ec.generate_private_key(ec.SECP384R1())
        )
        ca, card = make(), make()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox Zairyu CA")])
        signed = hashes.SHA256()

        def certificate(who: str, key: object, *, is_ca: bool) -> bytes:
            builder = (
                x509.CertificateBuilder()
                .subject_name(subject if is_ca else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)]))
                .issuer_name(subject)
                .public_key(key.public_key())  # type: ignore[attr-defined]
                .serial_number(7)
                .not_valid_before(AT - timedelta(days=100))
                .not_valid_after(AT + timedelta(days=1000))
                .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)  # type: ignore[attr-defined]
            )
            return builder.sign(ca, signed).public_bytes(serialization.Encoding.DER)

        _MADE[name] = certificate("CA", ca, is_ca=True), certificate("card", card, is_ca=False), card
    return _MADE[name]


class ZairyuChip:
    """A reader with such a card. most: bytes that an answer may carry; extended: whether extended lengths pass."""

    name, atr = "zairyu", b""

    def __init__(self, kind: str = "05", *, most: int = 65536, asn1: bool = False) -> None:
        self.generation = 1 if len(kind) == 1 else 2
        self.ca, certificate, key = authority(self.generation)
        self.most = most
        self.sent: list[bytes] = []
        self.lose_after: int | None = None
        portrait = b"\xff\x4f\xff\x51" + bytes(range(1, 200)) * 5
        picture = b"MM\0\x2a" + bytes(range(1, 250)) * 4
        free = {(0, 0x0B): tlv("C0", b"0001"), (0, 0x0A): tlv("C1", kind.encode())}
        if self.generation == 1:
            assert isinstance(key, rsa.RSAPrivateKey)
            front = picture.ljust(7000, b"\0")
            portrait = portrait.ljust(3000, b"\0")
            signature = key.sign(front + portrait, padding.PKCS1v15(), hashes.SHA256())
            self.files = free | {
                (1, 5): tlv("D0", front),
                (1, 6): tlv("D1", portrait),
                (2, 1): tlv("D2", b"20260401")
                + tlv("D3", b"131016")
                + tlv("D4", "東京都千代田区".encode().ljust(320, b"\0")),
                (2, 2): tlv("D5", "許可".encode().ljust(120, b"\0")),
                (2, 3): tlv("D6", bytes(120)),
                (2, 4): tlv("D7", b"0"),
                (3, 2): tlv("DA", signature) + tlv("DB", certificate.ljust(1200, b"\0")),
            }
        else:
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            details = [("C5", b"20300101"), ("C6", b"19900401"), ("C7", b"2"), ("C8", b"USA"), ("C9", b"A01".ljust(10))]
            details.append(("CE", b"0500"))
            if kind == "05":
                details += [("CA", b"01"), ("CB", b"20260101"), ("CC", b"2"), ("CD", b"20310101")]
            target = b"".join(value for _, value in details).ljust(53, b"\0")
            target += portrait.ljust(3000, b"\0") + picture.ljust(2500, b"\0")
            signature = key.sign(target, ec.ECDSA(hashes.SHA256()))
            if not asn1:
                r, s = decode_dss_signature(signature)
                signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
            self.files = free | {
                (1, 1): tlv("C2", NUMBER.encode()),
                (1, 3): b"".join(tlv(tag, value) for tag, value in details),
                (1, 4): tlv("D0", picture.ljust(2500, b"\0")) + tlv("D1", portrait.ljust(3000, b"\0")),
                (1, 6): tlv("DFD1", picture.ljust(2500, b"\0")),
                (2, 1): tlv("D5", b"1".ljust(7, b"\0")) + tlv("D6", b"20280101") + tlv("D7", b"0"),
                (2, 2): tlv("D8", b"1"),
                (2, 3): tlv("D9", b"0") + tlv("DE", bytes(200)),
                (3, 2): tlv("DC", signature.ljust(96, b"\0")[:104]) + tlv("DD", certificate.ljust(602, b"\0")),
            }
        if kind == "06":
            self.files[2, 1] = self.files.pop((2, 3))
            del self.files[2, 2]
        self.reset()

    def reset(self) -> None:
        self.df, self.file, self.challenge, self.key, self.open = 0, (0, 0), b"", b"", False

    def close(self) -> None:
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def cbc(self, key: bytes, data: bytes, *, decrypt: bool = False) -> bytes:
        cipher = (
            Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(8)))
            if self.generation == 1
            else Cipher(AES(key), modes.CBC(bytes(16)))
        )
        work = cipher.decryptor() if decrypt else cipher.encryptor()
        return work.update(data) + work.finalize()

    def mac(self, key: bytes, data: bytes) -> bytes:
        if self.generation == 2:
            work = CMAC(AES(key))
            work.update(data)
            return work.finalize()[:8]
        data += b"\x80" + bytes(7)
        one, two = (Cipher(TripleDES(part * 3), modes.ECB()) for part in (key[:8], key[8:]))  # noqa: S305
        state = bytes(8)
        for at in range(0, len(data), 8):
            state = one.encryptor().update(bytes(a ^ b for a, b in zip(state, data[at : at + 8], strict=True)))
        return one.encryptor().update(two.decryptor().update(state))

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        cla, ins, p1, p2 = apdu[:4]
        if apdu == b"\0\xa4\0\0":
            self.df = 0
            return b"\x90\0"
        if ins == 0xA4:
            found = [n for n, aid in DFS.items() if aid == apdu[5 : 5 + apdu[4]]]
            if not found:
                return b"\x6a\x82"
            self.df = found[0]
            return b"\x90\0"
        if ins == 0x84:
            self.challenge = os.urandom(8)
            return self.challenge + b"\x90\0"
        if ins == 0x82:
            return self.authenticate(apdu[5:45])
        if ins == 0x20:
            plain = self.cbc(self.key, apdu[8:24], decrypt=True) if self.key else b""
            self.open = plain == NUMBER.encode() + b"\x80\0\0\0"
            return b"\x90\0" if self.open else b"\x63\0"
        if ins == 0xB0:
            return self.read(cla, p1, p2, apdu)
        return b"\x6d\0"

    def authenticate(self, data: bytes) -> bytes:
        key = hashlib.sha1(NUMBER.encode()).digest()[:16]  # noqa: S324
        plain = self.cbc(key, data[:32], decrypt=True)
        if self.mac(key, data[:32]) != data[32:] or plain[8:16] != self.challenge:
            return b"\x63\0"
        mine = os.urandom(16)
        answer = self.cbc(key, self.challenge + plain[:8] + mine)
        seed = bytes(a ^ b for a, b in zip(plain[16:], mine, strict=True))
        self.key = hashlib.sha1(seed + b"\0\0\0\1").digest()[:16]  # noqa: S324
        return answer + self.mac(key, answer) + b"\x90\0"

    def read(self, cla: int, p1: int, p2: int, apdu: bytes) -> bytes:
        if self.lose_after is not None:
            self.lose_after -= 1
            if self.lose_after < 0:
                self.lose_after = None
                self.reset()
                raise ReaderError("reader.contact_lost", "Contact with the card was lost.", retryable=True)
        offset = p2 if p1 & 0x80 else p1 << 8 | p2
        if p1 & 0x80:
            self.file = self.df, p1 & 0x1F
        content = self.files.get(self.file)
        if content is None:
            return b"\x6a\x82"
        if self.file[0] and not self.open:
            return b"\x69\x82"
        if (self.file[0] == 1) != (cla == 8):
            return b"\x69\x82"
        if offset >= len(content):
            return b"\x6b\0"
        if cla == 0:
            return content[offset : offset + (apdu[4] or 256)] + b"\x90\0"
        at = 7 if apdu[4] == 0 else 5
        want = int.from_bytes(apdu[at + 2 : at + 4], "big") or len(content)
        piece = content[offset : offset + want]
        block = 8 if self.generation == 1 else 16
        padded = piece + b"\x80" + bytes(-(len(piece) + 1) % block)
        answer = tlv("86", b"\1" + self.cbc(self.key, padded))
        return b"\x67\0" if len(answer) > self.most else answer + b"\x90\0"

    def flip(self, file: tuple[int, int], at: int) -> None:
        content = bytearray(self.files[file])
        content[at] ^= 1
        self.files[file] = bytes(content)
