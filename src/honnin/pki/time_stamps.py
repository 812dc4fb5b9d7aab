"""Time stamps (RFC 3161 §2.4.2): a token read, checked against what it should be over, and its authority looked at.

A token is CMS SignedData over a TSTInfo. Whether it proves anything is judged in `judging.proved_by`; here only facts
are learned. The certificates that a token brings along are material, never trust.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from honnin.errors import FormatError, InputError
from honnin.pki import der
from honnin.pki.cms_signature import digest_name
from honnin.pki.cms_signers import signers_of
from honnin.pki.der import malformed
from honnin.pki.facts import Facts, SignerFacts, TimeStampFacts
from honnin.pki.holder import Trust
from honnin.pki.judging import proved_by
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5652 import SignedData, looks_like_cms, read_signed_data
from honnin.pki.signed_content import SignedContent

__all__ = ["TST_INFO", "Stamped", "TimeStampToken", "lone_stamp", "read_token", "stamp_facts", "token_in"]

TST_INFO = "1.2.840.113549.1.9.16.1.4"
MOST_TOKENS = 16
_TIME = re.compile(rb"(\d{14})(?:\.(\d{1,9}))?Z")


class TimeStampToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a token states. time: UTC; hash: name (`sha256` …); imprint: digest of what was stamped; nonce: if any."""

    time: datetime
    hash: str
    imprint: bytes
    policy: str
    serial: int
    nonce: int | None = None
    data: SignedData


class Stamped(msgspec.Struct, frozen=True):
    """A token as found, DER or BER, with what it should be over."""

    token: bytes
    over: SignedContent
    document: bool = False


def read_token(octets: bytes) -> TimeStampToken:
    """Read a token. Raises FormatError `signature.cms_malformed` or `der.malformed`."""
    data = read_signed_data(octets)
    if data.content_type != TST_INFO or data.content is None or len(data.signers) != 1:
        raise malformed("The token holds no TSTInfo by one signer.")
    info = data.content
    at, end = der.whole(info, der.SEQUENCE)
    start, at = der.enclosed(info, at, end, der.INTEGER)
    if der.integer(info, start, at) != 1:
        raise malformed("The version of a TSTInfo is 1.")
    start, at = der.enclosed(info, at, end, der.OID)
    policy = der.oid(info, start, at)
    start, stop = der.enclosed(info, at, end, der.SEQUENCE)
    _, after = der.enclosed(info, start, stop, der.SEQUENCE)
    name = digest_name(info[start:after])
    first, last = der.enclosed(info, after, stop, der.OCTET_STRING)
    start, at = der.enclosed(info, stop, end, der.INTEGER)
    serial = der.integer(info, start, at)
    begin, at = der.enclosed(info, at, end, 0x18)
    time = _time(info[begin:at])
    nonce = None
    while at < end:
        tag, start, at = der.read(info, at, end)
        if tag == der.INTEGER:
            nonce = der.integer(info, start, at)
    return TimeStampToken(
        time=time, hash=name, imprint=info[first:last], policy=policy, serial=serial, nonce=nonce, data=data
    )


def stamp_facts(
    found: Iterable[Stamped], trust: Trust, at: datetime, existed_at: datetime | None
) -> tuple[tuple[TimeStampFacts, ...], datetime | None]:
    """Return the facts of time stamps, the latest first, and the earliest moment that they or the caller prove."""
    read: list[tuple[datetime, Stamped, TimeStampToken]] = []
    facts: list[TimeStampFacts] = []
    for stamped in list(found)[:MOST_TOKENS]:
        try:
            token = read_token(stamped.token)
        except FormatError as error:
            facts.append(TimeStampFacts(over=_over(stamped), problem=error.code))
            continue
        read.append((token.time, stamped, token))
    whole = Facts(software="", kind="cms", at=at, existed_at=existed_at)
    proof = existed_at
    for time, stamped, token in sorted(read, key=lambda one: one[0], reverse=True):
        stamp = _facts(time, stamped, token, trust, at, proof)
        facts.append(stamp)
        proof, _ = proved_by((stamp,), msgspec.structs.replace(whole, existed_at=proof))
    return tuple(facts), proof


def lone_stamp(
    octets: bytes,
    content: bytes | None,
    digest: bytes | None,
    certificate: bytes | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[TimeStampFacts, tuple[SignerFacts, ...], list[Certificate | None]]:
    """Return the facts of a token that stands alone, and its authority as the one signer with its certificate.

    content, digest: what it should be over. Raises FormatError for what is no token, InputError
    `signature.content_missing` where neither is given, or a digest by another hash than the token's.
    """
    token = read_token(octets)
    over = SignedContent(content, digest)
    imprint = over.digest(token.hash) if content is not None or digest is not None else None
    if imprint is None:
        raise InputError(
            "signature.content_missing",
            "A time stamp holds a digest of what was stamped, not the content.",
            next=f"Give the content, or its {token.hash.upper()} digest.",
        )
    given = None if certificate is None else parse_certificate(certificate)
    signers, found = signers_of(token.data, SignedContent(token.data.content), given, trust, at, existed_at)
    matches = imprint == token.imprint
    return TimeStampFacts(time=token.time, over="content", matches=matches, authority=signers[0]), signers, found


def token_in(response: bytes) -> bytes | None:
    """Return the token in a TimeStampResp (RFC 3161 §2.4.2), empty where it was refused; None for anything else."""
    try:
        start, end = der.whole(response, der.SEQUENCE)
        first, at = der.enclosed(response, start, end, der.SEQUENCE)
        der.enclosed(response, first, at, der.INTEGER)
    except FormatError:
        return None
    token = response[at:end]
    return token if not token or looks_like_cms(token) else None


def _facts(
    time: datetime, stamped: Stamped, token: TimeStampToken, trust: Trust, at: datetime, existed_at: datetime | None
) -> TimeStampFacts:
    matches = stamped.over.digest(token.hash) == token.imprint
    try:
        signers, _ = signers_of(token.data, SignedContent(token.data.content), None, trust, at, existed_at)
    except FormatError as error:
        return TimeStampFacts(time=time, over=_over(stamped), matches=matches, problem=error.code)
    return TimeStampFacts(time=time, over=_over(stamped), matches=matches, authority=signers[0])


def _over(stamped: Stamped) -> Literal["signature", "document"]:
    return "document" if stamped.document else "signature"


def _time(text: bytes) -> datetime:
    """Read a GeneralizedTime, which here may have fractions of a second (§2.4.2)."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise malformed("The time of a time stamp is not in UTC.")
    moment = der.time(b"\x18\x0f" + found[1] + b"Z", 0x18, 2, 17)
    return moment + timedelta(microseconds=int((found[2] or b"0").ljust(6, b"0")[:6]))
