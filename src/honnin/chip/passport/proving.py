"""What a passport proves: passive, active and chip authentication as proofs, each with what it covers.

Pure judgement of what was read and answered; the questions to the chip are `application`'s. A proof of the chip
(active, chip authentication) stands on a key that the security object signs; who signed that, passive authentication
says.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from honnin.chip.document import Proof, Trust
from honnin.chip.icao9303.active import active_authentication
from honnin.chip.icao9303.lds import parse_dg15
from honnin.chip.icao9303.pace import pace_cam_verified
from honnin.chip.icao9303.passive import (
    PassiveAuthentication,
    judge_signer,
    master_list,
    passive_authentication,
    signing_time,
)
from honnin.chip.icao9303.security_infos import parse_security_infos, read_public_key
from honnin.chip.icao9303.security_object import signer_of
from honnin.chip.passport.access import Mapped
from honnin.errors import FormatError
from honnin.pki.rfc5652 import looks_like_cms, read_signed_data

__all__ = ["anchors_of", "judge_active", "judge_chip", "judge_mapping", "judge_passive", "passive_proofs"]

NOWHEN: Final = datetime.max.replace(tzinfo=UTC)
REVOCATION: Final = Proof(
    "revocation",
    "not_checked",
    "Whether the document signer was revoked, or the passport reported lost, is known outside the chip.",
)


def anchors_of(trust: Trust | None) -> tuple[bytes, ...]:
    """Return the CSCA certificates to trust; a master list among the anchors stands for its certificates.

    Raises FormatError `passport.master_list_malformed`.
    """
    found: list[bytes] = []
    for anchor in trust.anchors if trust else ():
        found += master_list(anchor) if looks_like_cms(anchor) else (anchor,)
    return tuple(found)


def judge_passive(
    files: Mapping[str, bytes], anchors: Sequence[bytes], at: datetime | None, crls: Sequence[bytes] = ()
) -> PassiveAuthentication:
    """Judge the files that were read, by name (`sod`, `dg1` …)."""
    groups = {int(name[2:]): content for name, content in files.items() if name.startswith("dg")}
    return passive_authentication(files.get("sod", b""), groups, anchors=anchors, at=at or NOWHEN, crls=crls)


def passive_proofs(
    judged: PassiveAuthentication, files: Mapping[str, bytes], crls: Sequence[bytes]
) -> tuple[Proof, ...]:
    """Return the proofs of passive authentication and of the document signer's revocation."""
    left = tuple(f"dg{n}" for n in judged.leaves_out) + (("com",) if "com" in files else ())
    passive = Proof(
        kind="passive_authentication",
        result=judged.result,
        reason=judged.reason,
        covers=tuple(f"dg{n}" for n in judged.covers),
        leaves_out=left,
        algorithm=judged.hash,
        signature=files.get("sod"),
        certificate=judged.signer,
    )
    if crls and judged.result == "passed":
        checked = Proof("revocation", "passed", "The given lists were asked for the document signer.", covers=("sod",))
        return passive, checked
    return passive, REVOCATION


def judge_active(
    group: bytes, challenge: bytes, answer: bytes, judged: PassiveAuthentication, hash_name: str | None
) -> Proof:
    """Judge the chip's answer to INTERNAL AUTHENTICATE. group: data group 15; challenge: RND.IFD."""
    algorithm: str | None = None
    try:
        algorithm = active_authentication(parse_dg15(group), challenge, answer, hash_name=hash_name)
        reason = "The chip does not hold the key of data group 15." if algorithm is None else ""
    except FormatError as error:
        if error.code == "certificate.key_unsupported":
            return Proof("active_authentication", "not_checked", error.message, covers=("dg15",))
        reason = error.message
    return _standing_on(
        Proof(
            kind="active_authentication",
            result="failed" if reason else "passed",
            reason=reason or "The chip signed the challenge with the key of data group 15.",
            covers=("dg15",),
            algorithm=algorithm,
            message=challenge,
            signature=answer,
        ),
        15,
        judged,
    )


def judge_chip(judged: PassiveAuthentication, *, agreed: bool, algorithm: str) -> Proof:
    """Judge a Chip Authentication. agreed: whether the chip went on under the new keys."""
    reason = (
        "The chip went on under keys that only the key of data group 14 gives."
        if agreed
        else "The chip does not hold the key of data group 14."
    )
    proof = Proof("chip_authentication", "passed" if agreed else "failed", reason, ("dg14",), algorithm=algorithm)
    return _standing_on(proof, 14, judged)


def judge_mapping(mapped: Mapped, card_security: bytes | None, anchors: Sequence[bytes], at: datetime | None) -> Proof:
    """Judge the chip authentication mapping of PACE. card_security: EF.CardSecurity, which brings the static key."""
    kind, covers = "chip_authentication", ("card_security",)
    if card_security is None:
        return Proof(kind, "not_checked", "The chip does not give EF.CardSecurity.", covers)
    try:
        signed = read_signed_data(card_security)
        keys = parse_security_infos(signed.content or b"").chip_keys
        holds = any(_maps(mapped, key.spki) for key in keys)
        signer, why = signer_of(signed)
    except FormatError as error:
        return Proof(kind, "failed", error.message, covers)
    if not holds or signer is None:
        reason = why if holds else "The chip does not hold the key of EF.CardSecurity."
        return Proof(kind, "failed", reason, covers, signature=card_security)
    result, reason, _ = judge_signer(signer, signing_time(signed, at or NOWHEN), anchors)
    if result == "passed":
        reason = "The chip mapped with the key that the issuing State signed: it is no copy."
    return Proof(kind, result, reason, covers, algorithm="pace_cam", signature=card_security, certificate=signer.raw)


def _maps(mapped: Mapped, spki: bytes) -> bool:
    try:
        domain, public = read_public_key(spki)
        return domain == mapped.domain and pace_cam_verified(domain, mapped.mapping_public, mapped.data, public)
    except FormatError:
        return False


def _standing_on(proof: Proof, group: int, judged: PassiveAuthentication) -> Proof:
    """Return the proof as it is where its key is signed, else what that leaves of it."""
    if proof.result == "failed" or judged.holds(group):
        return proof
    result: Literal["failed", "not_checked"] = "failed" if group in judged.changed else "not_checked"
    why = f"The key in data group {group} is not the signed one: {judged.reason}"
    return Proof(proof.kind, result, why, proof.covers, message=proof.message, signature=proof.signature)
