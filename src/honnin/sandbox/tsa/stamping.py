"""A TimeStampReq answered (RFC 3161 §2.4): a real token, signed at the world's time."""

import hashlib
import secrets
from datetime import datetime

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from honnin.sandbox.tsa.authority import anchor, certificate, stamping_key
from honnin.sandbox.world import World

__all__ = ["POLICY", "answer"]

POLICY = "2.25.213874561"  # ours; stands for no authority's practice statement
_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64}
# PKIFailureInfo (§2.4.2)
_BAD_ALGORITHM, _BAD_FORMAT, _UNACCEPTED_POLICY = "bad_alg", "bad_data_format", "unaccepted_policy"


class _Refusal(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without a token, which asn1crypto's does not know to be optional."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 - asn1crypto reads it so


def answer(world: World, question: bytes, *, state: str = "up") -> bytes:
    """Return a TimeStampResp (DER); what cannot be granted is refused in it."""
    try:
        asked = tsp.TimeStampReq.load(question, strict=True)
        imprint = asked["message_imprint"]
        name, digest = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        nonce, policy = asked["nonce"].native, asked["req_policy"].native
        wants_certificate, extended = asked["cert_req"].native, asked["extensions"].native
    except (ValueError, TypeError, KeyError):
        return _refusal(_BAD_FORMAT)
    if extended or len(digest) != _LENGTHS.get(name, -1):
        return _refusal(_BAD_ALGORITHM if not extended else "unaccepted_extensions")
    if policy not in {None, POLICY}:
        return _refusal(_UNACCEPTED_POLICY)
    if state == "refusing":
        return _refusal("system_failure")
    if state == "wrong_nonce":
        nonce = (nonce or 0) + 1
    if state == "wrong_digest":
        digest = hashlib.new(name, digest).digest()
    token = _token(world, name, digest, nonce, world.now(), wants_certificate=bool(wants_certificate))
    written: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
    if state == "forged":
        return written[:-1] + bytes((written[-1] ^ 1,))
    return written[: len(written) // 2] if state == "malformed" else written


def _refusal(failure: str) -> bytes:
    written: bytes = _Refusal({"status": {"status": "rejection", "fail_info": {failure}}}).dump()
    return written


def _token(
    world: World, name: str, digest: bytes, nonce: int | None, at: datetime, *, wants_certificate: bool
) -> cms.ContentInfo:
    stamped = {
        "version": "v1",
        "policy": POLICY,
        "message_imprint": {"hash_algorithm": {"algorithm": name}, "hashed_message": digest},
        "serial_number": secrets.randbits(63),
        "gen_time": at.replace(microsecond=0),
        "accuracy": {"seconds": 1},
        "ordering": False,
    }
    if nonce is not None:
        stamped["nonce"] = nonce
    info = tsp.TSTInfo(stamped).dump()
    own = x509.Certificate.load(certificate(world))
    named = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(own.dump()).digest()}]})
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(info).digest()]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]}),
        ]
    )
    value = stamping_key(world).sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
            "signature": value,
        }
    )
    data = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
        "signer_infos": [signer],
    }
    if wants_certificate:
        data["certificates"] = [own, x509.Certificate.load(anchor(world))]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})
