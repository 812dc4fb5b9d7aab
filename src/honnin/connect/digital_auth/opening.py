"""The PF's side of signing: opening the JWE of a sign result with the PF's decryption keys (§1.12, A-12).

Algorithms come from the profile, never from the input; whatever is wrong with a JWE is one error, so that nobody learns
from the kind of failure. What is opened is judged elsewhere: it is a signature and a certificate that somebody sent.
"""

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from joserfc import jwe
from joserfc.errors import JoseError

from honnin.connect.digital_auth.exchange import parse_json
from honnin.connect.digital_auth.keys import KeyFile, StoredKey
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.signing import SHA256_INFO
from honnin.errors import FormatError, InputError, StateError

__all__ = ["OpenedResult", "ResultOpener", "SubmittedValue", "read_submitted"]


@dataclass(frozen=True, slots=True, repr=False)
class OpenedResult:
    """What a sign result held: signature value, certificate (DER), the transaction's id where it says one, and the
    service's proof (JWS) of what the phone showed where there is one.
    """

    signature: bytes
    certificate: bytes
    transaction: str | None
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedValue:
    """What was given to the card: a digest, bare or in a DigestInfo. digest: bytes; hash: `sha256` …"""

    shape: Literal["digest_info", "bare_digest"]
    hash: str
    digest: bytes = field(repr=False)


_HASHES = {32: "sha256", 48: "sha384", 64: "sha512"}
_INFOS = {
    "sha256": SHA256_INFO,
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def read_submitted(value: bytes) -> SubmittedValue:
    """Tell the two shapes of a submitted value apart (§1.11): nothing before, after or between what belongs there.

    Raises InputError `verification.submitted`.
    """
    if (name := _HASHES.get(len(value))) is not None:
        return SubmittedValue("bare_digest", name, value)
    for name, info in _INFOS.items():
        if value.startswith(info) and _HASHES.get(len(value) - len(info)) == name:
            return SubmittedValue("digest_info", name, value[len(info) :])
    raise InputError(
        "verification.submitted",
        "The submitted value is neither a digest nor a DigestInfo of SHA-256, SHA-384 or SHA-512.",
        next="Give the value that the signing API was given.",
    )


class ResultOpener:
    """Opens sign results with the keys of `honnin digital-auth keys new --use decrypt`, current and previous."""

    def __init__(self, folder: Path) -> None:
        self._file = KeyFile(folder, "decrypt")
        self._loaded: dict[str, tuple[StoredKey, Any]] = {}  # by `kid`: reading an RSA key costs fifty decryptions

    def open(self, token: str, transaction: str | None = None) -> OpenedResult:
        """Return what a JWE holds. transaction: the id of the sign transaction that it is to be of, where one is known.

        Raises StateError `verification.result_key` (no key of ours has its `kid`), InputError
        `verification.transaction_differs`, FormatError `verification.result_unreadable` (anything else).
        """
        rules = profile().result
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if (
            algorithm not in rules.key_algorithms
            or header.get("enc") not in rules.content_algorithms
            or {"zip", "crit"} & set(header)
        ):
            raise _unreadable()
        keys = [key for key in self._file.held() if key.algorithm == algorithm and kid in (None, key.kid)]
        if not keys:
            raise StateError(
                "verification.result_key",
                "No decryption key of this platform has the id that the result names.",
                next="Compare the public keys with what the agency registered: honnin digital-auth keys jwks.",
            )
        opened = _payload(_plaintext(token, [self._private(key) for key in keys]))
        if None not in (transaction, opened.transaction) and transaction != opened.transaction:
            raise InputError(
                "verification.transaction_differs",
                "The sign result belongs to another transaction.",
                next="Fetch the result of the transaction that was started for this document.",
            )
        return opened

    def _private(self, key: StoredKey) -> Any:
        """Return a key ready to decrypt, kept as long as the file holds it as it is."""
        if key.held_in is not None:
            return private_key(key)
        known = self._loaded.get(key.kid)
        if known is None or known[0] != key:
            held = {one.kid for one in self._file.held()}
            known = (key, private_key(key))
            self._loaded = {kid: one for kid, one in self._loaded.items() if kid in held} | {key.kid: known}
        return known[1]


def _plaintext(token: str, keys: Iterable[Any]) -> bytes:
    rules = profile().result
    allowed = [*rules.key_algorithms, *rules.content_algorithms]
    for key in keys:
        try:
            found = jwe.decrypt_compact(token, key, algorithms=allowed)
        except (JoseError, ValueError, TypeError, KeyError, AssertionError):
            continue
        return found.plaintext or b""
    raise _unreadable()


def private_key(key: StoredKey) -> Any:
    """Return the key that decrypts: from the file, or one that asks a PKCS#11 token."""
    if key.held_in is None:
        return key.jose()
    from honnin.connect.digital_auth.token import token_key

    return token_key(key)


def _header(token: str) -> dict[str, Any]:
    if len(token) > profile().result.most_characters or token.count(".") != 4 or not token.isascii():
        raise _unreadable()
    first = token.partition(".")[0]
    try:
        return parse_json(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        raise _unreadable() from None


def _payload(plaintext: bytes) -> OpenedResult:
    members = profile().result.payload
    try:
        body = parse_json(plaintext)
        signature, certificate = (
            b64decode(body[members[name]], validate=True) for name in ("signature", "certificate")
        )
    except (ValueError, KeyError, TypeError):
        raise _unreadable() from None
    transaction, shown = (body.get(members[name]) for name in ("transaction", "shown"))
    if not signature or not certificate:
        raise _unreadable()
    return OpenedResult(
        signature,
        certificate,
        transaction if isinstance(transaction, str) else None,
        shown if isinstance(shown, str) else None,
    )


def _unreadable() -> FormatError:
    return FormatError(
        "verification.result_unreadable",
        "The sign result cannot be opened.",
        next="Send the JWE as the signing API gave it.",
    )
