"""Stores devices that wait to be let in, and proofs that were seen, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters import audit_rows
from services.auth.adapters.named_rows import open_row, open_tenant
from services.auth.adapters.postgres_grants import insert_grant
from services.auth.domain.devices import DeviceAuthorization, DeviceState
from services.auth.ports.grants import DeviceChange

__all__ = ["PostgresDevices", "PostgresSeenProofs"]

_DEVICE = (
    "device_hash, user_code_hash, client_id, scopes, asked_interval, asked_at, state, tenant_id, member_id, session_id,"
    " methods, authenticated_at, expires_at"
)


class PostgresDevices:
    """Implements `DeviceStore`. A lock on the row makes callers take turns."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, device: DeviceAuthorization) -> bool:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "device_hash", device.device_hash)
            done = await connection.execute(
                f"INSERT INTO device_authorizations ({_DEVICE})"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
                " ON CONFLICT (user_code_hash) DO NOTHING",
                *_values(device),
            )
            return done == "INSERT 0 1"

    async def find_typed(self, user_code_hash: bytes) -> DeviceAuthorization | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "user_code_hash", user_code_hash)
            row = await connection.fetchrow(
                f"SELECT {_DEVICE} FROM device_authorizations WHERE user_code_hash = $1", user_code_hash
            )
            return _device(row) if row else None

    async def change(
        self, device_hash: bytes, plan: Callable[[DeviceAuthorization], DeviceChange]
    ) -> DeviceChange | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "device_hash", device_hash)
            row = await connection.fetchrow(
                f"SELECT {_DEVICE} FROM device_authorizations WHERE device_hash = $1 FOR UPDATE", device_hash
            )
            if row is None:
                return None
            change = plan(_device(row))
            await _store(connection, change)
            return change


class PostgresSeenProofs:
    """Implements `SeenProofs`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def first(self, proof_hash: bytes, expires_at: datetime) -> bool:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "proof_hash", proof_hash)
            done = await connection.execute(
                "INSERT INTO seen_proofs (proof_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                proof_hash,
                expires_at,
            )
            return done == "INSERT 0 1"


async def _store(connection: Connection, change: DeviceChange) -> None:
    device = change.device
    if device.tenant_id:
        await open_tenant(connection, device.tenant_id)
    await connection.execute(
        "UPDATE device_authorizations SET asked_interval = $2, asked_at = $3, state = $4, tenant_id = $5,"
        " member_id = $6, session_id = $7, methods = $8, authenticated_at = $9 WHERE device_hash = $1",
        device.device_hash,
        *_values(device)[4:12],
    )
    if change.made is not None:
        await insert_grant(connection, change.made.grant)
    told = (change.made.event if change.made is not None else None, change.event)
    await audit_rows.append(connection, *(event for event in told if event is not None))


def _values(device: DeviceAuthorization) -> tuple[object, ...]:
    return (
        device.device_hash,
        device.user_code_hash,
        device.client_id,
        sorted(device.scopes),
        device.interval,
        device.asked_at,
        device.state.value,
        device.tenant_id or None,
        device.member_id or None,
        device.session_id or None,
        sorted(device.methods),
        device.authenticated_at,
        device.expires_at,
    )


def _device(row: asyncpg.Record) -> DeviceAuthorization:
    return DeviceAuthorization(
        device_hash=row["device_hash"],
        user_code_hash=row["user_code_hash"],
        client_id=row["client_id"],
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
        interval=row["asked_interval"],
        asked_at=row["asked_at"],
        state=DeviceState(row["state"]),
        tenant_id=str(row["tenant_id"] or ""),
        member_id=str(row["member_id"] or ""),
        session_id=str(row["session_id"] or ""),
        methods=frozenset(row["methods"]),
        authenticated_at=row["authenticated_at"],
    )
