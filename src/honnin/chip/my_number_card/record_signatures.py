"""Judging what a card's issuer signed, and the chip's own key (sheet §4.3 to §4.5).

    1. The signer's certificate is the CA's (`cv_certificate`).
    2. The signature over a record holds under the certified key.
    3. The chip signs a fresh challenge with the key that stands in the signed record.

Each has its own result. A record whose signature holds under a certificate that nobody trusted vouches for is
`not_checked`: a forger has a certificate of his own.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Proof
from honnin.chip.iso7816 import Command, RefusalError
from honnin.chip.my_number_card.signing import digest_info
from honnin.chip.rsa_keys import rsa_key, signs
from honnin.errors import FormatError

__all__ = ["ALGORITHM", "ask_chip", "judge_chip", "judge_chip_answer", "judge_record", "three_digests"]

ALGORITHM: Final = "sha256WithRSAEncryption"
CHIP: Final = "internal_authentication"
# DigestInfo with the OID of SHA-256 before 96 bytes: three digests side by side (sheet §4.4).
THREE_DIGESTS: Final = bytes.fromhex("3071300D060960864801650304020105000460")
FEWEST_FILL: Final = 8  # FF octets of a PKCS#1 block


def three_digests(spki: bytes, signature: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Open the card face's signature: three digests, None when the whole block is not what it must be."""
    numbers = rsa_key(spki).public_numbers()
    length = (numbers.n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != length or number >= numbers.n:
        return None
    block = pow(number, numbers.e, numbers.n).to_bytes(length, "big")
    digests = block[-96:]
    fill = length - 3 - len(THREE_DIGESTS) - 96
    if fill < FEWEST_FILL or block != b"\0\1" + b"\xff" * fill + b"\0" + THREE_DIGESTS + digests:
        return None
    return digests[:32], digests[32:64], digests[64:]


def judge_record(
    issuer: Proof,
    spki: bytes | None,
    judge: Callable[[bytes], str],
    *,
    covers: tuple[str, ...],
    leaves_out: tuple[str, ...] = (),
    signature: bytes | None = None,
) -> Proof:
    """Judge one record's signature. judge: given the signer's key, says what is wrong, or nothing."""
    kind = "data_signature"
    if spki is None:
        return Proof(kind, "failed", "The key that signed the record cannot be read.", covers, leaves_out)
    try:
        wrong = judge(spki)
    except FormatError as error:
        wrong = error.message
    if wrong:
        return Proof(kind, "failed", wrong, covers, leaves_out, ALGORITHM, signature=signature)
    if issuer.result == "failed":
        return Proof(kind, "failed", issuer.reason, covers, leaves_out, ALGORITHM, signature=signature)
    reason = "The card's issuer signed this." if issuer.result == "passed" else f"Signed, but: {issuer.reason}"
    return Proof(kind, issuer.result, reason, covers, leaves_out, ALGORITHM, signature=signature)


def ask_chip(channel: Channel, message: bytes) -> bytes:
    """Let the chip sign a message with its own key, without any PIN. Raises RefusalError."""
    return channel.ask(Command(0x80, 0x2A, 0x00, 0x00, digest_info("sha256", sha256(message).digest()), 256))


def judge_chip(
    channel: Channel, challenge: Challenge, spki: bytes | None, record: Proof | None, covers: tuple[str, ...]
) -> Proof:
    """Let the chip sign a challenge without any PIN, and judge it by the key in the record that `record` judged."""
    if spki is None or record is None:
        return Proof(CHIP, "not_checked", "The chip's public key was not read.", covers)
    message = challenge.message()
    try:
        made = ask_chip(channel, message)
    except RefusalError as refusal:
        return Proof(CHIP, "failed", f"The chip does not sign the challenge ({refusal.sw:04X}).", covers)
    return judge_chip_answer(message, made, spki, record, covers)


def judge_chip_answer(message: bytes, made: bytes, spki: bytes, record: Proof, covers: tuple[str, ...]) -> Proof:
    """Judge what a chip signed, by the key (SubjectPublicKeyInfo) in the record that `record` judged."""
    try:
        genuine = signs(spki, message, made)
    except FormatError as error:
        return Proof(CHIP, "failed", error.message, covers)
    if not genuine:
        reason = "The chip does not hold the key that its record names: it is a copy, or another card's record."
        return Proof(CHIP, "failed", reason, covers, algorithm=ALGORITHM, message=message, signature=made)
    reason = "The chip signed the challenge with the key in the signed record: it is no copy."
    if record.result != "passed":
        reason = f"The chip holds the key in its record, but the record is not proved: {record.reason}"
    return Proof(CHIP, record.result, reason, covers, algorithm=ALGORITHM, message=message, signature=made)
