"""What is known about an address: where it may be used, by IANA's registries, and what the operator's files say."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from services.fraud.domain.travel import GeoPoint

__all__ = ["ADDRESS", "FROM_FILES", "AddressScope", "IpSignals", "number_of", "scope_of"]

ADDRESS = "ip_address"
"""The field of an event whose address is looked up. What was found is stored with the decision."""
FROM_FILES = ("country", "datacenter", "tor", "place", "asn")
"""The signals that need files of the operator."""


class AddressScope(Enum):
    """Where packets from an address can come from."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Inside a network or a machine: private use, shared by a carrier's customers, link-local, loopback."""
    RESERVED = "reserved"
    """Nowhere: documentation, benchmarks, multicast, protocols, not given out."""


class IpSignals(NamedTuple):
    """The signals of an address. None is a signal that nothing is known of."""

    private: bool
    reserved: bool
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    datacenter: bool | None = None
    tor: bool | None = None
    """True for the exits that the operator's list names."""
    place: GeoPoint | None = None
    asn: int | None = None
    """Number of the autonomous system that announces the address."""


def number_of(text: str) -> tuple[int, int] | None:
    """Returns the family, 4 or 6, and the number of an address; None for anything else. Mapped IPv4 is IPv4."""
    try:
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):
        pass
    try:
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError):
        return None
    return (4, number & 0xFFFF_FFFF) if number >> 32 == 0xFFFF else (6, number)


def scope_of(family: int, number: int) -> AddressScope:
    """Returns where an address may be used, as the standard library's tables have it."""
    starts, scopes = _SCOPES[family]
    return scopes[bisect_right(starts, number) - 1]


# Where a scope can begin or end. Which scope it is the standard library says, newer ones with newer registries.
_BOUNDARIES = {
    4: (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/31", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    ),
    6: (
        "::/128", "::1/128", "::/8", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/8", "100::/64",
        "100:0:0:1::/64", "200::/7", "400::/6", "800::/5", "1000::/4", "2000::/3", "2001::/23", "2001::/32",
        "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48",
        "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
        "4000::/3", "5f00::/16", "6000::/3", "8000::/3", "a000::/3", "c000::/3", "e000::/4", "f000::/5", "f800::/6",
        "fc00::/7", "fe00::/9", "fe80::/10", "fec0::/10", "ff00::/8",
    ),
}  # fmt: skip
_INSIDE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
]
"""What networks use inside themselves: RFC 1918, 6598, 4193 and, deprecated, 3879."""


def _scope(family: int, number: int) -> AddressScope:
    address = ipaddress.IPv4Address(number) if family == 4 else ipaddress.IPv6Address(number)
    if address.is_loopback or address.is_link_local or any(address in network for network in _INSIDE):
        return AddressScope.PRIVATE
    usable = address.is_global and not (address.is_multicast or address.is_reserved)
    return AddressScope.PUBLIC if usable else AddressScope.RESERVED


def _table(family: int) -> tuple[Sequence[int], Sequence[AddressScope]]:
    networks = [ipaddress.ip_network(text) for text in _BOUNDARIES[family]]
    bounds = {0} | {int(each[0]) for each in networks} | {int(each[-1]) + 1 for each in networks}
    starts = sorted(bound for bound in bounds if bound < 1 << (32 if family == 4 else 128))
    return starts, [_scope(family, start) for start in starts]


_SCOPES = {family: _table(family) for family in (4, 6)}
