"""Turns values into the keys by which they are looked up: a group, and 64 bits within it.

Text is hashed under the key of its list. That a value which is not in a list has the hash of one that is, happens for
one look-up in 1.8e13 where the list has 1,000,000 entries, and nobody without the key can find such a value. Networks
are one group for each length of their prefix: up to 64 bits are the key themselves, so that they are exact; longer
ones are hashed as well.
"""

from __future__ import annotations

import socket
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

__all__ = [
    "SEED_BYTES",
    "TEXT",
    "V4",
    "V6",
    "Network",
    "network_key",
    "packed_address",
    "prefix_of",
    "seeded",
    "text_key",
]

Network: TypeAlias = "IPv4Network | IPv6Network"

SEED_BYTES = 16
TEXT = 0
"""The group of all text."""
V4, V6 = 1, 64
"""The groups of the networks /0; that of a longer prefix is its length further on."""

MASK = (1 << 64) - 1
EXACT_BITS = 64
# Odd, hence a permutation of 64-bit numbers: networks that are neighbours are spread over all buckets.
_SPREAD = 0x9E37_79B9_7F4A_7C15
_GATHER = pow(_SPREAD, -1, 1 << 64)


def seeded(seed: bytes) -> blake2b:
    """Returns the beginning of every hash of a list."""
    return blake2b(digest_size=8, key=seed)


def text_key(begun: blake2b, value: str) -> int:
    digest = begun.copy()
    digest.update(value.encode())
    return int.from_bytes(digest.digest(), "big")


def network_key(begun: blake2b, prefix: int, length: int) -> int:
    """Returns the key of a network in its group: `prefix` is its first `length` bits."""
    if length <= EXACT_BITS:
        return prefix * _SPREAD & MASK
    digest = begun.copy()
    digest.update(prefix.to_bytes(16, "big"))
    return int.from_bytes(digest.digest(), "big")


def prefix_of(key: int) -> int:
    """Returns the prefix whose key this is, where it has 64 bits at most."""
    return key * _GATHER & MASK


def packed_address(text: str) -> tuple[int, int] | None:
    """Returns the group of the networks /0 and the number of an address; None for what is none."""
    try:
        if ":" in text:
            return V6, int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
        return V4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):
        return None
