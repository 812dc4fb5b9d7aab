"""Passive Authentication (ICAO Doc 9303-11 §5.1): are the files those that the issuing State signed?

    1. EF.SOD is read and its signature holds under a document signer certificate.
    2. Every data group that was read has the digest that is signed for it; EF.COM and unlisted ones are left out.
    3. The document signer leads to one of the given CSCA certificates, judged for the moment of signing: a signer's
       key is used for months, its certificate lives as long as the passports (Doc 9303-12 §5).
    4. Revocation of the signer, where lists were given.

Without a CSCA for the issuer the answer is `not_checked`: a forger can sign with a key of his own. A digest or
signature that is wrong is `failed`, whoever is trusted. Does not prove that the chip is no copy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from honnin.chip.document import code_of
from honnin.chip.icao9303.security_object import OTHER_CERTIFICATE, WRONG_SIGNATURE, parse_security_object, signer_of
from honnin.errors import FormatError
from honnin.pki import der, validate_path
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5652 import SignedData, read_signed_data

__all__ = ["PassiveAuthentication", "judge_signer", "master_list", "passive_authentication", "signing_time"]

MASTER_LIST = "2.23.136.1.1.2"
Result = Literal["passed", "failed", "not_checked"]


class PassiveAuthentication(msgspec.Struct, frozen=True, kw_only=True):
    """The result with its reason (as of `Proof`). signer, csca: certificates (DER).

    covers, leaves_out: numbers of the data groups that are listed, and that are not; changed: listed ones whose digest
    differs. signed: whether the list's own signature holds.
    """

    result: Result
    code: str
    detail: str = ""
    signed: bool = False
    covers: tuple[int, ...] = ()
    leaves_out: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    hash: str | None = None
    signer: bytes | None = None
    csca: bytes | None = None

    def holds(self, group: int) -> bool:
        """Tell whether a data group is as the document signer signed it, whoever that is."""
        return self.signed and group in self.covers and group not in self.changed


def passive_authentication(
    security_object: bytes,
    groups: Mapping[int, bytes],
    *,
    anchors: Sequence[bytes] = (),
    at: datetime,
    crls: Sequence[bytes] = (),
    signers: Sequence[bytes] = (),
) -> PassiveAuthentication:
    """Judge what was read of one chip.

    security_object: EF.SOD. groups: whole files by data group number. anchors: CSCA certificates (DER).
    at: the moment to judge for where the security object does not say when it was signed (aware).
    crls: of the CSCAs. signers: document signer certificates from elsewhere. Raises nothing for bad bytes.
    """
    try:
        listed = parse_security_object(security_object)
    except FormatError as error:
        return PassiveAuthentication(result="failed", code=error.code, detail=error.message)
    covered = tuple(sorted(number for number in groups if number in listed.digests))
    changed = tuple(number for number in covered if not listed.matches(number, groups[number]))
    signer, code = signer_of(listed.signed, tuple(signers))
    detail = ""
    result: Result
    csca = None
    if signer is None:
        result = "failed" if code in {WRONG_SIGNATURE, OTHER_CERTIFICATE} else "not_checked"
    else:
        result, code, detail, csca = judge_signer(signer, signing_time(listed.signed, at), anchors, crls)
    if changed:
        result = "failed"
        code = "proof.groups_changed"
        detail = f"{', '.join(f'DG{number}' for number in changed)} is not what was signed."
    return PassiveAuthentication(
        result=result,
        code=code,
        detail=detail,
        signed=signer is not None,
        covers=covered,
        leaves_out=tuple(sorted(groups.keys() - set(covered))),
        changed=changed,
        hash=listed.hash,
        signer=signer.raw if signer else None,
        csca=csca,
    )


def master_list(octets: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a CSCA master list (Doc 9303-12 §8), its own signature not judged.

    octets: CMS SignedData of type 2.23.136.1.1.2. Raises FormatError `passport.master_list_malformed`.
    """
    try:
        signed = read_signed_data(octets)
        content = signed.content
        if signed.content_type != MASTER_LIST or content is None:
            raise der.malformed("It is another kind of signed file.")
        start, stop = der.whole(content, der.SEQUENCE)
        _, at = der.enclosed(content, start, stop, der.INTEGER)
        at, end = der.enclosed(content, at, stop, der.SET)
        found = []
        while at < end:
            _, _, after = der.read(content, at, end)
            found.append(content[at:after])
            at = after
        return tuple(found)
    except FormatError as error:
        raise FormatError(
            "passport.master_list_malformed",
            f"This is no master list: {error.message}",
            next="Give the file as it was published.",
        ) from None


def signing_time(signed: SignedData, at: datetime) -> datetime:
    """Return when a file was signed, as it says; `at` where it does not say, or names a later moment."""
    claimed = next((info.signing_time for info in signed.signers if info.signing_time), None)
    return at if claimed is None else min(claimed, at)


def judge_signer(
    signer: Certificate, at: datetime, anchors: Sequence[bytes], crls: Sequence[bytes] = ()
) -> tuple[Result, str, str, bytes | None]:
    """Return whether a document signer leads to one of the CSCA certificates, why (code, detail), and to which.

    `not_checked`: no CSCA of its issuer, or not the one whose key it names (§7.1: it must), is at hand.
    """
    known = [certificate for octets in anchors if (certificate := _readable(octets)) is not None]
    of_issuer = [csca for csca in known if names_equal(csca.subject, signer.issuer)]
    if not of_issuer:
        return "not_checked", "proof.csca_of_issuer_missing", "", None
    key_id = _authority_key(signer)
    if key_id is None or all(_own_key(csca) != key_id for csca in of_issuer):
        return "not_checked", "proof.csca_of_key_missing", "", None
    verdict = validate_path(
        signer.raw,
        anchors=[csca.raw for csca in of_issuer],
        at=at,
        revocation="if_present" if crls else "off",
        crls=crls,
    )
    if verdict.indication == "PASSED":
        return "passed", "proof.state_signed", "", verdict.path[-1]
    if verdict.indication == "INDETERMINATE":
        return "not_checked", code_of(verdict.indication, verdict.sub_indication), verdict.reason, None
    if verdict.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND":  # the named CSCA is at hand, and its key says no
        return "failed", "proof.csca_did_not_sign", "", None
    return "failed", code_of(verdict.indication, verdict.sub_indication), verdict.reason, None


def _readable(octets: bytes) -> Certificate | None:
    try:
        return parse_certificate(octets)
    except FormatError:
        return None


def _authority_key(certificate: Certificate) -> bytes | None:
    try:
        found = extensions.authority_key_identifier(certificate)
    except FormatError:
        return None
    return None if found is None else found.key_identifier


def _own_key(certificate: Certificate) -> bytes | None:
    try:
        return extensions.subject_key_identifier(certificate)
    except FormatError:
        return None
