"""RSA signatures (RFC 8017 §8): RSASSA-PKCS1-v1_5 in both shapes that cards make, and RSASSA-PSS.

A card pads whatever its host gives it: nearly always a DigestInfo, from some hosts the bare digest (my-number-card.md
§3.2). One public-key operation recovers the block; both shapes are compared whole with the one encoding that is right,
so neither loose BER nor bytes after the digest pass (Bleichenbacher's forgery of 2006). Which shape it was is recorded.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from honnin.pki.facts import SignatureFacts
from honnin.pki.signed_content import COVERS, HASH_LENGTHS, SignedContent

__all__ = ["HASHES", "check_pkcs1", "check_pss", "check_rsa", "digest_info"]

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - read so that it can be refused by name
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_SHA256_LENGTH = len(_SHA256_INFO) + HASH_LENGTHS["sha256"]
# DigestInfo before the digest (RFC 8017 §9.2 note 1), by the length of the whole.
_DIGEST_INFO = {
    len(prefix) + HASH_LENGTHS[name]: (prefix, name)
    for name, prefix in (
        ("sha1", bytes.fromhex("3021300906052b0e03021a05000414")),
        ("sha224", bytes.fromhex("302d300d06096086480165030402040500041c")),
        ("sha256", _SHA256_INFO),
        ("sha384", bytes.fromhex("3041300d060960864801650304020205000430")),
        ("sha512", bytes.fromhex("3051300d060960864801650304020305000440")),
    )
}
_BARE = {length: name for name, length in HASH_LENGTHS.items()}
_PKCS1 = padding.PKCS1v15()
# What is found nearly always: valid, SHA-256 in a DigestInfo.
_USUAL = {
    covers: SignatureFacts(
        result="valid", algorithm="rsassa_pkcs1_v1_5", hash="sha256", shape="digest_info", covers=covers
    )
    for covers in COVERS
}
_PSS_CANDIDATES = ("sha256", "sha384", "sha512")


def digest_info(name: str, digest: bytes) -> bytes:
    """Return the DigestInfo of a digest under a hash (`sha256` …)."""
    prefix = next(prefix for prefix, known in _DIGEST_INFO.values() if known == name)
    return prefix + digest


def check_rsa(key: rsa.RSAPublicKey, signature: bytes, signed: SignedContent) -> SignatureFacts:
    """Check a raw signature whose scheme and hash nobody names: the block itself tells them."""
    facts = check_pkcs1(key, signature, signed)
    if facts.problem != "padding":
        return facts
    for name in _PSS_CANDIDATES:
        if signed.digest(name) is not None:
            tried = check_pss(key, signature, signed, name)
            if tried.result == "valid":
                return tried
    return facts


def check_pkcs1(
    key: rsa.RSAPublicKey, signature: bytes, signed: SignedContent, expected: str | None = None
) -> SignatureFacts:
    """Check RSASSA-PKCS1-v1_5. expected: the hash that is named elsewhere (CMS); any other one is a contradiction.

    `digest_differs`: the block is well formed under this key, but of other content. `wrong` with problem `padding`: it
    is no such block under this key at all.
    """
    try:
        block = key.recover_data_from_signature(signature, _PKCS1, None)
    except (InvalidSignature, ValueError):
        return SignatureFacts(result="wrong", problem="padding", covers=signed.covers)
    length = len(block)
    if length == _SHA256_LENGTH and expected in (None, "sha256"):
        digest = signed.digest("sha256")
        if digest is not None and block == _SHA256_INFO + digest:
            return _USUAL[signed.covers]
    prefix, name = _DIGEST_INFO.get(length, (b"", ""))
    if prefix and block.startswith(prefix):
        shape, found = "digest_info", block[len(prefix) :]
    elif length in _BARE:
        shape, found, name = "bare_digest", block, _BARE[length]
    else:
        return SignatureFacts(
            result="wrong", algorithm="rsassa_pkcs1_v1_5", problem="digest_info", covers=signed.covers
        )
    contradicts = expected is not None and name != expected
    return SignatureFacts(
        result="wrong" if contradicts else "valid" if found == signed.digest(name) else "digest_differs",
        algorithm="rsassa_pkcs1_v1_5",
        hash=name,
        shape="digest_info" if shape == "digest_info" else "bare_digest",
        covers=signed.covers,
        problem="hash_contradicts" if contradicts else None,
    )


def check_pss(
    key: rsa.RSAPublicKey, signature: bytes, signed: SignedContent, name: str, salt_length: int | None = None
) -> SignatureFacts:
    """Check RSASSA-PSS with one hash for message and mask. salt_length: bytes, None for any."""
    digest = signed.digest(name)
    if digest is None:
        return SignatureFacts(
            result="wrong", algorithm="rsassa_pss", hash=name, problem="other_hash", covers=signed.covers
        )
    hashed = HASHES[name]
    scheme = padding.PSS(padding.MGF1(hashed), padding.PSS.AUTO if salt_length is None else salt_length)
    try:
        key.verify(signature, digest, scheme, Prehashed(hashed))
    except (InvalidSignature, ValueError):
        return SignatureFacts(result="wrong", algorithm="rsassa_pss", hash=name, covers=signed.covers)
    return SignatureFacts(result="valid", algorithm="rsassa_pss", hash=name, shape="pss", covers=signed.covers)
