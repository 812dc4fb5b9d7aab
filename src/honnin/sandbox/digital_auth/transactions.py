"""Sign transactions (§1.10 to §1.12): bytes to be signed go in, the card's bare signature and certificate come out.

For a private relying party the result is a JWE for its PF operator; for one that is itself a certified verifier it is
plain. The bytes go to the card as they are: 32, 48 or 64 bytes of a digest, or its DER DigestInfo.

Of the sandbox's own: the start call may carry the words that the person is to see (`text`), and then their digest must
be the one to be signed; or, of a PDF, the signed attributes come beside them (`content`), their digest must be the one
to be signed, and they must name the words' digest. What the phone showed goes into the result as a JWS of the service
(`shown`).
"""

import base64
import binascii
import hashlib
import json
import unicodedata
from typing import Any
from uuid import uuid4

import msgspec
from asn1crypto import cms, core
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from honnin.sandbox.digital_auth.assertions import is_strict
from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.keys import signing_key
from honnin.sandbox.digital_auth.parties import Party, Verifier, verifier
from honnin.sandbox.digital_auth.profile import ResultShape, profile
from honnin.sandbox.digital_auth.refusals import SignRefusal
from honnin.sandbox.world import World

__all__ = ["Transaction", "finish", "proof_of_showing", "result", "start", "transaction", "waiting"]

# DER DigestInfo up to the digest (RFC 8017 §9.2, note 1), by the digest's size in bytes
DIGEST_INFOS = {
    32: bytes.fromhex("3031300d060960864801650304020105000420"),
    48: bytes.fromhex("3041300d060960864801650304020205000430"),
    64: bytes.fromhex("3051300d060960864801650304020305000440"),
}
HASHES = {32: "sha256", 48: "sha384", 64: "sha512"}
LONGEST_TEXT = 20_000
SHOWN_WORDS = "2.25.141198268323001658869671871303255035148"  # OCTET STRING: SHA-256 of the words, UTF-8
DEFAULT_ALGORITHM = {"RSA": "RSA-OAEP-256", "EC": "ECDH-ES+A256KW"}


class Transaction(msgspec.Struct, frozen=True):
    """One start call. given: the bytes for the card; text: the words to be shown."""

    transaction_id: str
    client_id: str
    given: bytes
    text: str | None

    @property
    def digest(self) -> bytes | None:
        """The digest that is signed, out of either shape; None for bytes of another kind."""
        return _digest_in(self.given)

    @property
    def signs_words(self) -> bool:
        """Whether the words themselves are signed; else a document is, which names them."""
        found = self.digest
        if self.text is None or found is None:
            return False
        return hashlib.new(HASHES[len(found)], self.text.encode()).digest() == found

    def __repr__(self) -> str:
        return "Transaction(…)"


def start(world: World, client: Party, body: bytes) -> dict[str, str]:
    """Begin a transaction and return the answer of the start call. Raises SignRefusal (400)."""
    assumptions = profile(world).assumptions
    members = assumptions.start
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise SignRefusal(400, "malformed", "The body is no JSON object.") from error
    if given.get(members.client, client.client_id) != client.client_id:
        raise SignRefusal(400, "wrong_client", f"{members.client} is not the caller.")
    if is_strict(world, client) and set(given) - {members.client, members.data}:
        raise SignRefusal(400, "unknown_member", "A member is not known.")
    data, text = _bytes(given.get(members.data), members.data), given.get(members.text)
    found = _digest_in(data)
    if not 0 < len(data) <= assumptions.transactions.largest_bytes or (is_strict(world, client) and found is None):
        raise SignRefusal(400, "data_unfit", f"{members.data} is a digest or its DigestInfo.")
    if text is not None:
        content = given.get(members.content)
        _check_text(text, found, None if content is None else _bytes(content, members.content))
    transaction_id = str(uuid4())
    until = world.now().timestamp() + assumptions.transactions.seconds
    with world.transaction() as db:
        db.execute(
            "INSERT INTO dauth_transactions (transaction_id, client_id, given, text, until) VALUES (?, ?, ?, ?, ?)",
            (transaction_id, client.client_id, data, text, until),
        )
    return {members.transaction: transaction_id}


def waiting(world: World, transaction_id: str, client_id: str) -> bool:
    """Tell whether a client's transaction still waits for a signature."""
    row = (
        world.connection()
        .execute(
            "SELECT 1 FROM dauth_transactions WHERE transaction_id = ? AND client_id = ? AND until > ?"
            " AND signature IS NULL",
            (transaction_id, client_id, world.now().timestamp()),
        )
        .fetchone()
    )
    return row is not None


def transaction(world: World, transaction_id: str) -> Transaction:
    """Return a transaction that is known to exist."""
    row = (
        world.connection()
        .execute("SELECT * FROM dauth_transactions WHERE transaction_id = ?", (transaction_id,))
        .fetchone()
    )
    return Transaction(row["transaction_id"], row["client_id"], bytes(row["given"]), row["text"])


def finish(world: World, transaction_id: str, signature: bytes, certificate: bytes, shown: str) -> bool:
    """Keep what the card signed; False when the transaction was signed or has expired meanwhile."""
    with world.transaction() as db:
        done = db.execute(
            "UPDATE dauth_transactions SET signature = ?, certificate = ?, shown = ?"
            " WHERE transaction_id = ? AND signature IS NULL AND until > ?",
            (signature, certificate, shown, transaction_id, world.now().timestamp()),
        )
    return done.rowcount == 1


