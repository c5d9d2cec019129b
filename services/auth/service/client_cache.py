"""Caches clients for a few seconds, so that one that asks for many tokens is read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from services.auth.domain.tenants import Client, Tenant

__all__ = ["ClientCache"]

Found = tuple[Client, Tenant] | None

LIFE_SECONDS = 5.0
ENTRIES = 4_096


class ClientCache:
    """Remembers answers of `find` for five seconds.

    Also that a client does not exist: if only existing ones were remembered, the time of an answer would tell which do.
    """

    def __init__(self, find: Callable[[str], Awaitable[Found]], clock: Callable[[], float]) -> None:
        self._find = find
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, Found]] = OrderedDict()

    async def find(self, client_id: str) -> Found:
        entry = self._entries.get(client_id)
        if entry is not None and entry[0] > self._clock():
            return entry[1]
        found = await self._find(client_id)
        self._entries[client_id] = (self._clock() + LIFE_SECONDS, found)
        self._entries.move_to_end(client_id)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
        return found
