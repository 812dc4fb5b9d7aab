"""The authorization request (§1.5, §1.6): every parameter rule, and the way back to the relying party.

An unknown client or a redirect URI that is not registered letter by letter ends in a page of the service (no redirect);
everything else goes back as an error, with the request's `state` where that itself is fit.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from honnin.sandbox.digital_auth.assertions import is_strict
from honnin.sandbox.digital_auth.parties import Party, party
from honnin.sandbox.digital_auth.profile import ParameterRule, Profile, profile
from honnin.sandbox.digital_auth.reading import UnreadableError, once
from honnin.sandbox.digital_auth.refusals import OAuthRefusal, PageRefusal
from honnin.sandbox.digital_auth.transactions import waiting
from honnin.sandbox.world import World

__all__ = ["Asked", "ReturnedRefusal", "read_request", "way_back"]


class Asked(msgspec.Struct, frozen=True):
    """An authorization request that kept every rule."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    nonce: str
    code_challenge: str
    acr_values: tuple[str, ...]
    issuer: str
    sign_transaction_id: str | None = None


class ReturnedRefusal(Exception):  # noqa: N818
    """A refusal that goes back to the relying party at `location`."""

    def __init__(self, location: str) -> None:
        super().__init__("refused")
        self.location = location


def read_request(world: World, query: bytes, issuer: str) -> Asked:
    """Check an authorization request. Raises PageRefusal, ReturnedRefusal."""
    shape = profile(world)
    unreadable: UnreadableError | None = None
    try:
        fields = once(query)
    except UnreadableError as error:
        unreadable, fields = error, dict(error.fields)
    client = party(world, fields.get("client_id", ""))
    if client is None:
        raise PageRefusal("unknown_client")
    redirect_uri = fields.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise PageRefusal("unknown_redirect")
    state = fields.get("state")
    if state is not None and (_unfit(shape.parameters["state"], state) or not state):
        state = None
    try:
        _check_readable(unreadable)
        _check_parameters(shape, fields)
        if is_strict(world, client):
            _check_strictly(shape, fields)
        _check_known_extensions(fields)
        return _asked(world, client, shape, fields, issuer)
    except OAuthRefusal as refusal:
        back = {"error": refusal.error, "error_description": refusal.description}
        if state is not None:
            back["state"] = state
        raise ReturnedRefusal(way_back(redirect_uri, back)) from refusal


def way_back(redirect_uri: str, parameters: Mapping[str, str]) -> str:
    """Return a registered redirect URI with parameters added to its query."""
    joint = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{joint}{urlencode(parameters)}"


def _check_readable(trouble: UnreadableError | None) -> None:
    if trouble is not None:
        raise OAuthRefusal("invalid_request", str(trouble))


def _check_parameters(shape: Profile, fields: Mapping[str, str]) -> None:
    for name, rule in shape.parameters.items():
        value = fields.get(name)
        if not value:
            if rule.required or value is not None:
                raise OAuthRefusal("invalid_request" if name != "scope" else rule.error, f"{name} is missing")
            continue
        if (why := _unfit(rule, value)) is not None:
            raise OAuthRefusal(rule.error, f"{name} {why}")


def _unfit(rule: ParameterRule, value: str) -> str | None:
    if rule.fixed is not None:
        return None if value == rule.fixed else f"is not {rule.fixed}"
    if len(value) > rule.longest:
        return f"is longer than {rule.longest} characters"
    return None if re.fullmatch(rule.characters, value) else "holds characters that are not allowed"


def _check_strictly(shape: Profile, fields: Mapping[str, str]) -> None:
    if unknown := sorted(set(fields) - set(shape.parameters)):
        raise OAuthRefusal("invalid_request", f"{len(unknown)} parameters are not known")
    if len(fields["code_challenge"]) != 43:  # BASE64URL(SHA-256)
        raise OAuthRefusal("invalid_request", "code_challenge is no SHA-256")
    known = shape.assumptions.acr.known
    if any(token not in known for token in fields.get("acr_values", "").split(" ") if token):
        raise OAuthRefusal("invalid_request", "acr_values holds an unknown value")


def _check_known_extensions(fields: Mapping[str, str]) -> None:
    """Refuse what OIDC Core would have us do and the service does not (§3.1.2.1, §6)."""
    if "request" in fields:
        raise OAuthRefusal("request_not_supported", "request objects are not supported")
    if "request_uri" in fields:
        raise OAuthRefusal("request_uri_not_supported", "request objects are not supported")
    if fields.get("response_mode", "query") != "query":
        raise OAuthRefusal("invalid_request", "response_mode is query")
    if "none" in fields.get("prompt", "").split(" "):
        raise OAuthRefusal("login_required", "the card is needed every time")


def _asked(world: World, client: Party, shape: Profile, fields: Mapping[str, str], issuer: str) -> Asked:
    scopes = fields["scope"].split(" ")
    names = shape.scopes
    if names.openid not in scopes or not set(scopes) <= names.all or len(set(scopes)) != len(scopes):
        raise OAuthRefusal("invalid_scope", "scope holds openid once, and known values")
    transaction = fields.get("sign_transaction_id")
    if (names.sign in scopes) != (transaction is not None):
        raise OAuthRefusal("invalid_request", "sign and sign_transaction_id belong together")
    if transaction is not None and not waiting(world, transaction, client.client_id):
        raise OAuthRefusal("invalid_request", "the transaction is unknown, used or expired")
    return Asked(
        client_id=client.client_id,
        redirect_uri=fields["redirect_uri"],
        scopes=tuple(scopes),
        state=fields["state"],
        nonce=fields["nonce"],
        code_challenge=fields["code_challenge"],
        acr_values=tuple(token for token in fields.get("acr_values", "").split(" ") if token),
        issuer=issuer,
        sign_transaction_id=transaction,
    )
