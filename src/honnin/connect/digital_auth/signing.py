"""The sign transaction: submitting a value, and fetching the result for the PF (§1.10 to §1.12).

The value is the bytes that the card pads: a DigestInfo (the default; any verifier takes it) or the bare digest. The
result is a JWE that this client cannot read; it goes to the PF together with the submitted value, and into no log.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from honnin.connect.digital_auth.attempt import Signing
from honnin.connect.digital_auth.exchange import Reply, Steps, check_available, get, post_json, read_object
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.connect.digital_auth.tokens import Tokens
from honnin.errors import AccessError, GoneError, InputError, NotFoundError, ServiceError, StateError

__all__ = ["Shape", "SignResult", "fetch_result", "start_transaction", "submitted_value"]

Shape = Literal["digest_info", "bare_digest"]
# RFC 8017 §9.2 note 1: DigestInfo of SHA-256 before the digest.
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True, slots=True)
class SignResult:
    """What a finished sign transaction gave; nothing of it is for a log.

    jwe: for the PF. submitted: the value that was signed, base64; `POST /v1/verifications` takes both as
    `signing_result`. document_digest: SHA-256 of the document, hex.
    signature, certificate: in place of the JWE, for a certified verifier under the older shape (DER).
    """

    transaction: str
    submitted: str = field(repr=False)
    document_digest: str = field(repr=False)
    jwe: str | None = field(default=None, repr=False)
    signature: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def submitted_bytes(self) -> bytes:
        """The submitted value as bytes."""
        return b64decode(self.submitted)


def submitted_value(document: bytes, shape: Shape = "digest_info") -> bytes:
    """Return the bytes to submit for a document: its SHA-256, in a DigestInfo or bare."""
    digest = hashlib.sha256(document).digest()
    return SHA256_INFO + digest if shape == "digest_info" else digest


def start_transaction(
    service: Service, client_id: str, tokens: Tokens, document: bytes, shape: Shape, words: str | None = None
) -> Steps[Signing]:
    """Start a transaction for a document that a person can read. words: what a service of honnin's own is to show: the
    document itself, or what the signed attributes that are the `document` name (`honnin.pki.signing.prepare`).

    Raises InputError `digital_auth.nothing_to_sign`, `digital_auth.no_signing`, `digital_auth.no_words` (the official
    service has no member for them, and never gets any); ServiceError.
    """
    rules = profile().sign
    if not document:
        raise InputError("digital_auth.nothing_to_sign", "There is nothing to sign.", next="Give a document.")
    if service.sign_start is None:
        raise InputError("digital_auth.no_signing", "This service has no signing API.")
    submitted = b64encode(submitted_value(document, shape)).decode("ascii")
    body = {rules.request["client_id"]: client_id, rules.request["data"]: submitted}
    if words is not None:
        if any(service.sign_start.startswith(profile().environments[name]) for name in rules.without_words):
            raise InputError(
                "digital_auth.no_words",
                "This service is given a digest alone and shows no words.",
                next="Leave `words`, and show the document before the person goes there.",
            )
        body[rules.request["words"]] = words
        if words.encode("utf-8") != document:
            body[rules.request["content"]] = b64encode(document).decode("ascii")
    reply = yield post_json("sign_start", service.sign_start, body, token=tokens.access_token)
    found = read_object(reply)
    if reply.status not in {200, 201}:
        raise _refused(reply)
    return Signing(
        _transaction(found.get(rules.answer["transaction"])), submitted, hashlib.sha256(document).hexdigest()
    )


def fetch_result(service: Service, signing: Signing, tokens: Tokens) -> Steps[SignResult]:
    """Fetch the result with the token of the person's own login.

    Raises AccessError `digital_auth.sign_not_granted`, `digital_auth.result_refused`; NotFoundError
    `digital_auth.transaction_unknown`; StateError `digital_auth.transaction_unfinished`; GoneError
    `digital_auth.transaction_expired`; ServiceError.
    """
    if profile().scopes.sign not in tokens.scopes:
        raise AccessError("digital_auth.sign_not_granted", "The person did not allow the signature.")
    if service.sign_result is None:
        raise InputError("digital_auth.no_signing", "This service has no signing API.")
    url = service.sign_result.replace("{id}", signing.transaction)
    reply = yield get("sign_result", url, token=tokens.access_token)
    if reply.status != 200:
        check_available(reply)
        raise _refused(reply)
    return _result(read_object(reply), signing)


def _result(body: dict[str, Any], signing: Signing) -> SignResult:
    rules = profile().result
    jwe = body.get(rules.member)
    if isinstance(jwe, str):
        if not 0 < len(jwe) <= rules.most_characters or jwe.count(".") != 4:
            raise _malformed()
        return SignResult(signing.transaction, signing.submitted, signing.document_digest, jwe=jwe)
    signature, certificate = (_octets(body.get(rules.plain[name])) for name in ("signature", "certificate"))
    return SignResult(
        signing.transaction, signing.submitted, signing.document_digest, signature=signature, certificate=certificate
    )


def _octets(text: Any) -> bytes:
    try:
        octets = b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        octets = b""
    if not octets:
        raise _malformed()
    return octets


def _transaction(text: Any) -> str:
    try:
        same = isinstance(text, str) and str(UUID(text)) == text.lower()
    except ValueError:
        same = False
    if not same:
        raise _malformed()
    return str(text)


def _refused(reply: Reply) -> AccessError | StateError | NotFoundError | ServiceError:
    meaning = profile().sign.statuses.get(str(reply.status))
    if meaning == "unknown":
        return NotFoundError("digital_auth.transaction_unknown", "The service knows no such transaction.")
    if meaning == "not_finished":
        return StateError("digital_auth.transaction_unfinished", "The person has not signed yet.", retryable=True)
    if meaning == "expired":
        return GoneError("digital_auth.transaction_expired", "The transaction has expired.", next="Start again.")
    if reply.status in {401, 403}:
        return AccessError("digital_auth.result_refused", "The service does not take this token.", next="Start again.")
    return ServiceError(
        "digital_auth.request_refused",
        f"The service refused the request (HTTP {reply.status}).",
        next="Check client id, redirect URI and scopes against the registration.",
    )


def _malformed() -> ServiceError:
    return ServiceError("digital_auth.malformed", "The signing API's answer lacks what it must have.")
