"""Which addresses may be reached or be a person's way back: public ones, and this machine where that is allowed.

Addresses inside a network are never permitted: whoever may name them could have this server look around in it (SSRF).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

__all__ = ["Address", "is_here", "literal", "permitted"]

Address = IPv4Address | IPv6Address
CARRIERS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # IPv4 inside IPv6 (RFC 6052, RFC 8215)


def permitted(address: Address, *, local: bool) -> bool:
    """Tell whether an address may be reached: a public one, and this machine's own where `local` allows it."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is not None:
            return permitted(inside, local=local)
        if address.teredo is not None or any(address in carrier for carrier in CARRIERS):
            return False
    if address.is_loopback:
        return local
    return address.is_global and not address.is_multicast


def literal(host: str) -> Address | None:
    """Return the address that a host is; also in the short forms that a resolver would take (`127.1`, `0x7f000001`)."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not host.rpartition(".")[2][:1].isdigit():
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_here(host: str) -> bool:
    """Tell whether a host is this machine by its name (RFC 6761) or address, before anything is looked up."""
    name = host.rstrip(".").lower()
    address = literal(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)
