"""Asks for the addresses of hosts, on threads of its own: a name server that hangs holds up nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from meshkit.egress.addresses import IpAddress, read_ip
from meshkit.egress.errors import EgressError, EgressFault
from meshkit.egress.places import TenantPlaces

__all__ = ["HostNames", "Lookup", "system_lookup"]

Lookup = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; blocks. Raises OSError."""

THREADS = 32
AT_ONCE = 64
"""Look-ups that run or wait for a thread; more are refused."""
OF_ONE = 4
"""Look-ups for one tenant: one whose name server hangs keeps so many threads for longer than anybody waits for them."""


def system_lookup(host: str, port: int) -> list[str]:
    """Asks as the system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


class HostNames:
    """Looks up hosts."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(THREADS, "egress names")
        self._places = TenantPlaces(AT_ONCE, OF_ONE)

    async def addresses(self, host: str, port: int, whose: str) -> list[IpAddress]:
        """Returns all addresses of a host, each once, in the order of the system's preference. `whose` is the tenant.

        Raises EgressError.
        """
        if (literal := read_ip(host)) is not None:
            return [literal]
        self._places.take(whose)
        looking = self._threads.submit(self._lookup, host, port)
        # A thread cannot be stopped: its place is taken until it is through, also if nobody waits any more.
        looking.add_done_callback(lambda _: self._places.leave(whose))
        try:
            found = await asyncio.wrap_future(looking)
        except (OSError, UnicodeError):
            raise EgressError(EgressFault.ADDRESS) from None
        return [address for text in dict.fromkeys(found) if (address := read_ip(text)) is not None]

    def close(self) -> None:
        """Looks nothing up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
