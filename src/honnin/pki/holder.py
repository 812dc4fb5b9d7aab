"""Facts about the signer's certificate and its path: what is kept of it, and what is left out (facts.CertificateFacts).

The path is looked for at a moment within the certificate's own validity, so that an expired certificate still shows
whose it was; whether it was valid when it mattered is for `judging`. Revocation is asked for the moment of judgement,
and where that leaves it open also for the certificate's last moment and for the moment that is proved.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from honnin.errors import FormatError
from honnin.pki.facts import (
    CertificateFacts,
    ExtensionFacts,
    LinkFacts,
    PathFacts,
    RevocationFacts,
    SignatureFacts,
    SignerFacts,
)
from honnin.pki.jpki import four_items, key_name
from honnin.pki.revocation import check_revocation
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.path import validate_path
from honnin.pki.verdict import Verdict

__all__ = ["Trust", "certificate_facts", "path_facts", "revocation_facts", "signer_facts"]

_KEY_USAGES = (
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
# Extensions whose values say nothing of the holder; of all others only the OID and whether it is critical is kept.
_KEPT = {
    extensions.SUBJECT_KEY_IDENTIFIER,
    extensions.KEY_USAGE,
    extensions.ISSUER_ALTERNATIVE_NAME,
    extensions.BASIC_CONSTRAINTS,
    extensions.CRL_DISTRIBUTION_POINTS,
    extensions.CERTIFICATE_POLICIES,
    extensions.AUTHORITY_KEY_IDENTIFIER,
    extensions.EXTENDED_KEY_USAGE,
    extensions.FRESHEST_CRL,
    extensions.AUTHORITY_INFORMATION_ACCESS,
}
_SITUATIONS = {
    None: "passed",
    "NO_CERTIFICATE_CHAIN_FOUND": "no_path",
    "CHAIN_CONSTRAINTS_FAILURE": "constraints",
    "CRYPTO_CONSTRAINTS_FAILURE": "algorithm",
    "EXPIRED": "expired",
    "NOT_YET_VALID": "not_yet_valid",
}


class Trust:
    """What a verification was given to judge certificates by: DER each."""

    __slots__ = ("anchors", "crls", "intermediates", "ocsp")

    def __init__(
        self, anchors: Sequence[bytes], intermediates: Sequence[bytes], crls: Sequence[bytes], ocsp: Sequence[bytes]
    ) -> None:
        self.anchors = tuple(anchors)
        self.intermediates = tuple(intermediates)
        self.crls = tuple(crls)
        self.ocsp = tuple(ocsp)

    def joined(self, intermediates: Sequence[bytes], crls: Sequence[bytes], ocsp: Sequence[bytes]) -> "Trust":
        """Return it with what a signed file brought along; a file never brings anchors."""
        return Trust(self.anchors, (*self.intermediates, *intermediates), (*self.crls, *crls), (*self.ocsp, *ocsp))


def signer_facts(
    certificate: Certificate,
    signature: SignatureFacts,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
    signing_time: datetime | None = None,
) -> SignerFacts:
    """Return all that is learned of one signature whose value has been checked. Raises FormatError as below."""
    path = path_facts(certificate, trust, existed_at or at)
    issuer = _remembered(path.certificates[0]) if path.certificates else None
    return SignerFacts(
        signature=signature,
        certificate=certificate_facts(certificate, issuer),
        path=path,
        revocation=revocation_facts(certificate, path, trust, at, existed_at),
        signing_time=signing_time,
    )


def certificate_facts(certificate: Certificate, issuer: Certificate | None) -> CertificateFacts:
    """Return what is kept of the signer's certificate. Raises FormatError for malformed extensions."""
    identifier = extensions.authority_key_identifier(certificate)
    issuer_key_id = identifier.key_identifier if identifier else None
    if issuer_key_id is None and issuer is not None:
        issuer_key_id = extensions.subject_key_identifier(issuer)
    extended = extensions.extended_key_usage(certificate)
    return CertificateFacts(
        issuer_key_id=issuer_key_id,
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key=_key(certificate),
        signature_algorithm=certificate.signature_algorithm,
        key_usage=_usage_names(extensions.key_usage(certificate)),
        extended_key_usage=None if extended is None else tuple(sorted(extended)),
        policies=_sorted(extensions.certificate_policies(certificate)),
        attributes=_attributes(certificate),
        extensions=tuple(
            [
                ExtensionFacts(oid=oid, critical=found.critical, value=found.value if oid in _KEPT else None)
                for oid, found in certificate.extensions.items()
            ]
        ),
    )


