"""Counts open connections, all of them and those of each address, and says which are too many."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import Counter as Total
from prometheus_client import Gauge

from gateway.server.limits import Limits
from meshkit.errors import Kind, MeshError

__all__ = ["HeldPlace", "KeyOf", "Places", "each_address"]

_open = Gauge("http_connections", "Open connections of callers.", multiprocess_mode="livesum")
_crowded = Total(
    "http_connections_refused", "Connections that were one too many, by whose places are taken.", ["limit"]
)

KeyOf = Callable[[str], str]
"""Returns what the connections of an address are counted by, empty if they are not."""

_WORDS = {
    "process": "too many connections are open",
    "address": "this address holds as many connections as it may",
}
MOST_TOLD = 64
"""So many beyond the limit are told why they are closed. To hear that takes a place as well: the rest are cut off."""


class HeldPlace(NamedTuple):
    """What a connection takes."""

    key: str
    error: MeshError | None
    """Says that it is one too many."""
    silent: bool
    """True if it is not even worth an answer."""


class Places:
    """The places of a process. One address holds at most a part of them."""

    def __init__(self, limits: Limits, key_of: KeyOf) -> None:
        self._limits = limits
        self._key_of = key_of
        self._held: Counter[str] = Counter()
        self._taken = 0

    def take(self, host: str) -> HeldPlace:
        """Counts one more connection, also if it is one too many."""
        limits, key = self._limits, self._key_of(host)
        self._taken += 1
        _open.inc()
        beyond, limit = self._taken - limits.connections, "process"
        if key:
            self._held[key] += 1
            its_own = self._held[key] - (limits.of_this_machine if _is_local(host) else limits.of_an_address)
            if its_own > beyond:
                beyond, limit = its_own, "address"
        if beyond <= 0:
            return HeldPlace(key, None, False)
        _crowded.labels(limit).inc()
        error = MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", _WORDS[limit], retry_after=1.0)
        return HeldPlace(key, error, beyond > MOST_TOLD)

    def give_back(self, place: HeldPlace) -> None:
        self._taken -= 1
        _open.dec()
        if place.key:
            self._held[place.key] -= 1
            if not self._held[place.key]:
                del self._held[place.key]


def each_address(host: str) -> str:
    """Counts by IPv4 address, and by the /64 of an IPv6 address, inside which a caller chooses as he likes."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address), 64), strict=False))


def _is_local(host: str) -> bool:
    return host.removeprefix("::ffff:").startswith("127.") or host == "::1"
