"""What the agency does with the user authentication certificate: the challenge's signature, then J-LIS (§1.2).

The certificate names its row of the register, and the row its person. J-LIS answers by OCSP as of now, or by CRL as of
the day's publication; when its service is switched off, the agency cannot tell.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID

from honnin.sandbox.digital_auth.app_card import CardFailedError
from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.authorities import by_key_id
from honnin.sandbox.jlis.crl import publication
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.jlis.switches import chosen
from honnin.sandbox.world import World

__all__ = ["check_signature", "check_status", "entry_of"]

SILENT = frozenset({"down", "slow", "try_later", "malformed", "forged", "stale", "wrong_nonce"})


def entry_of(world: World, certificate: bytes) -> Entry:
    """Return the register's row of a certificate. Raises CardFailedError for one that J-LIS never issued."""
    read = x509.load_der_x509_certificate(certificate)
    key_id = read.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value
    assert isinstance(key_id, x509.AuthorityKeyIdentifier)  # noqa: S101
    issuer = by_key_id(world, key_id.key_identifier or b"")
    found = None if issuer is None else register.entry(world, issuer.kind, read.serial_number)
    if found is None:
        raise CardFailedError("card_unreadable")
    return found


def check_signature(certificate: bytes, digest: bytes, signature: bytes) -> None:
    """Check the card's signature over a SHA-256 digest. Raises CardFailedError `card_unreadable`."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), Prehashed(SHA256()))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            pair = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
            key.verify(pair, digest, ec.ECDSA(Prehashed(SHA256())))
        else:
            raise CardFailedError("card_unreadable")
    except InvalidSignature as error:
        raise CardFailedError("card_unreadable") from error


def check_status(world: World, found: Entry, source: str) -> None:
    """Ask J-LIS. source: `ocsp` or `crl`. Raises CardFailedError `revoked`, `suspended`, `expired`, `jlis_down`."""
    now = world.now()
    if not found.not_before <= now <= found.not_after:
        raise CardFailedError("expired")
    if chosen(world, source, {}, found.person) in SILENT:
        raise CardFailedError("jlis_down")
    known = publication(now) if source == "crl" else now
    if found.revoked_by(known):
        raise CardFailedError("suspended" if found.reason == "certificateHold" else "revoked")