def proof_of_showing(world: World, found: Transaction, issuer: str, language: str, signature: bytes) -> str:
    """Return a JWS (ES256) of the service: which words the phone showed for which signature."""
    key = signing_key(world, "id_token")
    words = None if found.text is None else hashlib.sha256(found.text.encode()).hexdigest()
    claims = {
        "iss": issuer,
        "iat": int(world.now().timestamp()),
        "sign_transaction_id": found.transaction_id,
        "shown": "digest" if found.text is None else "text",
        "text_sha256": words,
        "data": base64.b64encode(found.given).decode(),
        "signature_sha256": hashlib.sha256(signature).hexdigest(),
        "language": language,
    }
    return jwt.encode({"alg": "ES256", "typ": "shown+jwt", "kid": key.kid}, claims, key, algorithms=["ES256"])


def result(world: World, client: Party, grant: Grant, transaction_id: str, *, state: str) -> dict[str, str]:
    """Return the answer of the result call. Raises SignRefusal."""
    assumptions = profile(world).assumptions
    limits, shape = assumptions.transactions, assumptions.result
    row = (
        world.connection()
        .execute("SELECT * FROM dauth_transactions WHERE transaction_id = ?", (transaction_id,))
        .fetchone()
    )
    if row is None or row["client_id"] != client.client_id:
        raise SignRefusal(limits.unknown, "unknown", "No such transaction.")
    if grant.sign_transaction_id != transaction_id:
        raise SignRefusal(limits.not_allowed, "not_allowed", "The token was not given for this transaction.")
    if row["until"] <= world.now().timestamp():
        raise SignRefusal(limits.expired, "expired", "The transaction has expired.")
    if row["signature"] is None:
        raise SignRefusal(limits.unfinished, "unfinished", "The transaction is not finished.")
    signature = bytes(row["signature"])
    if state == "tampered":
        signature = signature[:-1] + bytes((signature[-1] ^ 0x01,))
    payload = {
        shape.signature: base64.b64encode(signature).decode(),
        shape.certificate: base64.b64encode(row["certificate"]).decode(),
        shape.transaction: transaction_id,
        shape.shown: row["shown"],
    }
    if client.certified_verifier:
        return payload
    found = None if client.verifier is None else verifier(world, client.verifier)
    if found is None:
        raise SignRefusal(limits.not_allowed, "no_verifier", "The client has no PF operator; register one.")
    return {shape.result: _encrypted(shape, found, payload, wrong_key=state == "wrong_key")}


def _encrypted(shape: ResultShape, operator: Verifier, payload: dict[str, str], *, wrong_key: bool) -> str:
    key = import_key(operator.jwks["keys"][0])
    if not isinstance(key, ECKey | RSAKey):
        raise TypeError("A PF operator's key is EC or RSA.")
    algorithm = key.alg or DEFAULT_ALGORITHM[key.key_type]
    header = {"alg": algorithm, "enc": shape.encryption, "kid": key.kid, "cty": "json"}
    if wrong_key:
        key = RSAKey.generate_key(2048) if isinstance(key, RSAKey) else ECKey.generate_key(key.curve_name)
    allowed = [*shape.algorithms, shape.encryption]
    try:
        return jwe.encrypt_compact(header, json.dumps(payload).encode(), key, algorithms=allowed)
    except JoseError as error:
        raise SignRefusal(500, "encryption", "The result cannot be encrypted for this key.") from error


def _bytes(value: Any, name: str) -> bytes:
    if not isinstance(value, str) or len(value) > 1024:
        raise SignRefusal(400, "data_unfit", f"{name} is base64 of what is to be signed.")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignRefusal(400, "data_unfit", f"{name} is standard base64.") from error


def _digest_in(given: bytes) -> bytes | None:
    """Return the digest out of a bare digest or a DER DigestInfo, nothing else (§1.11)."""
    if len(given) in HASHES:  # a DigestInfo has 51, 67 or 83 bytes
        return given
    for size, prefix in DIGEST_INFOS.items():
        if len(given) == len(prefix) + size and given.startswith(prefix):
            return given[len(prefix) :]
    return None


def _check_text(text: Any, found: bytes | None, content: bytes | None) -> None:
    """Hold the words to the bytes: the digest to be signed is theirs, or that of attributes that name them."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT:
        raise SignRefusal(400, "text_unfit", f"The words have 1 to {LONGEST_TEXT} characters.")
    if any(unicodedata.category(c)[0] == "C" and c not in "\n\t" for c in text):
        raise SignRefusal(400, "text_unfit", "The words hold characters that do not show as they are.")
    encoded = text.encode()
    signed = encoded if content is None else content
    if found is None or hashlib.new(HASHES[len(found)], signed).digest() != found:
        raise SignRefusal(400, "text_unfit", "The digest to be signed is not that of the words, or of the content.")
    if content is not None and _named_words(content) != hashlib.sha256(encoded).digest():
        raise SignRefusal(400, "text_unfit", "What is to be signed does not name these words.")


def _named_words(attributes: bytes) -> bytes | None:
    """Return the digest of words that signed attributes (RFC 5652 §5.3) name in an attribute of SHOWN_WORDS."""
    try:
        found = [one for one in cms.CMSAttributes.load(attributes, strict=True) if one["type"].dotted == SHOWN_WORDS]
        (attribute,) = found
        (value,) = attribute["values"]
        return bytes(core.OctetString.load(value.dump(), strict=True).native)
    except (ValueError, TypeError):
        return None
