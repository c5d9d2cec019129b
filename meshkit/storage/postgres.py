"""Opens PostgreSQL pools and transactions. Every wait is bounded; what the store cannot do becomes UNAVAILABLE.

Tenants are separated by row-level security. A transaction names the tenants whose rows it may touch, for itself only:
a session-wide setting would leak to the next user of the pooled connection.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import asyncpg

from meshkit.errors import Kind, MeshError, unavailable
from meshkit.storage.statements import RecordedConnection
from meshkit.tracing import setup

__all__ = [
    "ACQUIRE_TIMEOUT",
    "OUTAGES",
    "REFUSALS",
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

_BEGIN = "SELECT set_config('rampart.tenants', $1, true)"
_BEGIN_UNFLUSHED = f"{_BEGIN}, set_config('synchronous_commit', 'off', true)"

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

REFUSALS: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""Exceptions that mean that the store takes the rest of a statement, but not some value in it: no retry can heal it."""


async def open_pool(dsn: str, *, size: int = 8, seconds: float = COMMAND_TIMEOUT) -> Pool:
    """Opens a pool of at most `size` connections, none before it is needed, so that services start in any order.

    No statement runs for longer than `seconds`.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        command_timeout=seconds,
        max_inactive_connection_lifetime=300,
        reset=_keep,
        connection_class=RecordedConnection if setup.recorder() is not None else asyncpg.Connection,
        server_settings=session_settings("rampart", seconds),
    )


def session_settings(application: str, seconds: float = COMMAND_TIMEOUT) -> dict[str, str]:
    """Returns the settings of a session that bound every wait inside the server, in milliseconds."""
    return {
        "application_name": application,
        "statement_timeout": str(int(seconds * 1000)),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "10000",
    }


@asynccontextmanager
async def pool(dsn: str, *, size: int = 8, seconds: float = COMMAND_TIMEOUT) -> AsyncIterator[Pool]:
    """Opens a pool (see `open_pool`) for the block. At its end connections are cut: whoever used them has ended."""
    opened = await open_pool(dsn, size=size, seconds=seconds)
    try:
        yield opened
    finally:
        opened.terminate()


async def _keep(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Spares the round trip that would reset a released connection: settings are made for a transaction only."""


@asynccontextmanager
async def connected(pool: Pool, *, wait: float = ACQUIRE_TIMEOUT) -> AsyncIterator[Connection]:
    """Lends a connection without a transaction, for one statement that is its own.

    If all are lent, it waits `wait` seconds for one. Raises MeshError UNAVAILABLE, and ABORTED for a lock that others
    hold for longer than a session may wait.
    """
    try:
        async with pool.acquire(timeout=wait) as connection:
            yield connection
    except MeshError:
        raise
    except asyncpg.LockNotAvailableError as error:
        words = "others are changing the same, for longer than could be waited"
        raise MeshError(Kind.ABORTED, "CONFLICT", words, retry_after=1.0) from error
    except OUTAGES as error:
        _log.warning("postgres cannot be used: %s", type(error).__name__)
        raise unavailable("postgres") from error


@asynccontextmanager
async def transaction(
    pool: Pool,
    tenants: Iterable[str],
    *,
    wait: float = ACQUIRE_TIMEOUT,
    snapshot: bool = False,
    durable: bool = True,
) -> AsyncIterator[Connection]:
    """Opens a transaction that sees and writes the rows of the named tenants and of no other.

    With `snapshot` it writes nothing, and all its statements see one moment. One that is not `durable` does not wait
    for the disk: it may be lost if the database crashes within a second, but no durable one that came later without it.
    """
    isolation: Literal["repeatable_read"] | None = "repeatable_read" if snapshot else None
    async with (
        connected(pool, wait=wait) as connection,
        connection.transaction(isolation=isolation, readonly=snapshot),
    ):
        await connection.execute(_BEGIN if durable else _BEGIN_UNFLUSHED, ",".join(sorted(set(tenants))))
        yield connection


async def check(pool: Pool) -> None:
    """Raises if the store does not answer."""
    async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        await connection.execute("SELECT 1")
