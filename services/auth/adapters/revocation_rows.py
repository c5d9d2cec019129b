"""Writes revocations within the transaction that makes them true."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from meshkit.storage.postgres import Connection
from services.auth.domain.revocations import Revocation

__all__ = ["append", "lift", "notice"]

_written: ContextVar[list[Revocation] | None] = ContextVar("rampart_written_revocations", default=None)

# What is refused stays so: nothing that comes later makes an earlier revocation narrower or shorter.
_APPEND = """
INSERT INTO revocations AS known (tenant_id, kind, name, issued_before, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, kind, name) DO UPDATE SET xid = EXCLUDED.xid,
    issued_before = CASE WHEN known.issued_before IS NOT NULL
        THEN CASE WHEN EXCLUDED.issued_before IS NOT NULL
            THEN greatest(known.issued_before, EXCLUDED.issued_before) END END,
    until = CASE WHEN known.until IS NOT NULL
        THEN CASE WHEN EXCLUDED.until IS NOT NULL THEN greatest(known.until, EXCLUDED.until) END END"""

_LIFT = """
UPDATE revocations SET xid = pg_current_xact_id(), issued_before = $4, until = $5
WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND issued_before IS NULL"""


async def append(connection: Connection, revocation: Revocation) -> None:
    """Refuses tokens from the commit of the connection's transaction on, which has named the tenant."""
    await _write(connection, _APPEND, revocation)


async def lift(connection: Connection, left: Revocation) -> None:
    """Lets new tokens be good again that were refused for ever; those of which `left` says so stay refused."""
    await _write(connection, _LIFT, left)


def notice() -> Sequence[Revocation]:
    """Returns what will hold the revocations that this call writes from now on; they may not have been committed."""
    written: list[Revocation] = []
    _written.set(written)
    return written


async def _write(connection: Connection, statement: str, revocation: Revocation) -> None:
    await connection.execute(statement, *_values(revocation))
    if (written := _written.get()) is not None:
        written.append(revocation)


def _values(revocation: Revocation) -> tuple[object, ...]:
    return (
        revocation.tenant_id,
        revocation.kind.value,
        revocation.name,
        revocation.issued_before,
        revocation.until,
    )
