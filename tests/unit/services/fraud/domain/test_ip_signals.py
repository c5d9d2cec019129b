"""Where addresses may be used, in both families."""

from __future__ import annotations

import ipaddress
import random

import pytest

from services.fraud.domain.ip_signals import AddressScope, number_of, scope_of


def scope(text: str) -> AddressScope:
    found = number_of(text)
    assert found is not None
    return scope_of(*found)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
        "127.0.0.1", "169.254.169.254", "::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "::ffff:192.168.0.1",
    ],
)  # fmt: skip
def test_what_networks_use_inside_themselves_is_private(text: str) -> None:
    assert scope(text) is AddressScope.PRIVATE


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "100::1", "2001:db8::7", "2001:2::1",
        "4000::1", "ff02::1", "::ffff:203.0.113.7",
    ],
)  # fmt: skip
def test_what_nobody_has_is_reserved(text: str) -> None:
    assert scope(text) is AddressScope.RESERVED


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
        "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8",
    ],
)  # fmt: skip
def test_what_is_on_the_internet_is_neither(text: str) -> None:
    assert scope(text) is AddressScope.PUBLIC


@pytest.mark.parametrize(("family", "bits"), [(4, 32), (6, 128)])
def test_the_tables_say_of_any_address_what_the_standard_library_says(family: int, bits: int) -> None:
    chance = random.Random(7)
    numbers = [chance.getrandbits(bits) for _ in range(5_000)]
    # And near the beginning and the end of short prefixes, where all that is special begins and ends.
    for _ in range(5_000):
        length = chance.randrange(1, bits + 1)
        edge = chance.getrandbits(length) << bits - length
        numbers += [edge, max(edge - 1, 0)]
    for number in numbers:
        address = ipaddress.IPv4Address(number) if family == 4 else ipaddress.IPv6Address(number)
        if getattr(address, "ipv4_mapped", None):
            continue
        shared = address in ipaddress.ip_network("100.64.0.0/10")
        inside = address.is_loopback or address.is_link_local or shared or getattr(address, "is_site_local", False)
        internet = address.is_global and not (address.is_multicast or address.is_reserved or inside)
        assert (scope_of(family, number) is AddressScope.PUBLIC) == internet, address
        if inside:
            assert scope_of(family, number) is AddressScope.PRIVATE


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "10.0.0.256", "010.0.0.1", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "::1\0", "é", "1e9"]
)
def test_what_is_no_address_has_no_number(text: str) -> None:
    assert number_of(text) is None
