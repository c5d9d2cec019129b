"""Reads from settings which peers are believed: addresses and networks, and whoever comes by a unix socket."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from meshkit import canonical
from meshkit.settings import SettingsError

__all__ = ["UNIX", "Network", "TrustedPeers", "parse_networks"]

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

UNIX = "unix"
"""Stands for peers on a unix socket, which have no address."""


@dataclass(frozen=True, slots=True)
class TrustedPeers:
    """Peers whose word counts. By default there are none."""

    networks: tuple[Network, ...] = ()
    unix: bool = False

    @classmethod
    def read(cls, setting: str, value: str) -> TrustedPeers:
        """Reads the value of a setting. Raises SettingsError."""
        names = [part.strip() for part in value.split(",")]
        try:
            return cls(*parse_networks(name for name in names if name))
        except ValueError as error:
            raise SettingsError(f"{setting} must be addresses, networks or {UNIX}: {error}") from None

    def __bool__(self) -> bool:
        return self.unix or bool(self.networks)

    def hold(self, address: canonical.Address | None) -> bool:
        """Tells whether a peer is one of them; None is one without an address."""
        if address is None:
            return self.unix
        return any(address.version == network.version and address in network for network in self.networks)


def parse_networks(names: Iterable[str]) -> tuple[tuple[Network, ...], bool]:
    """Reads networks and addresses, and whether `unix` is among them. Raises ValueError naming what is none of them."""
    networks: list[Network] = []
    unix = False
    for name in names:
        if name == UNIX:
            unix = True
            continue
        try:
            networks.append(ipaddress.ip_network(name))
        except ValueError as error:
            raise ValueError(f"{name!r} is not a network: {error}") from None
    return tuple(networks), unix
