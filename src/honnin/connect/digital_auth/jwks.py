"""The service's keys: fetched when needed, kept as long as their HTTP headers say, asked for again once on a new kid.

A return is not spent while the keys are out of reach: flows make the cache fresh before they exchange a code.
"""

import re
import threading
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from honnin.connect.digital_auth.exchange import Reply, Steps, get, read_object
from honnin.connect.digital_auth.profile import profile
from honnin.errors import HonninError, ServiceError

__all__ = ["KeyCache"]

MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})\"?\s*(?:,|$)", re.IGNORECASE)
NO_CACHE = re.compile(r"(?:^|,)\s*no-(?:store|cache)\s*(?:,|$)", re.IGNORECASE)


class KeyCache:
    """The public keys of one issuer. Threads and tasks may share it: a refresh replaces all of it at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: tuple[dict[str, Any], ...] = ()
        self._fresh_until = -1.0
        self._asked = -1.0e9

    def __repr__(self) -> str:
        return f"KeyCache({len(self._keys)} keys)"

    def ready(self, now: float) -> Steps[None]:
        """Fetch the keys unless those at hand are fresh. Raises ServiceError `digital_auth.jwks_unavailable`."""
        if not self.is_fresh(now):
            yield from self._fetch(now)

    def is_fresh(self, now: float) -> bool:
        """Tell whether the keys at hand need no fetch."""
        return now < self._fresh_until

    def find(self, kid: str, algorithm: str, now: float) -> Steps[ECKey | RSAKey]:
        """Return the key of an id for one algorithm; a kid that is not at hand makes one new fetch.

        Raises ServiceError `digital_auth.unknown_kid`, `digital_auth.jwks_unavailable`.
        """
        yield from self.ready(now)
        found = self._usable(kid, algorithm)
        if found is None and now - self._asked >= profile().limits.jwks_refetch_seconds:
            yield from self._fetch(now)
            found = self._usable(kid, algorithm)
        if found is None:
            raise ServiceError(
                "digital_auth.unknown_kid",
                "The token names a key that the service does not publish.",
                next="Start again; if it happens again, tell the service's operator.",
            )
        return found

    def _fetch(self, now: float) -> Steps[None]:
        with self._lock:
            self._asked = now
        try:
            reply = yield get("jwks", self._url)
            keys = _keys(reply)
        except HonninError as error:
            raise ServiceError(
                "digital_auth.jwks_unavailable",
                f"The service's keys cannot be had ({error.code}).",
                next="Try again later.",
                retryable=True,
            ) from error
        with self._lock:
            self._keys = keys
            self._fresh_until = now + _lifetime(reply.headers.get("cache-control", ""))

    def _usable(self, kid: str, algorithm: str) -> ECKey | RSAKey | None:
        shape = profile().keys.signing[algorithm]
        for key in self._keys:
            if (
                key.get("kid") == kid
                and key.get("kty") == shape.kty
                and (shape.crv is None or key.get("crv") == shape.crv)
                and key.get("use", "sig") == "sig"
                and key.get("alg", algorithm) == algorithm
            ):
                return _imported(key)
        return None


def _imported(jwk: dict[str, Any]) -> ECKey | RSAKey | None:
    kind: type[ECKey | RSAKey] = ECKey if jwk["kty"] == "EC" else RSAKey
    public: dict[str, Any] = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    try:
        return kind.import_key(public)
    except Exception:  # noqa: BLE001 - a key that is none is as good as none; the library names no common base
        return None


def _keys(reply: Reply) -> tuple[dict[str, Any], ...]:
    listed = read_object(reply).get("keys")
    most = profile().limits.jwks_keys
    if reply.status != 200 or not isinstance(listed, list) or not 0 < len(listed) <= most:
        raise ServiceError("digital_auth.malformed", "The service's keys are no JWK Set.")
    return tuple(key for key in listed if isinstance(key, dict))


def _lifetime(cache_control: str) -> float:
    limits = profile().limits
    if NO_CACHE.search(cache_control):
        return 0.0
    said = MAX_AGE.search(cache_control)
    return min(int(said[1]), limits.jwks_most_seconds) if said else limits.jwks_default_seconds
