"""Where a Digital Authentication Service answers: an issuer and its endpoints.

The agency's own environments and a sandbox of any address have the profile's paths; another OpenID provider is named by
its discovery document (A-01). Plain HTTP is for this machine alone.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from honnin.connect.digital_auth.profile import profile
from honnin.errors import InputError, ServiceError

__all__ = ["Service", "described_service"]


@dataclass(frozen=True, slots=True)
class Service:
    """An issuer with its endpoints, all absolute URLs.

    sign_start, sign_result: None where the service has no signing API; `{id}` stands for the transaction.
    answers_with_issuer: whether an authorization response must carry `iss` (RFC 9207 §3).
    binds_access_token: whether an ID token must carry `at_hash`; OIDC Core §3.1.3.6 leaves it to the provider.
    """

    issuer: str
    authorization: str
    token: str
    userinfo: str
    jwks: str
    sign_start: str | None = None
    sign_result: str | None = None
    answers_with_issuer: bool = False
    binds_access_token: bool = True

    def __post_init__(self) -> None:
        for url in (self.issuer, self.authorization, self.token, self.userinfo, self.jwks):
            _check_address(url)

    @classmethod
    def at(cls, base: str) -> "Service":
        """Return the service under a base address such as `https://sb-auth-and-sign.go.jp/api`."""
        base, paths = base.rstrip("/"), profile().paths
        return cls(
            issuer=base + paths.issuer,
            authorization=base + paths.authorization,
            token=base + paths.token,
            userinfo=base + paths.userinfo,
            jwks=base + paths.jwks,
            sign_start=base + paths.sign_start,
            sign_result=base + paths.sign_result,
        )

    @classmethod
    def of_environment(cls, name: str) -> "Service":
        """Return the service of an environment: `production`, `sandbox` (the agency's), `honnin` (`honnin up`).

        Raises InputError `digital_auth.environment`.
        """
        base = profile().environments.get(name)
        if base is None:
            known = ", ".join(sorted(profile().environments))
            raise InputError("digital_auth.environment", "There is no such environment.", next=f"Use one of: {known}.")
        return cls.at(base)


def described_service(issuer: str, document: dict[str, Any]) -> Service:
    """Return the service that a discovery document describes (OIDC Discovery §4.3).

    Raises ServiceError `digital_auth.discovery` when it lacks an endpoint or speaks for another issuer.
    """
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    found = [document.get(name) for name in names]
    if document.get("issuer") != issuer or not all(isinstance(url, str) for url in found):
        raise ServiceError(
            "digital_auth.discovery",
            "The discovery document is not this issuer's, or lacks an endpoint.",
            next="Check the issuer's address, letter by letter.",
        )
    authorization, token, userinfo, jwks = (str(url) for url in found)
    needs_issuer = document.get("authorization_response_iss_parameter_supported") is True
    return Service(
        issuer, authorization, token, userinfo, jwks, answers_with_issuer=needs_issuer, binds_access_token=False
    )


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    here = host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and here)) or parts.username is not None:
        raise InputError(
            "digital_auth.address",
            "The service's address is not HTTPS (plain HTTP is for this machine alone).",
            next="Give an https:// address.",
        )
