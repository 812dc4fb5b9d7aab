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
    """Judge one record's signature. judge: given the signer's key, returns the code of what is wrong, or nothing."""
    kind = "data_signature"
    if spki is None:
        return Proof(kind, "failed", "proof.record_key_unreadable", covers, leaves_out)
    try:
        wrong, detail = judge(spki), ""
    except FormatError as error:
        wrong, detail = error.code, error.message
    if wrong:
        return Proof(kind, "failed", wrong, covers, leaves_out, ALGORITHM, signature=signature, detail=detail)
    code = "proof.card_issuer_signed" if issuer.result == "passed" else "proof.signed_by_unproved_issuer"
    return Proof(kind, issuer.result, code, covers, leaves_out, ALGORITHM, signature=signature)


def ask_chip(channel: Channel, message: bytes) -> bytes:
    """Let the chip sign a message with its own key, without any PIN. Raises RefusalError."""
    return channel.ask(Command(0x80, 0x2A, 0x00, 0x00, digest_info("sha256", sha256(message).digest()), 256))


def judge_chip(
    channel: Channel, challenge: Challenge, spki: bytes | None, record: Proof | None, covers: tuple[str, ...]
) -> Proof:
    """Let the chip sign a challenge without any PIN, and judge it by the key in the record that `record` judged."""
    if spki is None or record is None:
        return Proof(CHIP, "not_checked", "proof.chip_key_unread", covers)
    message = challenge.message()
    try:
        made = ask_chip(channel, message)
    except RefusalError as refusal:
        return Proof(
            CHIP,
            "failed",
            "proof.chip_refused",
            covers,
            detail=f"The chip does not sign the challenge ({refusal.sw:04X}).",
        )
    return judge_chip_answer(message, made, spki, record, covers)


def judge_chip_answer(message: bytes, made: bytes, spki: bytes, record: Proof, covers: tuple[str, ...]) -> Proof:
    """Judge what a chip signed, by the key (SubjectPublicKeyInfo) in the record that `record` judged."""
    try:
        genuine = signs(spki, message, made)
    except FormatError as error:
        return Proof(CHIP, "failed", error.code, covers, detail=error.message)
    if not genuine:
        return Proof(CHIP, "failed", "proof.chip_copied", covers, algorithm=ALGORITHM, message=message, signature=made)
    code = "proof.chip_genuine" if record.result == "passed" else "proof.chip_of_unproved_record"
    return Proof(CHIP, record.result, code, covers, algorithm=ALGORITHM, message=message, signature=made)
