"""What `honnin.pki.signing` is given in tests: keys of software, a stamp by pyHanko's authority, data to keep."""

import asyncio

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from tests.documents.files import CA, CERTIFICATE, HOUR, stamper
from tests.pki.signing import NOW, ec_key, rsa_key

from honnin.pki.signing import Kept

LEASE = '<Lease xmlns="urn:example:lease"><Rent>100000</Rent><Tenant>見本　花子</Tenant></Lease>'.encode()
KEPT = Kept(certificates=(CA.der,), crls=(CA.crl(),), ocsp=(CA.ocsp(CERTIFICATE),))
ON_CURVE = CA.issue(ec_key("document").public_key(), serial=55)


def sign(digest: bytes, name: str = "person") -> bytes:
    return rsa_key(name).sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def sign_on_curve(digest: bytes) -> bytes:
    """r‖s, as the next card gives it."""
    r, s = decode_dss_signature(ec_key("document").sign(digest, ec.ECDSA(Prehashed(hashes.SHA384()))))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def stamp(digest: bytes) -> bytes:
    token: bytes = asyncio.run(stamper(NOW - HOUR).async_timestamp(digest, "sha256")).dump()
    return token
