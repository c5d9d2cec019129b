"""Which addresses requests may lead to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from meshkit.egress.addresses import is_public, may_be_opened

INNER = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1",
    "fd00::1", "fc00:1::1",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "169.254.169.254", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "::", "fe80::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "::127.0.0.1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808", "fd00:ec2::254%1", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", PUBLIC)
def test_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", INNER + NEVER)
def test_no_other_address_is_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", INNER)
def test_address_of_a_private_network_may_be_opened(text: str) -> None:
    assert may_be_opened(ip_address(text))


@pytest.mark.parametrize("text", [each for each in NEVER if "%" not in each])
def test_metadata_and_other_special_addresses_are_never_opened(text: str) -> None:
    assert not may_be_opened(ip_address(text))
