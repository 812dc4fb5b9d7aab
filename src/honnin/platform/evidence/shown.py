"""What the phone showed, proved offline from files: the receipt's record, the service's proof (JWS), words, document.

1. The record was made with this very proof, of this transaction.
2. The proof is the service's, where its keys are given; without them the log's operator vouches, who checked it.
3. The words are those that were shown.
4. The document is the one that was signed then: itself, or by signed attributes (PDF, CMS) that name the words.
"""

import hashlib
from base64 import b64decode
from typing import Any

from honnin.connect.digital_auth.opening import SubmittedValue, read_submitted
from honnin.connect.digital_auth.showing import Showing, read_shown
from honnin.errors import FormatError, HonninError, InputError
from honnin.pki.shown_words import signed_attributes_in
from honnin.platform.evidence import canonical
from honnin.platform.showing import digest_of, words_of

__all__ = ["MOST_BYTES", "read_proof", "verify_shown"]

MOST_BYTES = 1 << 18


def read_proof(content: bytes) -> str:
    """Return the JWS of a file: by itself, or as `GET …/shown` answers. Raises FormatError `evidence.shown_differs`."""
    try:
        text = content.decode("ascii").strip()
        if text.startswith("{"):
            text = canonical.parse_strict(text)["jws"]
    except (UnicodeDecodeError, KeyError, FormatError) as error:
        raise _differs("the file holds no proof") from error
    if not isinstance(text, str):
        raise _differs("the file holds no proof")
    return text


def verify_shown(
    record: dict[str, Any],
    jws: str,
    *,
    words: bytes | None = None,
    document: bytes | None = None,
    service_keys: bytes | None = None,
) -> Showing:
    """Verify a proof against a proven record and return what it says.

    words: UTF-8, as they were sent to be shown. document: what was signed, or the signed file. service_keys: the JWK
    Set of the Digital Authentication Service.
    Raises FormatError `evidence.shown_differs` naming the first step that failed, InputError `evidence.service_keys`
    for keys that cannot be read: nothing was judged then.
    """
    keys = None if service_keys is None else _key_set(service_keys)
    # 1.
    signing = record.get("signing")
    if not isinstance(signing, dict) or signing.get("shown") != digest_of(jws):
        raise _differs("the record was not made with this proof")
    # 2.
    try:
        shown = read_shown(jws, keys)
    except HonninError as error:
        raise _differs(error.message) from error
    if signing.get("transaction") != shown.transaction:
        raise _differs("it is of another transaction")
    # 3.
    if words is not None and hashlib.sha256(words).hexdigest() != shown.words_digest:
        raise _differs("other words were shown, or none")
    # 4.
    if document is not None and not _signed(document, shown):
        raise _differs("another document was signed")
    return shown


def _key_set(content: bytes) -> dict[str, Any]:
    """Read a JWK Set (RFC 7517 §5): an object whose `keys` are objects."""
    try:
        found = canonical.parse_strict(content)
        if all(isinstance(key, dict) for key in found["keys"]) and found["keys"]:
            keys: dict[str, Any] = found
            return keys
    except (FormatError, TypeError, KeyError):
        pass
    raise InputError(
        "evidence.service_keys",
        "The service's keys are no JWK Set.",
        next="Give the set as the service publishes it (…/protocol/openid-connect/certs).",
    )


def _signed(document: bytes, shown: Showing) -> bool:
    try:
        submitted = read_submitted(b64decode(shown.data, validate=True))
    except (HonninError, ValueError):
        return False
    if _is_digest_of(document, submitted):
        return True
    return any(
        _is_digest_of(attributes, submitted) and shown.words_digest in {None, words_of(attributes)}
        for attributes in signed_attributes_in(document)
    )


def _is_digest_of(content: bytes, submitted: SubmittedValue) -> bool:
    return hashlib.new(submitted.hash, content).digest() == submitted.digest


def _differs(why: str) -> FormatError:
    return FormatError(
        "evidence.shown_differs",
        f"What was shown is not proved: {why}.",
        next="Do not rely on it; give the very files of this signature.",
    )
