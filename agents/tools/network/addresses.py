"""Network addresses that agents can reach: public ones only.

Internal addresses (database, metadata service, admin page) often answer any request from inside the network,
and a page that an agent reads can tell it to fetch one (SSRF).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Globally routable by number, but internal in use, or global in older versions of `ipaddress`.
REFUSED_V4 = (
    IPv4Network("168.63.129.16/32"),  # Azure's host service
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("100.64.0.0/10"),  # carrier NAT; Alibaba's metadata service
)
REFUSED_V6 = (IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
GLOBAL_UNICAST = IPv6Network("2000::/3")  # the range allocated for public use
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Return whether an IP address (not a host name) is public."""
    parsed = _unwrap(ip_address(address))
    if not parsed.is_global or parsed.is_multicast:
        return False
    if isinstance(parsed, IPv4Address):
        return not parsed.is_reserved and not any(parsed in network for network in REFUSED_V4)
    return parsed in GLOBAL_UNICAST and not any(parsed in network for network in REFUSED_V6)


def _unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address embedded in an IPv6 address, if a gateway would translate it."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
