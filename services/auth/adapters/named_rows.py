"""Opens single rows that have to be found before their tenant is known (see the migrations)."""

from __future__ import annotations

from typing import Final

from meshkit.storage.postgres import Connection, Pool, transaction

__all__ = ["PATIENCE", "clean_up", "open_row", "open_tenant"]

PATIENCE: Final = 2.0
"""Seconds that a caller waits for a connection: those who refresh one token at once take turns."""
_CLEANED = (
    "seen_proofs", "sign_in_attempts", "device_authorizations", "authorization_codes", "grants", "sessions",
    "approvals",
)  # fmt: skip
_CHUNK = 500


async def open_row(connection: Connection, setting: str, key: bytes | str) -> None:
    """Opens the row of one key for the rest of the transaction."""
    value = key.hex() if isinstance(key, bytes) else key
    await connection.execute("SELECT set_config($1, $2, true)", f"rampart.{setting}", value)


async def open_tenant(connection: Connection, tenant_id: str) -> None:
    """Opens the rows of the tenant of a row that was found, for the rest of the transaction."""
    await connection.execute("SELECT set_config('rampart.tenants', $1, true)", tenant_id)


async def clean_up(pool: Pool) -> int:
    """Deletes some of what is over, and returns how many rows that were."""
    deleted = 0
    async with transaction(pool, ()) as connection:
        await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
        for table in _CLEANED:
            over = f"SELECT ctid FROM {table} WHERE expires_at < now() LIMIT {_CHUNK}"
            done = await connection.execute(f"DELETE FROM {table} WHERE ctid = ANY (ARRAY({over}))")
            deleted += int(done.rpartition(" ")[2])
    return deleted
