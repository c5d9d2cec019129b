"""Opens PostgreSQL pools and transactions. Every wait is bounded; what the store cannot do becomes UNAVAILABLE.

Tenants are separated by row-level security. A transaction names the tenants whose rows it may touch, for itself only:
a session-wide setting would leak to the next user of the pooled connection.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from meshkit.errors import MeshError, unavailable

__all__ = [
    "OUTAGES",
    "Connection",
    "Pool",
    "check",
    "connected",
    "open_pool",
    "pool",
    "session_settings",
    "transaction",
]

_log = logging.getLogger(__name__)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

ACQUIRE_TIMEOUT = 0.25
CONNECT_TIMEOUT = 2.0
COMMAND_TIMEOUT = 5.0

OUTAGES: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What asyncpg raises, too, when a connection is cut at the moment that a statement begins or ends.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.PostgresIOError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Exceptions that mean that the store cannot be used now, whatever the request."""


async def open_pool(dsn: str, *, size: int = 8) -> Pool:
    """Opens a pool of at most `size` connections, none before it is needed, so that services start in any order."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        command_timeout=COMMAND_TIMEOUT,
        max_inactive_connection_lifetime=300,
        reset=_keep,
        server_settings=session_settings("rampart"),
    )


def session_settings(application: str) -> dict[str, str]:
    """Returns the settings of a session that bound every wait inside the server, in milliseconds."""
    return {
        "application_name": application,
        "statement_timeout": str(int(COMMAND_TIMEOUT * 1000)),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "10000",
    }


@asynccontextmanager
async def pool(dsn: str, *, size: int = 8) -> AsyncIterator[Pool]:
    """Opens a pool (see `open_pool`) for the block. At its end connections are cut: whoever used them has ended."""
    opened = await open_pool(dsn, size=size)
    try:
        yield opened
    finally:
        opened.terminate()


async def _keep(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Spares the round trip that would reset a released connection: settings are made for a transaction only."""


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """Lends a connection without a transaction, for one statement that is its own. Raises MeshError UNAVAILABLE."""
    try:
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            yield connection
    except MeshError:
        raise
    except OUTAGES as error:
        _log.warning("postgres cannot be used: %s", type(error).__name__)
        raise unavailable("postgres") from error


@asynccontextmanager
async def transaction(pool: Pool, tenants: Iterable[str]) -> AsyncIterator[Connection]:
    """Opens a transaction that sees and writes the rows of the named tenants and of no other."""
    async with connected(pool) as connection, connection.transaction():
        await connection.execute("SELECT set_config('rampart.tenants', $1, true)", ",".join(sorted(set(tenants))))
        yield connection


async def check(pool: Pool) -> None:
    """Raises if the store does not answer."""
    async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        await connection.execute("SELECT 1")