def path_facts(certificate: Certificate, trust: Trust, moment: datetime) -> PathFacts:
    """Look for a path at the moment within the certificate's validity that is nearest to `moment`."""
    at = min(max(moment, certificate.not_before), certificate.not_after)
    if not trust.anchors:
        return PathFacts(situation="no_path", at=at, reason="No trust anchor was given.")
    verdict: Verdict = validate_path(
        certificate.raw, anchors=trust.anchors, intermediates=trust.intermediates, at=at, revocation="off"
    )
    situation = _SITUATIONS.get(verdict.sub_indication, "no_path")
    if situation != "passed":
        return PathFacts(situation=situation, at=at, reason=verdict.reason)
    return PathFacts(
        situation=situation,
        at=at,
        certificates=verdict.path[1:],
        links=tuple([_link(octets) for octets in verdict.path[1:]]),
        policies=_sorted(verdict.policies),
    )


def revocation_facts(
    certificate: Certificate, path: PathFacts, trust: Trust, at: datetime, existed_at: datetime | None
) -> tuple[RevocationFacts, ...]:
    """Ask for the status of the signer and of each CA certificate below the anchor."""
    if path.situation != "passed" or not (trust.crls or trust.ocsp):
        return ()
    found: list[RevocationFacts] = []
    subject, not_after = certificate.raw, certificate.not_after
    for of, issuer in enumerate(path.certificates):
        found.extend(_asked(of, subject, not_after, issuer, trust, _moments(not_after, at, existed_at)))
        subject, not_after = issuer, path.links[of].not_after
    return tuple(found)


def _moments(not_after: datetime, at: datetime, existed_at: datetime | None) -> tuple[datetime, ...]:
    """Return for which moments to ask, until one settles it."""
    if existed_at is None or existed_at == at:
        return (at,)
    if at > not_after:
        return (at, not_after, existed_at) if existed_at < not_after else (at, existed_at)
    return (at, existed_at)


def _asked(
    of: int, subject: bytes, not_after: datetime, issuer: bytes, trust: Trust, moments: tuple[datetime, ...]
) -> list[RevocationFacts]:
    found: list[RevocationFacts] = []
    for moment in moments:
        status = check_revocation(subject, issuer, crls=trust.crls, ocsp=trust.ocsp, at=moment)
        proof: dict[str, Any] = status.proof or {}
        this_update = proof.get("this_update")
        found.append(
            RevocationFacts(
                of=of,
                at=moment,
                state=status.state,
                reason=status.reason,
                revoked_at=status.revoked_at,
                kind=proof.get("kind"),
                this_update=this_update,
                next_update=proof.get("next_update"),
                detail=_detail(proof),
            )
        )
        if status.state == "revoked" or (status.state == "good" and not (this_update and this_update > not_after)):
            break
    return found


def _detail(proof: dict[str, Any]) -> dict[str, str] | None:
    detail = {
        name: value.hex() if isinstance(value, bytes) else str(value)
        for name, value in proof.items()
        if name not in {"kind", "this_update", "next_update"} and value is not None
    }
    return detail or None


def _key(certificate: Certificate) -> str:
    try:
        return key_name(certificate.public_key())
    except FormatError:
        return "unsupported"


@lru_cache(maxsize=512)
def _usage_names(usage: int | None) -> tuple[str, ...] | None:
    if usage is None:
        return None
    return tuple(name for bit, name in enumerate(_KEY_USAGES) if usage >> bit & 1)


@lru_cache(maxsize=512)
def _sorted(policies: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(sorted(policies or ()))


@lru_cache(maxsize=512)
def _remembered(octets: bytes) -> Certificate:
    """Return a CA certificate, parsed once."""
    return parse_certificate(octets)


@lru_cache(maxsize=512)
def _link(octets: bytes) -> LinkFacts:
    certificate = _remembered(octets)
    return LinkFacts(
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key=_key(certificate),
        signature_algorithm=certificate.signature_algorithm,
    )


def _attributes(certificate: Certificate) -> Literal["whole", "partial", "absent", "malformed"]:
    try:
        found = four_items(certificate)
    except FormatError:
        return "malformed"
    if found is None:
        return "absent"
    whole = found.name and found.address and found.birth_date and found.sex
    return "whole" if whole else "partial"
