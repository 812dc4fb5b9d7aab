"""CRLs over HTTP (My Number Card sheet, section 6.1).

Certificates name a directory entry, not a URL, and which URL J-LIS gives its contract parties is not public: how a
point becomes an address is a plug-in. The default is the sandbox's layout: `/crl/KEY-ID/PREFECTURE/MUNICIPALITY.crl`.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from asn1crypto import x509

from honnin.connect.gateway import Address, Gateway
from honnin.connect.jlis.models import RevocationData
from honnin.connect.jlis.points import Point, crl_points, whole_object
from honnin.errors import ServiceError

__all__ = ["HttpCrlSource", "sandbox_path"]

MEDIA_TYPE = "application/pkix-crl"
LARGEST_CRL = 64 << 20
LABEL = "jlis"
SUFFIX = " CRLDP"


class HttpCrlSource:
    """Revocation data from the CRLs of the certificate's distribution points.

    address: plug-in that turns a point into an address.
    limit: largest CRL in bytes.
    """

    def __init__(
        self, gateway: Gateway, *, address: Callable[[Point], Address] | None = None, limit: int = LARGEST_CRL
    ) -> None:
        self._gateway = gateway
        self._address = address or (lambda point: gateway.at(LABEL, sandbox_path(point)))
        self._limit = limit

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:  # noqa: ARG002
        """Fetch the CRLs of the distribution points that `crl_points` gives.

        Raises what `Gateway.get` raises, ServiceError `jlis.no_address`, `jlis.answer_malformed`, FormatError.
        """
        crls = []
        for point in crl_points(certificate):
            answer = self._gateway.get(self._address(point), limit=self._limit, accept=MEDIA_TYPE)
            crls.append(whole_object(answer.content))
        return RevocationData(crls=tuple(crls), source="crl_http", fetched_at=at)


def sandbox_path(point: Point) -> str:
    """Return the path under which the sandbox's J-LIS gives a point's CRL. Raises ServiceError `jlis.no_address`."""
    try:
        names = x509.Name.load(point.name).native
        prefecture, label = names["organizational_unit_name"][-1], names["common_name"]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ServiceError("jlis.no_address", "The CRL's directory name is not a municipality's.") from error
    city = str(label).removesuffix(SUFFIX)
    return f"/crl/{point.issuer_key_id.hex()}/{quote(str(prefecture), safe='')}/{quote(city, safe='')}.crl"
