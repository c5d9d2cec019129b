"""Locks that changes of a tenant take one after the other. Who waits too long for one is told to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from meshkit.errors import Kind, MeshError
from meshkit.storage.postgres import Connection

__all__ = ["bounded", "hold_lock", "under_change"]

_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


def under_change(what: str) -> MeshError:
    """Others change the same of the tenant for longer than could be waited."""
    words = f"other changes of the tenant's {what} are under way"
    return MeshError(Kind.ABORTED, "CONFLICT", words, retry_after=1.0)


@contextmanager
def bounded(otherwise: MeshError) -> Iterator[None]:
    """Raises an error if the block waits for a lock of PostgreSQL for longer than a session may."""
    try:
        yield
    except asyncpg.LockNotAvailableError:
        raise otherwise from None


async def hold_lock(connection: Connection, name: str, tenant_id: str, otherwise: MeshError | None = None) -> None:
    """Keeps whoever holds the lock of the same name of the tenant waiting until the transaction ends.

    Raises MeshError ABORTED, or `otherwise`, if others hold it for longer than can be waited.
    """
    with bounded(otherwise or under_change(name)):
        await connection.execute(_HOLD, f"{name} {tenant_id}")
