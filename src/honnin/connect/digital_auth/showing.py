"""The service's proof of what the phone showed before a signature: a JWS in the sign result, honnin's sandbox's own.

1. Size and form; the algorithm is one of the profile's; the type is that of such proofs and of nothing else.
2. The key by `kid` in the issuer's JWKS; the signature.
3. `iss`, the transaction, the bytes that were signed, the signature that came of them: each is this one.
4. What was shown: words, by their SHA-256, or nothing but a digest.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc import jws
from joserfc.errors import JoseError

from honnin.connect.digital_auth.exchange import Steps
from honnin.connect.digital_auth.id_token import Claims, read_parts
from honnin.connect.digital_auth.jwks import KeyCache
from honnin.connect.digital_auth.profile import profile
from honnin.errors import HonninError, InputError

__all__ = ["Showing", "check_shown", "read_shown"]

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Showing:
    """What a proof says. token: the JWS. what: `text`, or `digest` where the person saw no words.

    words_digest: SHA-256 of the words in UTF-8, hex. data: the bytes that were given to the card.
    """

    token: str = field(repr=False)
    transaction: str
    what: Literal["text", "digest"]
    words_digest: str | None = field(repr=False)
    data: str = field(repr=False)
    signature_digest: str = field(repr=False)


def check_shown(
    token: str, issuer: str, keys: KeyCache, *, transaction: str | None, submitted: bytes, signature: bytes, now: float
) -> Steps[Showing]:
    """Return what a proof says that belongs to a signature. submitted: the bytes that were signed.

    Raises InputError `verification.shown_wrong`, and what `KeyCache.find` raises.
    """
    # 1.
    header, claims, found = _read(token)
    # 2.
    key = yield from keys.find(header["kid"], header["alg"], now)
    if not _signed(token, key, header["alg"]):
        raise _wrong("its signature is not the service's")
    # 3.
    if claims.get("iss") != issuer:
        raise _wrong("somebody else made it")
    if transaction is None or not _same(found.transaction, transaction):
        raise _wrong("it is of another transaction")
    if not _same(found.data, b64encode(submitted).decode("ascii")):
        raise _wrong("other bytes were signed")
    if not _same(found.signature_digest, hashlib.sha256(signature).hexdigest()):
        raise _wrong("it is of another signature")
    return found


def read_shown(token: str, keys: Any = None) -> Showing:
    """Return what a proof says by itself. keys: JWK Set of the service, by which its signature is checked if given.

    Raises InputError `verification.shown_wrong`.
    """
    header, _, found = _read(token)
    if keys is None:
        return found
    from joserfc.jwk import KeySet

    try:
        key = KeySet.import_key_set(keys).get_by_kid(header["kid"])
    except Exception as error:  # the library names no common base
        raise _wrong("the keys given hold none that it names") from error
    if not _signed(token, key, header["alg"]):
        raise _wrong("its signature is not the service's")
    return found


def _read(token: str) -> tuple[Claims, Claims, Showing]:
    try:
        header, claims = read_parts(token)
    except HonninError as error:
        raise _wrong("it is no signed token") from error
    if header.get("alg") not in profile().id_token.algorithms or header.get("typ") != profile().result.shown_type:
        raise _wrong("it is signed by an algorithm that is not allowed, or is something else")
    if "crit" in header or not isinstance(header.get("kid"), str):
        raise _wrong("its header names no key, or an extension that must be understood")
    # 4.
    texts = [claims.get(name) for name in ("sign_transaction_id", "data", "signature_sha256")]
    what, words = claims.get("shown"), claims.get("text_sha256")
    whole = what in ("text", "digest") and all(isinstance(text, str) for text in texts)
    if not whole or (what == "text") != (isinstance(words, str) and _DIGEST.match(words) is not None):
        raise _wrong("it does not say what was shown")
    transaction, data, signature = map(str, texts)
    seen: Literal["text", "digest"] = "text" if what == "text" else "digest"
    return header, claims, Showing(token, transaction, seen, words if what == "text" else None, data, signature)


def _signed(token: str, key: Any, algorithm: str) -> bool:
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _same(said: str, expected: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def _wrong(why: str) -> InputError:
    return InputError(
        "verification.shown_wrong",
        f"The proof of what the phone showed does not belong to this signature: {why}.",
        next="Do not use the result; start the signature again.",
    )
