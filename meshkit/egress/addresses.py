"""Tells which IP addresses belong to the public Internet (the IANA special-purpose registries of RFC 6890)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["IpAddress", "is_public", "may_be_opened", "read_ip"]

IpAddress = IPv4Address | IPv6Address

_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_GLOBAL_6 = IPv6Network("2000::/3")
"""What is routed at all. Outside are loopback, mapped, unique local, link-local and multicast addresses."""
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address as networks without IPv4 write it (RFC 6052): it leads where that one does."""
_INNER = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_INNER_6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))


def read_ip(text: str) -> IpAddress | None:
    """Returns an address as it is written; None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Tells whether an address belongs to somebody on the public Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)


def may_be_opened(address: IpAddress) -> bool:
    """Tells whether an address may be opened by a setting: of this machine or of a private network.

    Link-local addresses are not among them: the metadata service of a cloud is one.
    """
    if isinstance(address, IPv4Address):
        return any(address in network for network in _INNER)
    return any(address in network for network in _INNER_6)
