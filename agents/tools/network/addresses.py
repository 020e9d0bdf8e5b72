"""Which network addresses an agent may reach: public ones only.

An address inside an install (its database, its metadata service, its admin page) answers whoever asks
from there, and a page an agent reads can ask it to look at one.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Public by their number, internal by their use, or counted as public by older tables.
REFUSED_V4 = (
    IPv4Network("168.63.129.16/32"),  # Azure's host service
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("100.64.0.0/10"),  # carrier NAT; Alibaba's metadata service
)
REFUSED_V6 = (IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that is handed out to the public
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an address (never a name) is one that anybody on the internet could mean."""
    found = _unwrapped(ip_address(address))
    if not found.is_global or found.is_multicast:
        return False
    if isinstance(found, IPv4Address):
        return not found.is_reserved and not any(found in network for network in REFUSED_V4)
    return found in GLOBAL_UNICAST and not any(found in network for network in REFUSED_V6)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Find the IPv4 address that an IPv6 address stands for, where a gateway would unpack it."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
