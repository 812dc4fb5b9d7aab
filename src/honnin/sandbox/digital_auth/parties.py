"""Who may use the service: relying parties, and the PF operators for whom sign results are encrypted (§1.3, §1.12).

A registration is a JSON object, as a file, from the command `honnin sandbox digital-auth register`, or from the page:
    {"client_id", "name", "redirect_uris": […], "jwks": {"keys": […]}, "sector"?, "mode"?: "app"|"test_card",
     "verifier"?, "certified_verifier"?, "strict"?}
    {"verifier", "name", "jwks": {"keys": […]}}          for a PF operator
Registering again replaces. Only public keys are taken.
"""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from honnin.errors import InputError
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.world import World

__all__ = ["Party", "Verifier", "parties", "party", "register", "verifier", "verifiers"]

CLIENT_ID = re.compile(r"[0-9a-zA-Z]{1,255}\Z")
VERIFIER_ID = re.compile(r"[0-9a-zA-Z._-]{1,64}\Z")
ASSERTION_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
LEAST_RSA_BITS = 2048
LONGEST_URI = 255
LARGEST = 65_536
MOST_KEYS = 8
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A relying party.

    jwks: public keys for private_key_jwt, P-256 or RSA.
    sector: what its pairwise subjects are made from; by default the client id, so that no two clients share one.
    mode: `app` shows the phone screens, `test_card` the test-card-substitute page; never both (§1.15).
    verifier: the PF operator for whom sign results are encrypted.
    certified_verifier: itself a certified signature verifier: it gets signature and certificate in the clear.
    strict: refuse every departure from §1.5; None: as the profile says.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    jwks: dict[str, list[dict[str, Any]]]
    sector: str | None = None
    mode: Literal["app", "test_card"] = "app"
    verifier: str | None = None
    certified_verifier: bool = False
    strict: bool | None = None


class Verifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PF operator; jwks: public encryption keys, the first one is used (rotation: put the new one first)."""

    verifier: str
    name: str
    jwks: dict[str, list[dict[str, Any]]]


def register(world: World, content: bytes) -> Party | Verifier:
    """Register a relying party or a PF operator from JSON. Raises InputError `sandbox.registration_unfit`."""
    if len(content) > LARGEST:
        raise _unfit("it is larger than any honest one")
    try:
        fields = msgspec.json.decode(content, type=dict[str, Any])
        found: Party | Verifier
        found = msgspec.convert(fields, Party) if "client_id" in fields else msgspec.convert(fields, Verifier)
    except msgspec.MsgspecError as error:
        raise _unfit(str(error)) from error
    if not 1 <= len(found.name) <= 100 or not found.name.isprintable():
        raise _unfit("the name has 1 to 100 printable characters")
    if isinstance(found, Party):
        _check_party(world, found)
        table, name = "dauth_parties", found.client_id
    else:
        _check_verifier(world, found)
        table, name = "dauth_verifiers", found.verifier
    with world.transaction() as db:
        db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (name, msgspec.json.encode(found).decode()))  # noqa: S608
    return found


def party(world: World, client_id: str) -> Party | None:
    """Return a relying party, or None."""
    row = (
        world.connection()
        .execute("SELECT registration FROM dauth_parties WHERE client_id = ?", (client_id,))
        .fetchone()
    )
    return None if row is None else msgspec.json.decode(row["registration"], type=Party)


def parties(world: World) -> list[Party]:
    """Return every relying party."""
    rows = world.connection().execute("SELECT registration FROM dauth_parties ORDER BY client_id")
    return [msgspec.json.decode(row["registration"], type=Party) for row in rows]


def verifier(world: World, name: str) -> Verifier | None:
    """Return a PF operator, or None."""
    row = world.connection().execute("SELECT registration FROM dauth_verifiers WHERE verifier = ?", (name,)).fetchone()
    return None if row is None else msgspec.json.decode(row["registration"], type=Verifier)


def verifiers(world: World) -> list[Verifier]:
    """Return every PF operator."""
    rows = world.connection().execute("SELECT registration FROM dauth_verifiers ORDER BY verifier")
    return [msgspec.json.decode(row["registration"], type=Verifier) for row in rows]


def _check_party(world: World, found: Party) -> None:
    if not CLIENT_ID.match(found.client_id):
        raise _unfit("client_id has 1 to 255 letters and digits")
    if not found.redirect_uris:
        raise _unfit("at least one redirect URI is needed")
    for uri in found.redirect_uris:
        _check_redirect(uri)
    for key in _keys(found.jwks):
        if isinstance(key, ECKey) and key.curve_name != "P-256":
            raise _unfit("an EC key for assertions is on P-256")
        if key.alg not in {None, ASSERTION_ALGORITHMS[key.key_type]}:
            raise _unfit("assertions are signed with ES256 or RS256")
    if found.verifier is not None and verifier(world, found.verifier) is None:
        raise _unfit("the PF operator (verifier) is not registered")


def _check_verifier(world: World, found: Verifier) -> None:
    if not VERIFIER_ID.match(found.verifier):
        raise _unfit("verifier has 1 to 64 letters, digits, dots, lines")
    algorithms = profile(world).assumptions.result.algorithms
    for key in _keys(found.jwks):
        if key.kid is None:
            raise _unfit("every encryption key has a kid")
        if key.alg is not None and key.alg not in algorithms:
            raise _unfit(f"results are encrypted with {' or '.join(algorithms)}")


def _keys(jwks: dict[str, list[dict[str, Any]]]) -> list[ECKey | RSAKey]:
    """Return the public keys of a JWK set."""
    if set(jwks) != {"keys"} or not 1 <= len(jwks["keys"]) <= MOST_KEYS:
        raise _unfit(f'jwks is {{"keys": […]}} with one to {MOST_KEYS} keys')
    found = []
    for jwk in jwks["keys"]:
        if PRIVATE & set(jwk):
            raise _unfit("jwks holds a private key; hand out the public part only")
        modulus = jwk.get("n")  # looked at before the library, which only warns
        if modulus is not None and (not isinstance(modulus, str) or len(modulus) * 6 < LEAST_RSA_BITS):
            raise _unfit(f"an RSA key has at least {LEAST_RSA_BITS} bits")
        try:
            key = import_key(jwk)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _unfit("jwks holds something that is no key") from error
        if not isinstance(key, ECKey | RSAKey):
            raise _unfit("keys are EC or RSA")
        found.append(key)
    if len({key.kid for key in found}) != len(found):
        raise _unfit("two keys share a kid")
    return found


def _check_redirect(uri: str) -> None:
    """Take absolute https URIs, and http on this machine (RFC 9700 §2.1, RFC 8252 §7.3)."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _unfit("a redirect URI is malformed") from error
    local = host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")
    if len(uri) > LONGEST_URI or not uri.isascii() or any(c <= " " or c in '\\"<>^`{|}' for c in uri):
        raise _unfit(f"a redirect URI has at most {LONGEST_URI} characters, all of them allowed in URIs")
    if parts.scheme not in {"https", "http"} or not host or (parts.scheme == "http" and not local):
        raise _unfit("a redirect URI is absolute and https, or http on this machine")
    if parts.fragment or "#" in uri or "@" in parts.netloc or "*" in uri:
        raise _unfit("a redirect URI has no fragment, user or wildcard")


def _unfit(why: str) -> InputError:
    return InputError(
        "sandbox.registration_unfit",
        f"The registration cannot be taken: {why}.",
        next="See docs/sandbox-digital-auth.md for its members.",
    )
