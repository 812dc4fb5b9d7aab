"""What verification learned, as one storable document without personal data (STYLE: EU DSS; DESIGN: Evidence).

`collect` writes `Facts`, `judge` reads them and nothing else, so recorded facts replay to the same verdict and can be
judged again under another policy. CA certificates are kept whole. Of the person's certificate only a slot for a
commitment, issuer key id, serial, validity and extensions are kept; subject and subjectAltName are not, nor are the
signed bytes, their digest or the signature value.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from honnin.errors import FormatError

__all__ = [
    "FORMAT",
    "CertificateFacts",
    "ExtensionFacts",
    "Facts",
    "Kind",
    "LinkFacts",
    "PathFacts",
    "RevocationFacts",
    "SignatureFacts",
    "SignatureResult",
    "SignerFacts",
    "TimeStampFacts",
]

FORMAT: Literal["honnin-facts/1"] = "honnin-facts/1"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Situation = Literal["passed", "no_path", "constraints", "algorithm", "malformed", "expired", "not_yet_valid"]
SignatureResult = Literal[
    "valid",
    "wrong",
    "digest_differs",
    "malformed",
    "unsupported",
    "no_certificate",
    "certificate_differs",
    "changed_afterwards",
    "not_all_signed",
]
Kind = Literal["raw", "cms", "pdf", "xml", "time_stamp"]
Shape = Literal["digest_info", "bare_digest", "pss", "der", "raw"]


class _Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One group of facts; absent members mean "not learned". Facts form no cycles, so the collector need not look."""


class ExtensionFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """One extension of the person's certificate. `value` is DER, None where it could tell who the person is."""

    oid: str
    critical: bool = False
    value: bytes | None = None


class CertificateFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """The signer's certificate without its subject and names.

    commitment: HMAC of the DER under a key that lies in the sealed part; written by whoever keeps the evidence.
    issuer_key_id: authorityKeyIdentifier, or the issuer's subjectKeyIdentifier.
    serial: lower-case hex.
    key: `rsa-2048`, `ec-secp384r1` …; signature_algorithm: its AlgorithmIdentifier, DER.
    key_usage: names of RFC 5280 §4.2.1.3, extended_key_usage: OIDs; None where the extension is absent.
    attributes: whether the four items could be read: `whole`, `partial`, `absent`, `malformed`.
    """

    commitment: str | None = None
    issuer_key_id: bytes | None = None
    serial: str
    not_before: Moment
    not_after: Moment
    key: str
    signature_algorithm: bytes
    key_usage: tuple[str, ...] | None = None
    extended_key_usage: tuple[str, ...] | None = None
    policies: tuple[str, ...] = ()
    attributes: Literal["whole", "partial", "absent", "malformed"] = "absent"
    extensions: tuple[ExtensionFacts, ...] = ()


class SignatureFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """What the cryptography said of the signature value.

    algorithm: `rsassa_pkcs1_v1_5`, `rsassa_pss`, `ecdsa`; hash: `sha256` …
    shape: how the value was built: DigestInfo or bare digest inside PKCS#1 v1.5, DER or raw r‖s for ECDSA.
    covers: whether the signed content itself was seen, or only a digest that the caller gave.
    problem: a word for what is wrong, for `malformed`, `unsupported` and signed attributes that contradict.
    """

    result: SignatureResult
    algorithm: str | None = None
    hash: str | None = None
    shape: Shape | None = None
    covers: Literal["content", "digest"] = "content"
    problem: str | None = None


class LinkFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """One certificate of the path: what judging needs of it."""

    not_before: Moment
    not_after: Moment
    key: str
    signature_algorithm: bytes


class PathFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """The path that RFC 5280 §6 gave, looked for at `at` (a moment within the certificate's validity).

    situation: row of verdicts.json (`passed`, `no_path`, `constraints` …).
    certificates: DER of the CA certificates, the issuer first, the anchor last; links: the same certificates, read.
    policies: user-constrained policy set.
    """

    situation: Situation
    at: Moment
    reason: str = ""
    certificates: tuple[bytes, ...] = ()
    links: tuple[LinkFacts, ...] = ()
    policies: tuple[str, ...] = ()


class RevocationFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """What revocation data said of one certificate of the path, asked for the moment `at`.

    of: 0 the signer, 1 its issuer, and so on.
    kind: `ocsp` or `crl`; detail: number or responder of the data that decided.
    """

    of: int = 0
    at: Moment
    state: Literal["good", "revoked", "unknown"]
    reason: str | None = None
    revoked_at: Moment | None = None
    kind: str | None = None
    this_update: Moment | None = None
    next_update: Moment | None = None
    detail: Mapping[str, str] | None = None


class SignerFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """One signature and all that was learned about it. signing_time is what the signer claims, proof of nothing.

    coverage: for a PDF, whether the signature covers the whole file or an earlier revision of it.
    time_stamps: over this signature or over the document that holds it, the latest first.
    """

    signature: SignatureFacts
    certificate: CertificateFacts | None = None
    path: PathFacts | None = None
    revocation: tuple[RevocationFacts, ...] = ()
    signing_time: Moment | None = None
    coverage: Literal["whole_file", "revision"] | None = None
    time_stamps: tuple["TimeStampFacts", ...] = ()


class TimeStampFacts(_Fact, frozen=True, kw_only=True, gc=False):
    """One time stamp (RFC 3161). time: what the authority states; over: the signature's value, the whole document,
    or content given beside it.

    matches: whether its imprint is of what it should be over. authority: its own signature and path; None where the
    token could not be read, and then `problem` says why.
    """

    time: Moment | None = None
    over: Literal["signature", "document", "content"]
    matches: bool = False
    authority: SignerFacts | None = None
    problem: str | None = None


class Facts(_Fact, frozen=True, kw_only=True, omit_defaults=False, gc=False):
    """All that one verification learned.

    at: moment of judgement; existed_at: moment at which the signature is proved to have existed, if any.
    kind: what the signed bytes were; malformed: a word for why they could not be read, if so.
    time_stamp: of a file that is nothing but a time stamp over content given beside it; its authority is the signer.
    """

    format: Literal["honnin-facts/1"] = FORMAT
    software: str
    kind: Kind
    at: Moment
    existed_at: Moment | None = None
    malformed: str | None = None
    signers: tuple[SignerFacts, ...] = ()
    time_stamp: TimeStampFacts | None = None

    def encode(self) -> bytes:
        """Return the facts as JSON."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> "Facts":
        """Read facts back from JSON. Raises FormatError `facts.malformed`."""
        try:
            return _DECODER.decode(encoded)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise FormatError(
                "facts.malformed", "These are no facts of this version.", next="Give a file that honnin wrote."
            ) from error

    def with_commitments(self, commitments: Mapping[int, str]) -> "Facts":
        """Return the facts with a commitment to each signer's certificate, by the signer's position."""
        return msgspec.structs.replace(
            self,
            signers=tuple(_committed(signer, commitments.get(i)) for i, signer in enumerate(self.signers)),
        )


def _committed(signer: SignerFacts, commitment: str | None) -> SignerFacts:
    if commitment is None or signer.certificate is None:
        return signer
    certificate = msgspec.structs.replace(signer.certificate, commitment=commitment)
    return msgspec.structs.replace(signer, certificate=certificate)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Facts)
