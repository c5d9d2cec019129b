"""What is known about addresses, in memory: the twin of `FileIpIntelligence` for tests."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any

from services.fraud.domain.ip_signals import FROM_FILES, AddressScope, IpSignals, number_of, scope_of

__all__ = ["MemoryIpIntelligence"]


class MemoryIpIntelligence:
    """Implements `IpIntelligence`. What it is told of networks holds from the narrowest to the widest.

    `told` has, for each signal that is known at all, its value by network.
    """

    def __init__(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        self._told = {
            signal: sorted(
                ((ipaddress.ip_network(text), value) for text, value in networks.items()),
                key=lambda each: -each[0].prefixlen,
            )
            for signal, networks in told.items()
        }

    @property
    def missing(self) -> Collection[str]:
        return frozenset(FROM_FILES) - self._told.keys()

    def look_up(self, address: str) -> IpSignals | None:
        found = number_of(address)
        if found is None:
            return None
        scope = scope_of(*found)
        at = ipaddress.IPv4Address(found[1]) if found[0] == 4 else ipaddress.IPv6Address(found[1])
        said: dict[str, Any] = {
            signal: next((value for network, value in networks if at in network), self._otherwise(signal))
            for signal, networks in self._told.items()
        }
        return IpSignals(scope is AddressScope.PRIVATE, scope is AddressScope.RESERVED)._replace(**said)

    def _otherwise(self, signal: str) -> bool | None:
        return False if signal in ("datacenter", "tor") else None
