"""Hashes the keys of events for the store, each in the column of its place in the event type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshkit.storage.postgres import Pool, connected
from services.fraud.domain.event import Fields, key_hash
from services.fraud.domain.event_types import EventType

__all__ = ["KEY_COLUMNS", "EventKeys"]

KEY_COLUMNS = 8
_SECRET = "SELECT secret FROM key_secret"

TypeOf = Callable[[str, str], EventType]
"""Returns the event type of a tenant by its name."""


class EventKeys:
    """The hashes under which the store finds the events of a key. Their secret is the database's, and read once."""

    def __init__(self, pool: Pool, type_of: TypeOf) -> None:
        self._pool = pool
        self._type_of = type_of
        self._secret = b""

    async def secret(self) -> bytes:
        """Returns what the hashes are keyed with. Raises MeshError UNAVAILABLE."""
        if not self._secret:
            async with connected(self._pool) as connection:
                self._secret = await connection.fetchval(_SECRET)
        return self._secret

    def hashes(self, secret: bytes, tenant_id: str, event_type: str, fields: Fields) -> Sequence[int | None]:
        """Returns a value for each column."""
        found: list[int | None] = []
        for key in self._type_of(tenant_id, event_type).keys:
            value = fields.get(key.name)
            found.append(key_hash(secret, tenant_id, key.name, value) if isinstance(value, str) else None)
        return found + [None] * (KEY_COLUMNS - len(found))

    def columns(self, tenant_id: str, event_types: Sequence[str], field: str) -> Sequence[int]:
        """Returns the columns, from 1, in which these event types have a key."""
        found = set()
        for event_type in event_types:
            names = [key.name for key in self._type_of(tenant_id, event_type).keys]
            if field in names:
                found.add(names.index(field) + 1)
        return sorted(found)
