"""Name constraints of a path (RFC 5280 §4.2.1.10, §6.1.3 (b) (c), §6.1.4 (g)).

Directory names, host names, mail addresses, URIs and IP addresses are compared. A constraint that is malformed, that
uses minimum or maximum, or whose form is not compared here fails every certificate that holds a name of that form. The
common name is never taken for a host name.
"""

from collections.abc import Callable, Iterable

from honnin.pki import der
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.extensions import NameConstraints, subject_alternative_names
from honnin.pki.rfc5280.names import (
    DIRECTORY_NAME,
    DNS,
    EMAIL,
    EMPTY,
    IP_ADDRESS,
    OTHER_NAME,
    URI,
    GeneralName,
    prepared,
)

__all__ = ["Constraints"]

LIMIT = 1 << 15
EMAIL_ATTRIBUTE = der.encode_oid("1.2.840.113549.1.9.1")[2:]
SMTP_UTF8_MAILBOX = der.encode_oid("1.3.6.1.5.5.7.8.9")

_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class _Unclear(Exception):  # noqa: N818  # never leaves this module
    """A name or a constraint that cannot be compared: the certificate fails."""


class Constraints:
    """What the certificates above allow: every list of permitted names in turn, and all excluded ones together."""

    __slots__ = ("compared", "excluded", "permitted")

    def __init__(self) -> None:
        self.permitted: list[dict[int, list[bytes]]] = []
        self.excluded: dict[int, list[bytes]] = {}
        self.compared = 0

    def narrow(self, stated: NameConstraints) -> str | None:
        """Add a certificate's name constraints. Returns why they cannot be applied, None when they can."""
        if not all(subtree.plain for subtree in (*stated.permitted, *stated.excluded)):
            return "A name constraint states a minimum or a maximum."
        if stated.permitted:
            layer: dict[int, list[bytes]] = {}
            for subtree in stated.permitted:
                layer.setdefault(subtree.base.tag, []).append(subtree.base.content)
            self.permitted.append(layer)
        for subtree in stated.excluded:
            self.excluded.setdefault(subtree.base.tag, []).append(subtree.base.content)
        return None

    def fault(self, certificate: Certificate) -> str | None:
        """Return why a certificate's names are not allowed, None when they are."""
        if not self.permitted and not self.excluded:
            return None
        try:
            for name in _names_of(certificate):
                if not self._allowed(name):
                    return "A name lies outside the permitted or inside the excluded names."
        except _Unclear as unclear:
            return str(unclear)
        return None

    def _allowed(self, name: GeneralName) -> bool:
        if self._any(name, self.excluded.get(name.tag, ()), excluding=True):
            return False
        return all(self._any(name, layer[name.tag], excluding=False) for layer in self.permitted if name.tag in layer)

    def _any(self, name: GeneralName, bases: Iterable[bytes], *, excluding: bool) -> bool:
        for base in bases:
            self.compared += 1
            if self.compared > LIMIT:
                raise _Unclear("The path has more names and name constraints than are compared.")
            if name.tag not in _WITHIN:
                raise _Unclear("A name is of a form that is constrained and cannot be compared.")
            if _WITHIN[name.tag](name.content, base, excluding):
                return True
        return False


def _names_of(certificate: Certificate) -> list[GeneralName]:
    """Return the names that constraints apply to: subject, alternative names, and the subject's mail addresses."""
    names = list(subject_alternative_names(certificate))
    for name in names:
        if name.tag == OTHER_NAME and name.content.startswith(SMTP_UTF8_MAILBOX):
            names.append(GeneralName(EMAIL, b"\xff"))  # RFC 9598 §6: constrained as mail addresses are; not compared
            break
    if certificate.subject != EMPTY:
        names.append(GeneralName(DIRECTORY_NAME, certificate.subject))
        if not any(name.tag == EMAIL for name in names):
            names += [
                GeneralName(EMAIL, value.encode() if isinstance(value, str) else b"\xff")
                for rdn in prepared(certificate.subject)
                for kind, value in rdn
                if kind == EMAIL_ATTRIBUTE
            ]
    return names


