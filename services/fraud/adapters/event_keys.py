"""Hashes the keys of events for the store, each in the column of its place in the event type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshkit.storage.postgres import Pool, connected
from services.fraud.domain.event import Fields, key_hash

__all__ = ["KEY_COLUMNS", "EventKeys"]

KEY_COLUMNS = 8
_SECRET = "SELECT secret FROM key_secret"


class EventKeys:
    """The hashes under which the store finds the events of a key. Their secret is the database's, and read once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._secret = b""

    async def secret(self) -> bytes:
        """Returns what the hashes are keyed with. Raises MeshError UNAVAILABLE."""
        if not self._secret:
            async with connected(self._pool) as connection:
                self._secret = await connection.fetchval(_SECRET)
        return self._secret

    @staticmethod
    def hashes(secret: bytes, tenant_id: str, columns: Mapping[str, int], fields: Fields) -> Sequence[int | None]:
        """Returns a value for each column."""
        found: list[int | None] = [None] * KEY_COLUMNS
        for name, column in columns.items():
            value = fields.get(name)
            if isinstance(value, str):
                found[column] = key_hash(secret, tenant_id, name, value)
        return found
