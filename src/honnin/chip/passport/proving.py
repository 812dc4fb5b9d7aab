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
REVOCATION: Final = Proof("revocation", "not_checked", "proof.signer_revocation_elsewhere")


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
        code=judged.code,
        covers=tuple(f"dg{n}" for n in judged.covers),
        leaves_out=left,
        algorithm=judged.hash,
        signature=files.get("sod"),
        certificate=judged.signer,
        detail=judged.detail,
    )
    if crls and judged.result == "passed":
        checked = Proof("revocation", "passed", "proof.lists_asked", covers=("sod",))
        return passive, checked
    return passive, REVOCATION


def judge_active(
    group: bytes, challenge: bytes, answer: bytes, judged: PassiveAuthentication, hash_name: str | None
) -> Proof:
    """Judge the chip's answer to INTERNAL AUTHENTICATE. group: data group 15; challenge: RND.IFD."""
    algorithm: str | None = None
    try:
        algorithm = active_authentication(parse_dg15(group), challenge, answer, hash_name=hash_name)
        code, detail = "proof.active_failed" if algorithm is None else "proof.active_passed", ""
    except FormatError as error:
        if error.code == "certificate.key_unsupported":
            return Proof("active_authentication", "not_checked", error.code, ("dg15",), detail=error.message)
        code, detail = error.code, error.message
    return _standing_on(
        Proof(
            kind="active_authentication",
            result="failed" if algorithm is None else "passed",
            code=code,
            covers=("dg15",),
            algorithm=algorithm,
            message=challenge,
            signature=answer,
            detail=detail,
        ),
        15,
        judged,
    )


def judge_chip(judged: PassiveAuthentication, *, agreed: bool, algorithm: str) -> Proof:
    """Judge a Chip Authentication. agreed: whether the chip went on under the new keys."""
    result: Literal["passed", "failed"] = "passed" if agreed else "failed"
    proof = Proof("chip_authentication", result, f"proof.agreement_{result}", ("dg14",), algorithm=algorithm)
    return _standing_on(proof, 14, judged)


def judge_mapping(mapped: Mapped, card_security: bytes | None, anchors: Sequence[bytes], at: datetime | None) -> Proof:
    """Judge the chip authentication mapping of PACE. card_security: EF.CardSecurity, which brings the static key."""
    kind, covers = "chip_authentication", ("card_security",)
    if card_security is None:
        return Proof(kind, "not_checked", "proof.card_security_missing", covers)
    try:
        signed = read_signed_data(card_security)
        keys = parse_security_infos(signed.content or b"").chip_keys
        holds = any(_maps(mapped, key.spki) for key in keys)
        signer, why = signer_of(signed)
    except FormatError as error:
        return Proof(kind, "failed", error.code, covers, detail=error.message)
    if not holds or signer is None:
        code = why if holds else "proof.mapping_failed"
        return Proof(kind, "failed", code, covers, signature=card_security)
    result, code, detail, _ = judge_signer(signer, signing_time(signed, at or NOWHEN), anchors)
    if result == "passed":
        code = "proof.mapping_passed"
    return Proof(
        kind,
        result,
        code,
        covers,
        algorithm="pace_cam",
        signature=card_security,
        certificate=signer.raw,
        detail=detail,
    )


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
    return Proof(
        proof.kind, result, "proof.chip_key_not_signed", proof.covers, message=proof.message, signature=proof.signature
    )
