"""Stores in PostgreSQL which assertions of clients were used."""

from __future__ import annotations

import hashlib
from datetime import datetime

from meshkit.storage.postgres import Pool, transaction

__all__ = ["PostgresAssertions"]

CHUNK = 1_000

_USE = """
INSERT INTO used_assertions (tenant_id, client_id, jti_hash, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING true"""
_DELETE = """
DELETE FROM used_assertions WHERE (tenant_id, client_id, jti_hash) IN (
    SELECT tenant_id, client_id, jti_hash FROM used_assertions WHERE expires_at < now() ORDER BY expires_at LIMIT $1
)"""


class PostgresAssertions:
    """Implements `UsedAssertions`, for all replicas at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def use(self, tenant_id: str, client_id: str, jti: str, expires_at: datetime) -> bool:
        name = hashlib.sha256(jti.encode()).digest()
        async with transaction(self._pool, [tenant_id]) as connection:
            return bool(await connection.fetchval(_USE, tenant_id, client_id, name, expires_at))

    async def delete_expired(self) -> int:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_DELETE, CHUNK)).rpartition(" ")[2])
