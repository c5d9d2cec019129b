"""Reads what texts say: networks and addresses, domains of mailboxes, zones and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["domain_of", "lower_ascii", "network", "time_of", "zone"]

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST_ADDRESS = 45
"""Characters; longer ones would fill the memory of addresses."""
_MAPPED = ip_network("::ffff:0:0/96")


def network(text: str) -> Callable[[str], bool | None]:
    """Returns what tells whether an address is in a network such as 10.0.0.0/8 or 2001:db8::/32.

    IPv4 addresses written as IPv6 (::ffff:192.0.2.1) are IPv4. It says None of what is no address. Raises ValueError if
    the text is no network.
    """
    found = ip_network(text)
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):  # type: ignore[arg-type]
        found = IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    version, first, last = found.version, int(found.network_address), int(found.broadcast_address)

    def holds(text: str) -> bool | None:
        address = _address(text) if len(text) <= _LONGEST_ADDRESS else None
        return None if address is None else address[0] == version and first <= address[1] <= last

    return holds


@lru_cache(maxsize=1_024)
def _address(text: str) -> tuple[int, int] | None:
    # Rules of one decision ask about the same address, and reading it takes longer than all else.
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and (mapped := address.ipv4_mapped):
        address = mapped
    return address.version, int(address)


def domain_of(mailbox: str) -> str | None:
    """Returns what is behind the last @, in lower case; None if there is none."""
    name, _, domain = mailbox.rpartition("@")
    return domain.lower() if name and domain else None


def lower_ascii(text: str) -> str:
    """Writes A to Z small and leaves all other letters."""
    return text.lower() if text.isascii() else text.encode().lower().decode()


def zone(name: str) -> ZoneInfo:
    """Returns a time zone such as Europe/Berlin. Raises ValueError if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("not a time zone") from error


def time_of(text: str) -> datetime:
    """Reads a time such as 2026-01-31T12:00:00Z (RFC 3339, microseconds at most). Raises ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError("not a time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not a time") from error