def _text(content: bytes) -> str:
    try:
        return content.decode("ascii").lower()
    except UnicodeDecodeError:
        raise _Unclear("A constrained name is not ASCII.") from None


def _host(text: str, what: str) -> str:
    """Return a host name of plain labels, or raise."""
    if not text or not _HOST.issuperset(text) or ".." in text or text[0] == "." or text[-1] == ".":
        raise _Unclear(f"{what} is not a host name.")
    return text


def _within_domain(host: str, base: str) -> bool:
    return host == base or host.endswith("." + base)


def _dns(name: bytes, base: bytes, excluding: bool) -> bool:
    text = _text(name)
    wildcard = text.startswith("*.")
    host = _host(text[2:] if wildcard else text, "A constrained host")
    if not base:
        return True
    domain = _host(_text(base), "A host name constraint")
    if wildcard:
        # *.example.com stands for names directly below example.com: excluded with any of them, permitted with all.
        return _within_domain(host, domain) or (excluding and _within_domain(domain, host))
    return _within_domain(host, domain)


def _email(name: bytes, base: bytes, excluding: bool) -> bool:
    try:
        text, wanted = name.decode("ascii"), base.decode("ascii")
    except UnicodeDecodeError:
        raise _Unclear("A constrained mail address is not ASCII.") from None
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise _Unclear("A constrained mail address has no mailbox or no host.")
    host = _host(domain.lower(), "A mail address's host")
    if not wanted:
        return True
    wanted_local, at, wanted_domain = wanted.rpartition("@")
    if at:
        same = local == wanted_local or (excluding and local.lower() == wanted_local.lower())
        return same and host == _host(wanted_domain.lower(), "A mail constraint's host")
    return _host_or_below(host, wanted.lower())


def _host_or_below(host: str, wanted: str) -> bool:
    """A constraint of `example.com` is that host, one of `.example.com` all hosts below it."""
    if wanted.startswith("."):
        return host.endswith("." + _host(wanted[1:], "A domain constraint"))
    return host == _host(wanted, "A host constraint")


def _uri(name: bytes, base: bytes, excluding: bool) -> bool:  # noqa: ARG001  # one signature for all forms
    text = _text(name)
    scheme, mark, rest = text.partition("://")
    if not mark or not scheme:
        raise _Unclear("A constrained URI has no authority.")
    for end in "/?#":
        rest = rest.partition(end)[0]
    host = _host(rest.rpartition("@")[2].partition(":")[0], "A constrained URI's host")
    if host.replace(".", "").isdigit():
        raise _Unclear("A constrained URI has an address for a host.")
    return not base or _host_or_below(host, _text(base))


def _address(name: bytes, base: bytes, excluding: bool) -> bool:  # noqa: ARG001
    half = len(base) // 2
    mask = int.from_bytes(base[half:], "big")
    inverse = mask ^ ((1 << 8 * half) - 1)
    if inverse & (inverse + 1):
        raise _Unclear("An address constraint's mask has gaps.")
    return len(name) == half and int.from_bytes(name, "big") & mask == int.from_bytes(base[:half], "big") & mask


def _directory(name: bytes, base: bytes, excluding: bool) -> bool:
    wanted = prepared(base)
    part = prepared(name)[: len(wanted)]
    if excluding and part != wanted and any(isinstance(value, bytes) for rdn in part for _, value in rdn):
        raise _Unclear("A directory name has a string that cannot be compared, and names like it are excluded.")
    return part == wanted


_WITHIN: dict[int, Callable[[bytes, bytes, bool], bool]] = {
    DIRECTORY_NAME: _directory,
    DNS: _dns,
    EMAIL: _email,
    URI: _uri,
    IP_ADDRESS: _address,
}
