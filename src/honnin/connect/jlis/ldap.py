"""CRLs from the directory: the transport that the certificates' directory names point to (RFC 4511, RFC 4523).

Reads one entry by its name, with the two attributes in which CRLs lie. Every value is given on: one name serves several
generations of CA keys, and which list fits is for `honnin.pki`.
"""

import math
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from honnin.connect.jlis.models import RevocationData
from honnin.connect.jlis.points import crl_points, whole_object
from honnin.errors import InputError, ServiceError

with warnings.catch_warnings():  # ldap3 2.9 imports names that pyasn1 has renamed
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPExceptionError

__all__ = ["LdapCrlSource"]

ATTRIBUTES = ("certificateRevocationList;binary", "authorityRevocationList;binary")
LARGEST_CRL = 64 << 20
NO_SUCH_OBJECT = 32
MOST_VALUES = 16


class LdapCrlSource:
    """Revocation data from a directory.

    url: `ldap://HOST:PORT` or `ldaps://HOST:PORT` (certificate checked).
    user, password: for a simple bind; anonymous without.
    timeout: seconds for connecting and for an answer. limit: largest CRL in bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 5.0,
        limit: int = LARGEST_CRL,
    ) -> None:
        if not url.startswith(("ldap://", "ldaps://")):
            raise InputError("jlis.directory_address", "Not a directory's address.", next="Give ldap://HOST:PORT.")
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED) if url.startswith("ldaps://") else None
        self._server = ldap3.Server(url, connect_timeout=timeout, get_info=ldap3.NONE, tls=tls)
        self._credentials = (user, password)
        self._timeout = math.ceil(timeout)  # the library wants whole seconds
        self._limit = limit

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:  # noqa: ARG002
        """Read the CRLs of the distribution points that `crl_points` gives.

        Raises ServiceError `jlis.unreachable`, `jlis.no_list`, `jlis.no_address`, `jlis.answer_malformed`, FormatError.
        """
        points = crl_points(certificate)
        crls: list[bytes] = []
        with self._connected() as directory:
            for point in points:
                crls += self._read(directory, point.directory_name)
        if not crls:
            raise ServiceError("jlis.no_list", "The directory holds no CRL under the certificate's name.")
        return RevocationData(crls=tuple(dict.fromkeys(crls)), source="crl_ldap", fetched_at=at)

    @contextmanager
    def _connected(self) -> Iterator[ldap3.Connection]:
        user, password = self._credentials
        directory = ldap3.Connection(
            self._server,
            user=user,
            password=password,
            receive_timeout=self._timeout,
            read_only=True,
            auto_referrals=False,
            raise_exceptions=False,
        )
        try:
            if not directory.bind():
                raise ServiceError("jlis.refused", "The directory refuses the connection.")
            yield directory
            directory.unbind()
        except (LDAPExceptionError, OSError) as error:
            raise ServiceError(
                "jlis.unreachable", "The directory cannot be reached.", next="Try again later.", retryable=True
            ) from error
        finally:
            if directory.socket is not None:  # left open by the library when connecting fails
                directory.socket.close()

    def _read(self, directory: ldap3.Connection, name: str) -> list[bytes]:
        directory.search(name, "(objectClass=*)", search_scope=ldap3.BASE, attributes=list(ATTRIBUTES), size_limit=1)
        if directory.result["result"] not in {0, NO_SUCH_OBJECT}:
            raise ServiceError("jlis.refused", f"The directory refuses the search: {directory.result['description']}.")
        values: list[bytes] = []
        for entry in directory.response or []:
            for attribute in ATTRIBUTES:
                values += entry.get("raw_attributes", {}).get(attribute, [])
        if len(values) > MOST_VALUES or any(len(value) > self._limit for value in values):
            raise ServiceError("jlis.answer_malformed", "The directory's entry is larger than any CRL can be.")
        return [whole_object(value) for value in values]
