"""Facts of every signer of a CMS SignedData: its content, its certificate, its value (RFC 5652 §5).

Certificates, CRLs and OCSP answers inside the file are used as material for the path, never as trust.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from honnin.errors import FormatError, InputError
from honnin.pki.cms_signature import check_signer
from honnin.pki.facts import SignatureFacts, SignerFacts
from honnin.pki.holder import Trust, signer_facts
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5652 import SignedData, SignerInfo, read_signed_data
from honnin.pki.signed_content import SignedContent

if TYPE_CHECKING:
    from honnin.pki.time_stamps import Stamped

__all__ = ["TIME_STAMP", "cms_signers", "readable", "signers_of"]

TIME_STAMP = "1.2.840.113549.1.9.16.2.14"  # RFC 3161 appendix A
ARCHIVED = "1.2.840.113583.1.1.8"  # ISO 32000-2 §12.8.3.3.2: revocation data as a signed attribute


def cms_signers(
    octets: bytes,
    content: bytes | None,
    digest: bytes | None,
    certificate: bytes | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[tuple[SignerFacts, ...], list[Certificate | None]]:
    """Return the facts and the certificate of each signer, in file order.

    content, digest: of a detached signature; beside attached content they must agree with it.
    Raises FormatError for a malformed file or given certificate, InputError `signature.content_missing`.
    """
    data = read_signed_data(octets)
    signed, agrees = _content(data, content, digest)
    given = None if certificate is None else parse_certificate(certificate)
    return signers_of(data, signed, given, trust, at, existed_at, agrees=agrees)


def signers_of(
    data: SignedData,
    signed: SignedContent,
    given: Certificate | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
    *,
    agrees: bool = True,
    around: tuple["Stamped", ...] = (),
) -> tuple[tuple[SignerFacts, ...], list[Certificate | None]]:
    """Return the facts and the certificate of each signer over content that is known.

    given: the signer's certificate where the caller has it; agrees: whether attached and given content are the same.
    around: time stamps over a document that holds the signature. Raises FormatError for malformed certificates.
    """
    trust = trust.joined(data.certificates, data.crls, data.ocsp)
    candidates = [] if given is None else [given]
    candidates += readable(data.certificates)
    signers: list[SignerFacts] = []
    certificates: list[Certificate | None] = []
    for signer in data.signers:
        found, signature = _best(signer, data, signed, candidates)
        if not agrees:
            signature = SignatureFacts(result="digest_differs", problem="content_differs", covers=signed.covers)
        certificates.append(found)
        if found is None:
            signers.append(SignerFacts(signature=signature, signing_time=signer.signing_time))
        elif signer.unsigned is None and not around and signer.attribute(ARCHIVED) is None:
            signers.append(signer_facts(found, signature, trust, at, existed_at, signer.signing_time))
        else:
            signers.append(_dated(found, signer, signature, trust, at, existed_at, around))
    return tuple(signers), certificates


def _dated(
    found: Certificate,
    signer: SignerInfo,
    signature: SignatureFacts,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
    around: tuple["Stamped", ...],
) -> SignerFacts:
    """Return the facts of a signature with its time stamps and with the revocation data that it keeps."""
    from honnin.pki.carried import kept
    from honnin.pki.time_stamps import Stamped, stamp_facts

    trust = trust.joined(*kept(signer))
    own = tuple(Stamped(token, SignedContent(signer.signature)) for token in signer.unsigned_values(TIME_STAMP))
    stamps, proof = stamp_facts((*own, *around), trust, at, existed_at)
    facts = signer_facts(found, signature, trust, at, proof, signer.signing_time)
    return replace(facts, time_stamps=stamps)


def _content(data: SignedData, content: bytes | None, digest: bytes | None) -> tuple[SignedContent, bool]:
    """Return what was signed, and whether the content in the file is the content that was given beside it."""
    if data.content is None:
        if content is None and digest is None:
            raise InputError(
                "signature.content_missing",
                "The signature is detached: the file does not hold what was signed.",
                next="Give the signed content, or its digest.",
            )
        return SignedContent(content, digest), True
    signed = SignedContent(data.content)
    if digest is not None:
        given = SignedContent(None, digest)
        return signed, any(given.digest(name) == signed.digest(name) for name in given.names)
    return signed, content is None or content == data.content


def _best(
    signer: SignerInfo, data: SignedData, signed: SignedContent, candidates: Iterable[Certificate]
) -> tuple[Certificate | None, SignatureFacts]:
    """Return the certificate that the signer names with what its key says; of several, the one that verifies."""
    first: tuple[Certificate | None, SignatureFacts] | None = None
    for candidate in candidates:
        if not _names(signer, candidate):
            continue
        try:
            facts = check_signer(signer, data, signed, candidate.public_key(), candidate)
        except FormatError:
            facts = SignatureFacts(result="unsupported", problem="key_unsupported", covers=signed.covers)
        if facts.result == "valid":
            return candidate, facts
        first = first or (candidate, facts)
    return first or (None, SignatureFacts(result="no_certificate", covers=signed.covers))


def _names(signer: SignerInfo, candidate: Certificate) -> bool:
    try:
        if signer.key_id is not None:
            return extensions.subject_key_identifier(candidate) == signer.key_id
        if signer.serial != candidate.serial_number or signer.issuer is None:
            return False
        return names_equal(signer.issuer, candidate.issuer)
    except FormatError:
        return False


def readable(certificates: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates (DER) that can be read; one that cannot may still stand beside the signer's."""
    found: list[Certificate] = []
    for octets in certificates:
        try:
            found.append(parse_certificate(octets))
        except FormatError:
            continue
    return found
