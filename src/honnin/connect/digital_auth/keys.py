"""A client's keys: one file a use (`sign`, `decrypt`), and the JWKS (RFC 7517 §5) for the agency's application form.

A file holds every key of its use and which one is current; it is written whole under mode 0600 and renamed, so that a
killed command leaves the old file. A new key waits until it is rotated in, because the agency has to register it first;
an old decryption key goes on opening results until it is retired. `kid` is the thumbprint of RFC 7638.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from joserfc.jwk import ECKey, RSAKey

from honnin.connect.digital_auth.profile import KeyShape, profile
from honnin.errors import InputError, StateError

__all__ = ["KeyFile", "SigningKey", "StoredKey", "Use"]

Use = Literal["sign", "decrypt"]
JOSE_USE = {"sign": "sig", "decrypt": "enc"}
HELD_IN = "held_in"  # member of a key whose private half is in a PKCS#11 token


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs client assertions."""

    kid: str
    algorithm: str
    jose: ECKey | RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key of a file: its state, and its JWK, private unless a token holds the private half.

    held_in: where the private half is, for a key in a PKCS#11 token.
    """

    kid: str
    algorithm: str
    state: Literal["current", "next", "previous"]
    created: str
    jwk: dict[str, str] = field(repr=False)
    held_in: dict[str, str] | None = None

    def jose(self) -> ECKey | RSAKey:
        """Return the key for JOSE. Raises InputError `digital_auth.key_file` for one that is none."""
        return _imported(self.jwk)

    def public(self) -> dict[str, Any]:
        """Return the public JWK."""
        return dict(self.jose().as_dict(private=False))


class KeyFile:
    """The keys of one use, in `FOLDER/USE.json`."""

    def __init__(self, folder: Path, use: Use) -> None:
        self.use: Use = use
        self.path = folder / f"{use}.json"

    def held(self) -> tuple[StoredKey, ...]:
        """Return all keys, current first; none where there is no file. Raises InputError `digital_auth.key_file`."""
        return tuple(_read(self.path))

    def signing_key(self) -> SigningKey:
        """Return the current key for client assertions. Raises InputError `digital_auth.no_key`."""
        current = next((key for key in self.held() if key.state == "current"), None)
        if self.use != "sign" or current is None:
            raise InputError(
                "digital_auth.no_key",
                "There is no key to sign client assertions with.",
                next="Make one: honnin digital-auth keys new.",
            )
        return SigningKey(current.kid, current.algorithm, current.jose())

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set, for the agency's form."""
        return {"keys": [key.public() for key in self.held()]}

    def new(self, algorithm: str, *, at: datetime, made: StoredKey | None = None) -> StoredKey:
        """Make a key: the first becomes current, a further one waits for `rotate`.

        made: a key that was made elsewhere (a PKCS#11 token). Raises InputError `digital_auth.algorithm`, StateError
        `digital_auth.key_waiting`.
        """
        shape = _shape(self.use, algorithm)
        with self._changing() as keys:
            if any(key.state == "next" for key in keys):
                raise StateError(
                    "digital_auth.key_waiting",
                    "A new key is waiting already.",
                    next="Register it with the agency, then: honnin digital-auth keys rotate.",
                )
            state: Literal["current", "next"] = "next" if keys else "current"
            key = made or _generated(self.use, algorithm, shape)
            fresh = StoredKey(key.kid, algorithm, state, at.strftime("%Y-%m-%dT%H:%M:%SZ"), key.jwk, key.held_in)
            keys.append(fresh)
        return fresh

    def rotate(self) -> StoredKey:
        """Make the waiting key current. The old signing key goes; an old decryption key stays until it is retired.

        Raises StateError `digital_auth.nothing_waits`.
        """
        with self._changing() as keys:
            waiting = next((key for key in keys if key.state == "next"), None)
            if waiting is None:
                raise StateError(
                    "digital_auth.nothing_waits",
                    "No new key is waiting.",
                    next="Make one: honnin digital-auth keys new.",
                )
            kept = [_in_state(key, "previous") for key in keys if key is not waiting] if self.use == "decrypt" else []
            current = _in_state(waiting, "current")
            keys[:] = [current, *kept]
        return current

    def retire(self, kid: str) -> None:
        """Remove a previous key for good. Raises InputError `digital_auth.key_unknown`."""
        with self._changing() as keys:
            left = [key for key in keys if key.kid != kid or key.state != "previous"]
            if len(left) == len(keys):
                raise InputError("digital_auth.key_unknown", "No previous key has this id.", next="See: keys jwks.")
            keys[:] = left

    @contextmanager
    def _changing(self) -> Iterator[list[StoredKey]]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            _lock(lock)
            keys = list(_read(self.path))
            yield keys
            _write(self.path, keys)
        finally:
            os.close(lock)


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows, where one operator runs these commands
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _read(path: Path) -> Iterator[StoredKey]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    try:
        for stored in json.loads(text)["keys"]:
            yield StoredKey(**stored)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error


def _write(path: Path, keys: list[StoredKey]) -> None:
    rows = [
        {name: getattr(key, name) for name in StoredKey.__slots__ if getattr(key, name) is not None} for key in keys
    ]
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"keys": rows}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def _generated(use: Use, algorithm: str, shape: KeyShape) -> StoredKey:
    parameters: Any = {"use": JOSE_USE[use], "alg": algorithm}
    make: Callable[[], ECKey | RSAKey] = (
        (lambda: ECKey.generate_key(shape.crv, parameters, auto_kid=True))
        if shape.kty == "EC"
        else (lambda: RSAKey.generate_key(shape.bits, parameters, auto_kid=True))
    )
    key = make()
    return StoredKey(str(key.kid), algorithm, "current", "", {k: str(v) for k, v in key.as_dict(private=True).items()})


def _shape(use: Use, algorithm: str) -> KeyShape:
    shapes = profile().keys.signing if use == "sign" else profile().keys.decryption
    if algorithm not in shapes:
        raise InputError(
            "digital_auth.algorithm",
            "The service takes no such algorithm for this use.",
            next=f"Use one of: {', '.join(shapes)}.",
        )
    return shapes[algorithm]


def _in_state(key: StoredKey, state: Literal["current", "previous"]) -> StoredKey:
    return StoredKey(key.kid, key.algorithm, state, key.created, key.jwk, key.held_in)


def _imported(jwk: dict[str, str]) -> ECKey | RSAKey:
    kind: type[ECKey | RSAKey] = ECKey if jwk.get("kty") == "EC" else RSAKey
    try:
        return kind.import_key(dict(jwk))
    except Exception as error:  # the library and the one below it name no common base
        raise _unreadable() from error


def _unreadable() -> InputError:
    return InputError(
        "digital_auth.key_file", "The key file cannot be read.", next="Restore it from its backup, or make new keys."
    )
