"""Time stamps over HTTP (RFC 3161 §2.4, §3.4): ask with a fresh nonce, and take no answer that is to another question.

Checked here: granted, over our digest, with our nonce, signed by a certificate in the token for time stamping. Whether
its authority is trusted is judged whenever the document is verified.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from honnin.connect.gateway import Address, Gateway
from honnin.errors import FormatError, ServiceError
from honnin.pki import der
from honnin.pki.holder import Trust
from honnin.pki.signed_content import SignedContent
from honnin.pki.time_stamps import Stamped, read_token, stamp_facts

__all__ = ["TimeStampClient", "time_stamp_request"]

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
LARGEST_REPLY = 64 << 10
NONCE_BITS = 64
_SHA256 = der.encode(der.SEQUENCE, der.encode_oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
_NOW = timedelta(minutes=10)  # a token states about the present; clocks differ


def time_stamp_request(digest: bytes, nonce: int, *, policy: str | None = None) -> bytes:
    """Return a TimeStampReq (DER) over a SHA-256 digest that asks for the authority's certificate."""
    imprint = der.encode(der.SEQUENCE, _SHA256, der.encode(der.OCTET_STRING, digest))
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(1),
        imprint,
        b"" if policy is None else der.encode_oid(policy),
        der.encode_integer(nonce),
        b"\x01\x01\xff",
    )


class TimeStampClient:
    """A client of one time-stamping authority. `stamp` fits where `honnin.pki.signing` wants a stamp.

    clock: the present, to which a token must be near; None asks nothing of its time. policy: OID to ask for, if any.
    """

    def __init__(
        self,
        gateway: Gateway,
        address: Address,
        *,
        policy: str | None = None,
        clock: Callable[[], datetime] | None = lambda: datetime.now(UTC),
        nonce: Callable[[], int] = lambda: secrets.randbits(NONCE_BITS),
    ) -> None:
        self._gateway = gateway
        self._address = address
        self._policy = policy
        self._clock = clock
        self._nonce = nonce

    def stamp(self, digest: bytes) -> bytes:
        """Return a token (DER) over a SHA-256 digest.

        Raises what `Gateway.post` raises, ServiceError `timestamping.refused`, `timestamping.answer_malformed`,
        `timestamping.answer_differs`.
        """
        nonce = self._nonce()
        question = time_stamp_request(digest, nonce, policy=self._policy)
        answer = self._gateway.post(self._address, question, QUERY, limit=LARGEST_REPLY, accept=REPLY)
        token = _token(answer.content)
        try:
            read = read_token(token)
        except FormatError as error:
            raise _malformed() from error
        if read.hash != "sha256" or read.imprint != digest or read.nonce != nonce:
            raise _differs("It is over another digest, or answers another question.")
        if self._policy is not None and read.policy != self._policy:
            raise _differs("It was made under another policy.")
        if self._clock is not None and abs(read.time - self._clock()) > _NOW:
            raise _differs("Its time is not the present.")
        (facts,), _ = stamp_facts([Stamped(token, SignedContent(None, digest))], Trust(), read.time, None)
        if facts.authority is None or facts.authority.signature.result != "valid":
            raise _differs("Its own signature is not right.")
        return token


def _token(content: bytes) -> bytes:
    """Return the token of a TimeStampResp (§2.4.2)."""
    try:
        at, end = der.whole(content, der.SEQUENCE)
        start, after = der.enclosed(content, at, end, der.SEQUENCE)
        first, last = der.enclosed(content, start, after, der.INTEGER)
        status = der.integer(content, first, last)
    except FormatError as error:
        raise _malformed() from error
    if status not in {0, 1}:
        raise ServiceError(
            "timestamping.refused",
            f"The time-stamping authority refused (PKIStatus {status}).",
            next="Ask again later, or ask another authority.",
            retryable=True,
        )
    if after == end:
        raise _malformed()
    return content[after:end]


def _malformed() -> ServiceError:
    return ServiceError(
        "timestamping.answer_malformed",
        "The time-stamping authority's answer cannot be read.",
        next="Ask again later, or ask another authority.",
        retryable=True,
    )


def _differs(why: str) -> ServiceError:
    return ServiceError(
        "timestamping.answer_differs",
        f"The time stamp is not the one that was asked for. {why}",
        next="Ask again; tell the authority if it happens again.",
        retryable=True,
    )
