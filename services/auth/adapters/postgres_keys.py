"""Stores signing keys in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.domain.keys import SigningKey
from services.auth.ports import KeyChange

__all__ = ["PostgresSigningKeyStore"]

_KEYS_LOCK = 0x6B657973


class PostgresSigningKeyStore:
    """Implements `SigningKeyStore`. An advisory lock makes replicas that start at once take turns."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _KEYS_LOCK)
            rows = await connection.fetch(
                "SELECT kid, encrypted_key, public_key, created_at, active_at FROM signing_keys ORDER BY active_at, kid"
            )
            keys = [_signing_key(row) for row in rows]
            change = plan(keys)
            for key in change.add:
                await connection.execute(
                    "INSERT INTO signing_keys (kid, encrypted_key, public_key, created_at, active_at)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    key.kid,
                    key.encrypted_key,
                    json.dumps(key.public_key),
                    datetime.fromtimestamp(key.created_at, UTC),
                    datetime.fromtimestamp(key.active_at, UTC),
                )
            removed = [key.kid for key in change.remove]
            await connection.execute("DELETE FROM signing_keys WHERE kid = ANY ($1::text[])", removed)
        return [key for key in keys if key.kid not in removed] + list(change.add)


def _signing_key(row: asyncpg.Record) -> SigningKey:
    return SigningKey(
        kid=row["kid"],
        encrypted_key=row["encrypted_key"],
        public_key=json.loads(row["public_key"]),
        created_at=row["created_at"].timestamp(),
        active_at=row["active_at"].timestamp(),
    )
