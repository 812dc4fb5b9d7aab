"""J-LIS's client: revocation data by OCSP, HTTP or directory, and serial succession, behind small interfaces."""

from typing import TYPE_CHECKING, Any

from honnin.connect.jlis.at_hand import LinksAtHand, NotAtHandError, RevocationAtHand
from honnin.connect.jlis.crl import HttpCrlSource
from honnin.connect.jlis.fallback import Fallback
from honnin.connect.jlis.links import HttpLinkSource, LinkFormat, SandboxLinkFormat
from honnin.connect.jlis.models import CertificateKey, Link, LinkSource, RevocationData, RevocationSource
from honnin.connect.jlis.ocsp import OcspSource
from honnin.connect.jlis.ocsp_client import OcspClient

if TYPE_CHECKING:
    from honnin.connect.jlis.ldap import LdapCrlSource as LdapCrlSource

__all__ = [
    "CertificateKey",
    "Fallback",
    "HttpCrlSource",
    "HttpLinkSource",
    "LdapCrlSource",
    "Link",
    "LinkFormat",
    "LinkSource",
    "LinksAtHand",
    "NotAtHandError",
    "OcspClient",
    "OcspSource",
    "RevocationAtHand",
    "RevocationData",
    "RevocationSource",
    "SandboxLinkFormat",
]


def __getattr__(name: str) -> Any:
    if name == "LdapCrlSource":
        from honnin.connect.jlis.ldap import LdapCrlSource

        return LdapCrlSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
