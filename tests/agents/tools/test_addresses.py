"""Only public addresses are reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agents.tools.network.addresses import is_public

PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]

INTERNAL = {
    "this machine": ["127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::"],
    "a private network": [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fc00::1",
        "fd12::1",
        "fec0::1",
    ],
    "the same link": ["169.254.1.1", "fe80::1"],
    "a metadata service": [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
    ],
    "carrier NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast and broadcast": ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff0e::1"],
    "documents and tests": [
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "2001:db8::1",
        "3fff::1",
    ],
    "not allocated": ["240.0.0.1", "100::1", "4000::1", "5f00::1"],
    "a wrapped IPv4 address": [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
    ],
    "a translated IPv4 address": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"],
    "a tunnelled IPv4 address": ["2002:7f00:1::", "2002:a00:1::1", "2001:0:808:808::1", "192.88.99.1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("meaning", "address"), [(kind, one) for kind, all_ in INTERNAL.items() for one in all_]
)
def test_an_internal_address_is_not(meaning, address):
    assert not is_public(address), meaning


ipv4 = some.ip_addresses(v=4)


@given(ipv4)
def test_wrapping_an_ipv4_address_never_makes_it_public(address):
    as_number = int(address)
    for wrapped in (
        f"::ffff:{address}",
        f"64:ff9b::{as_number >> 16:x}:{as_number & 0xFFFF:x}",
        f"2002:{as_number >> 16:x}:{as_number & 0xFFFF:x}::1",
    ):
        assert is_public(wrapped) == is_public(str(address))


@given(ipv4)
def test_no_private_address_counts_as_public(address):
    special = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_reserved,
    )
    assert not (any(special) and is_public(str(address)))
