"""OCSP over HTTP (RFC 6960 appendix A, RFC 9654; My Number Card sheet, section 6.2).

Asks the responder that the certificate names, with a fresh nonce, and gives the answer on as it came. Checked here:
that it is an answer at all and carries our nonce. Signer, times and status are for `honnin.pki.check_revocation`.
J-LIS's own rules on nonces and hashes are not public: both are options. Requests are not signed.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from honnin.connect.gateway import Address, Gateway
from honnin.connect.jlis.models import RevocationData
from honnin.errors import FormatError, ServiceError
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.extensions import access_descriptions
from honnin.pki.rfc6960 import CertId, OcspResponse, certificate_ids, ocsp_request_about, parse_ocsp_response

__all__ = ["OcspSource"]

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"
OCSP = "1.3.6.1.5.5.7.48.1"
URI = 0x86
LARGEST_ANSWER = 64 << 10
NONCE_SIZE = 32


class OcspSource:
    """Revocation data from the certificate's OCSP responder.

    nonce: gives the octets to send, or None to send none; required: an answer without our nonce is refused.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        nonce: Callable[[], bytes] | None = lambda: secrets.token_bytes(NONCE_SIZE),
        nonce_required: bool = True,
        hash_name: Literal["sha1", "sha256"] = "sha1",
    ) -> None:
        self._gateway = gateway
        self._nonce = nonce
        self._nonce_required = nonce_required
        self._hash_name = hash_name

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Ask about one certificate.

        Raises what `Gateway.post` raises, ServiceError `jlis.no_address`, `jlis.try_later`, `jlis.refused`,
        `jlis.answer_malformed`, `jlis.nonce_mismatch`, and FormatError for a certificate that cannot be read.
        """
        address = self._gateway.locate(responder(certificate))
        which = certificate_ids(parse_certificate(certificate), parse_certificate(issuer), self._hash_name)
        answer = self.exchange(address, [which])
        return RevocationData(ocsp=(answer.raw,), source="ocsp", fetched_at=at)

    def exchange(self, address: Address, which: Sequence[CertId]) -> OcspResponse:
        """Ask a responder about certificates of one issuer and return its answer; raises as `fetch`."""
        nonce = self._nonce() if self._nonce else None
        request = ocsp_request_about(which, nonce=nonce)
        answer = self._gateway.post(address, request, REQUEST, limit=LARGEST_ANSWER, accept=RESPONSE)
        if answer.media_type != RESPONSE:
            raise _malformed("The responder's answer is not an OCSP response.")
        return self._checked(answer.content, nonce)

    def _checked(self, content: bytes, nonce: bytes | None) -> OcspResponse:
        try:
            response = parse_ocsp_response(content)
        except FormatError as error:
            raise _malformed("The responder's answer cannot be read.") from error
        if response.status == "tryLater":
            raise ServiceError(
                "jlis.try_later", "The responder asks to try later.", next="Try again later.", retryable=True
            )
        if response.status != "successful":
            raise ServiceError("jlis.refused", f"The responder refuses the request: {response.status}.")
        if nonce is None or (response.nonce is None and not self._nonce_required):
            return response
        if response.nonce is None or not hmac.compare_digest(response.nonce, nonce):
            raise ServiceError(
                "jlis.nonce_mismatch", "The answer was not made for this request.", next="Ask again.", retryable=True
            )
        return response


def responder(certificate: bytes) -> str:
    """Return the first OCSP address that a certificate (DER) names.

    Raises ServiceError `jlis.no_address`, FormatError.
    """
    for method, location in access_descriptions(parse_certificate(certificate)):
        if method == OCSP and location.tag == URI:
            return location.content.decode("ascii", "replace")
    raise ServiceError("jlis.no_address", "The certificate names no OCSP responder.", next="Ask for a CRL.")


def _malformed(why: str) -> ServiceError:
    return ServiceError("jlis.answer_malformed", why, next="Ask again, or ask another source.", retryable=True)
