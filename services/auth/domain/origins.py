"""Where an attempt to sign in comes from, as keyed hashes: addresses are personal data, and are not kept."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass

__all__ = ["OriginKeys", "SignInOrigin"]

_V6_NETWORK = 64
"""Bits of an IPv6 address that a host cannot choose by itself."""


@dataclass(frozen=True, slots=True)
class SignInOrigin:
    """Keyed hashes of an address and of a browser; None where it is not known."""

    address: bytes | None
    device: bytes | None

    @property
    def marks(self) -> list[bytes]:
        return [mark for mark in (self.address, self.device) if mark is not None]


class OriginKeys:
    """Makes the keyed hashes of one platform."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def origin(self, address: str, device: str) -> SignInOrigin:
        """Returns the origin of a client address and a secret that the browser has; either may be empty."""
        return SignInOrigin(
            self.count("address", _network(address)) if address else None,
            self.count("device", device) if device else None,
        )

    def count(self, *names: str) -> bytes:
        """Returns the keyed hash of some names, which no other names have."""
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (name.encode() for name in names))
        return hmac.digest(self._key, text, hashlib.sha256)


def _network(address: str) -> str:
    """Returns the address of a host, of IPv6 its network: whoever has one has 2^64 addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _V6_NETWORK), strict=False))
    return str(parsed)
