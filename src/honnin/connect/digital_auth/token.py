"""Decryption keys whose private half never leaves a PKCS#11 token (RFC 7518 §4.6; PKCS#11 2.40 §2.3.10 ECDH1).

The token makes the shared secret of ECDH-ES; the rest of the JWE is opened as with a key from a file. `held_in` of a
key file names module, token label and object label; the token's PIN is read from the file that `held_in` names.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey

from honnin.connect.digital_auth.keys import StoredKey
from honnin.errors import InputError, ServiceError

__all__ = ["new_token_key", "token_key"]

P256_OID = bytes.fromhex("06082a8648ce3d030107")  # DER of 1.2.840.10045.3.1.7, as CKA_EC_PARAMS wants it
_LOCK = threading.Lock()  # one session at a time: not every module is safe for threads


class _TokenKey(ECKey):
    """A public key whose agreement is made inside the token."""

    held_in: dict[str, str]

    def exchange_derive_key(self, key: Any) -> bytes:
        point = key.get_op_key("deriveKey").public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        with _session(self.held_in) as (pkcs11, session):
            private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.held_in["label"])
            shared = private.derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                256,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template={pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True},
            )
            secret: bytes = shared[pkcs11.Attribute.VALUE]
            return secret


def token_key(key: StoredKey) -> ECKey:
    """Return a key that agrees inside its token. Raises InputError `digital_auth.token_key`."""
    if key.held_in is None or key.jwk.get("kty") != "EC":
        raise InputError("digital_auth.token_key", "Keys in a token are elliptic-curve keys.")
    public: dict[str, Any] = {name: key.jwk[name] for name in ("kty", "crv", "x", "y")}
    made = _TokenKey.import_key(public)
    made.held_in = key.held_in
    return made


def new_token_key(held_in: dict[str, str]) -> StoredKey:
    """Make a P-256 key inside a token; the key file gets its public half and where it is.

    held_in: `module` (path), `token` and `label`, `pin_file`. Raises ServiceError `digital_auth.token_failed`.
    """
    from pkcs11.util.ec import encode_ec_public_key

    with _session(held_in, writable=True) as (pkcs11, session):
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: P256_OID}, local=True
        )
        public, _ = parameters.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN,
            label=held_in["label"],
            store=True,
            capabilities=pkcs11.MechanismFlag.DERIVE,
        )
        spki = encode_ec_public_key(public)
    key: Any = serialization.load_der_public_key(spki)
    jose = ECKey.import_key(key, {"use": "enc", "alg": "ECDH-ES+A256KW"})
    jwk = {name: str(value) for name, value in jose.as_dict(private=False).items()}
    jwk["kid"] = jose.thumbprint()
    return StoredKey(jwk["kid"], "ECDH-ES+A256KW", "current", "", jwk, held_in)


@contextmanager
def _session(held_in: dict[str, str], *, writable: bool = False) -> Iterator[tuple[Any, Any]]:
    try:
        import pkcs11
    except ImportError as error:
        raise InputError(
            "digital_auth.token_key", "Keys in a token need python-pkcs11.", next="pip install 'honnin[hsm]'"
        ) from error
    try:
        pin = Path(held_in["pin_file"]).read_text(encoding="ascii").strip()
        with _LOCK:
            token = pkcs11.lib(held_in["module"]).get_token(token_label=held_in["token"])
            with token.open(rw=writable, user_pin=pin) as session:
                yield pkcs11, session
    except (pkcs11.exceptions.PKCS11Error, OSError, UnicodeDecodeError, RuntimeError):
        raise ServiceError(
            "digital_auth.token_failed",
            "The PKCS#11 token did not do what was asked.",
            next="Check module, token, label and PIN file.",
            retryable=True,
        ) from None
