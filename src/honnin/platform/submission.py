"""What a service provider brought to be verified, made plain: raw signature or CMS, with document or digest.

Only shapes and sizes are checked here; the bytes themselves are judged by `honnin.pki`, and malformed ones give a
verdict, not an error.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from honnin.connect.digital_auth.opening import OpenedResult, ResultOpener, read_submitted
from honnin.errors import FormatError, InputError
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.extensions import subject_key_identifier
from honnin.pki.rfc5652 import SignedData, SignerInfo, looks_like_cms, read_signed_data
from honnin.platform.models import (
    MOST_CERTIFICATE,
    MOST_CMS,
    MOST_DOCUMENT,
    MOST_SIGNATURE,
    VerificationRequest,
)

__all__ = ["Submission", "read_submission"]

DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


class Submission(msgspec.Struct, frozen=True):
    """One thing to verify.

    signed: raw signature value, or CMS DER. content: the document, if it came beside them.
    digest: in place of the content. certificate: the signer's DER, from the request or the CMS; None if there is none.
    covers: how the content came. submitted, opened: what the signing API was given, and what its result held.
    """

    kind: Literal["raw", "cms"]
    signed: bytes
    content: bytes | None
    digest: bytes | None
    certificate: bytes | None
    covers: Literal["document", "digest", "cms"]
    submitted: bytes | None = None
    opened: OpenedResult | None = None

    def __repr__(self) -> str:
        return f"Submission({self.kind}, {self.covers})"

    @property
    def parsed(self) -> Certificate | None:
        """The signer's certificate, read; None where it is missing or malformed (the verdict says so)."""
        if self.certificate is None:
            return None
        try:
            return parse_certificate(self.certificate)
        except FormatError:
            return None

    def inputs(self) -> dict[str, bytes | None]:
        """Return what the evidence commits to, by role."""
        brought = {
            "signed": self.signed,
            "content": self.content,
            "digest": self.digest,
            "certificate": self.certificate,
        }
        return brought if self.submitted is None else {**brought, "submitted": self.submitted}


def read_submission(request: VerificationRequest, results: ResultOpener | None = None) -> Submission:
    """Return what was brought. results: opens what the Digital Authentication Service's signing API gave.

    Raises InputError `verification.incomplete` (parts missing), `verification.ambiguous` (parts that exclude each
    other), `verification.too_large`, `verification.digest`, `verification.not_cms`, `verification.one_signer`,
    `verification.submitted_differs`, and what `ResultOpener.open` and `read_submitted` raise.
    """
    _check_sizes(request)
    if request.document is not None and request.digest is not None:
        raise InputError("verification.ambiguous", "Give `document` or `digest`, not both.")
    digest = _digest(request)
    if request.signing_result is not None:
        return _from_result(request, digest, results)
    if request.cms is not None:
        return _from_cms(request, request.cms, digest)
    if request.signature is None or request.certificate is None:
        raise InputError("verification.incomplete", "`signature` and `certificate` belong together; or give `cms`.")
    if request.document is None and digest is None:
        raise InputError("verification.incomplete", "What was signed is missing: give `document` or `digest`.")
    if looks_like_cms(request.signature):
        raise InputError("verification.ambiguous", "`signature` is a CMS; send it as `cms`.")
    covers: Literal["document", "digest"] = "digest" if digest is not None else "document"
    return Submission("raw", request.signature, request.document, digest, request.certificate, covers)


def _from_result(request: VerificationRequest, digest: bytes | None, results: ResultOpener | None) -> Submission:
    """Open a sign result; what was submitted must be a digest of what the service provider says was signed."""
    result = request.signing_result
    if result is None or request.cms is not None or request.signature is not None or request.certificate is not None:
        raise InputError(
            "verification.ambiguous", "`signing_result` holds signature and certificate; leave those members out."
        )
    if results is None:
        raise InputError("verification.ambiguous", "A sign result cannot be opened here.")
    submitted = read_submitted(result.submitted)
    claimed = digest
    if request.document is not None:
        claimed = hashlib.new(submitted.hash, request.document).digest()
    if claimed is not None and not hmac.compare_digest(claimed, submitted.digest):
        raise InputError(
            "verification.submitted_differs",
            "The submitted value is not a digest of the document.",
            next="Send the document that the person was shown, byte for byte.",
        )
    opened = results.open(result.jwe, result.transaction)
    covers: Literal["document", "digest"] = "digest" if request.document is None else "document"
    return Submission(
        "raw",
        opened.signature,
        request.document,
        submitted.digest if request.document is None else None,
        opened.certificate,
        covers,
        submitted=result.submitted,
        opened=opened,
    )


def _from_cms(request: VerificationRequest, cms: bytes, digest: bytes | None) -> Submission:
    if request.signature is not None or request.certificate is not None:
        raise InputError("verification.ambiguous", "`cms` holds signature and certificate; leave those members out.")
    if not looks_like_cms(cms):
        raise InputError("verification.not_cms", "`cms` holds no CMS SignedData.", next="Send it as base64 of DER.")
    try:
        signed_data = read_signed_data(cms)
    except FormatError:
        return Submission("cms", cms, request.document, digest, None, "cms")
    attached = signed_data.content is not None
    if attached and (request.document is not None or digest is not None):
        raise InputError("verification.ambiguous", "The CMS holds its content; leave `document` and `digest` out.")
    if not attached and request.document is None and digest is None:
        raise InputError("verification.incomplete", "The CMS is detached: give `document` or `digest`.")
    if len(signed_data.signers) > 1:
        raise InputError("verification.one_signer", "One check verifies one person: the CMS has several signers.")
    covers: Literal["document", "digest", "cms"] = "cms" if attached else "digest" if digest is not None else "document"
    return Submission("cms", cms, request.document, digest, _signer_certificate(signed_data), covers)


def _signer_certificate(signed_data: SignedData) -> bytes | None:
    """Return the one certificate that the signer names.

    Of two, one would be judged and perhaps the other kept as evidence: such a CMS is refused.
    """
    named = {octets for signer in signed_data.signers for octets in _named(signer, signed_data.certificates)}
    if len(named) > 1:
        raise InputError("verification.one_certificate", "The CMS holds two certificates of the signer's name.")
    return next(iter(named), None)


def _named(signer: SignerInfo, certificates: Iterable[bytes]) -> Iterator[bytes]:
    for octets in certificates:
        try:
            certificate = parse_certificate(octets)
        except FormatError:
            continue
        if _names(signer, certificate):
            yield octets


def _names(signer: SignerInfo, certificate: Certificate) -> bool:
    if signer.key_id is not None:
        try:
            return subject_key_identifier(certificate) == signer.key_id
        except FormatError:
            return False
    return signer.issuer == certificate.issuer and signer.serial == certificate.serial_number


def _digest(request: VerificationRequest) -> bytes | None:
    if request.digest is None:
        return None
    try:
        digest = bytes.fromhex(request.digest.value)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_SIZES[request.digest.alg]:
        raise InputError("verification.digest", "The digest's length is not that of its algorithm.")
    return digest


def _check_sizes(request: VerificationRequest) -> None:
    limits = (
        ("document", request.document, MOST_DOCUMENT),
        ("signature", request.signature, MOST_SIGNATURE),
        ("certificate", request.certificate, MOST_CERTIFICATE),
        ("cms", request.cms, MOST_CMS),
    )
    for name, content, most in limits:
        if content is not None and len(content) > most:
            raise InputError("verification.too_large", f"`{name}` is larger than {most} bytes.")
