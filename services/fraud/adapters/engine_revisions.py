"""Moves the revision of a tenant's configuration, in the transaction that changes it.

Whatever decisions go by is changed like this: `hold`, read what is there, write, `move`.
"""

from __future__ import annotations

from meshkit.storage.locks import hold_lock, under_change
from meshkit.storage.postgres import Connection

__all__ = ["CHANNEL", "hold", "move"]

CHANNEL = "rampart_engine"
"""The channel of notifications. Their payloads are the tenants whose configuration has changed."""

_MOVE = """
INSERT INTO engine_revisions AS it (tenant_id, revision) VALUES ($1, 1)
ON CONFLICT (tenant_id) DO UPDATE SET revision = it.revision + 1"""
# Delivered when the transaction has committed, once however often it is asked for.
_TELL = f"SELECT pg_notify('{CHANNEL}', $1)"


async def hold(connection: Connection, tenant_id: str) -> None:
    """Keeps every other change of the tenant's configuration waiting until the transaction ends.

    Raises MeshError ABORTED if another one takes too long.
    """
    await hold_lock(connection, "engine", tenant_id, under_change("configuration"))


async def move(connection: Connection, tenant_id: str) -> None:
    """Moves the revision, and tells all processes once the transaction has committed."""
    await connection.execute(_MOVE, tenant_id)
    await connection.execute(_TELL, tenant_id)
