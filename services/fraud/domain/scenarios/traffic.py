"""Decides which events a version decides that has a share of the traffic."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["PARTS", "part_of"]

PARTS = 10_000
"""Parts of the whole: a share is a number of them, in steps of 0.01 %."""


def part_of(tenant_id: str, event_type: str, key: str) -> int:
    """Returns the part, from 0, in which a key lies, the same in all processes, versions and times.

    A version with a share of n has the events of parts below n: who is in stays in while the share grows. `key` is what
    the events of one person have in common; without one, what names the event.
    """
    name = f"{tenant_id}\0{event_type}\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big") % PARTS
