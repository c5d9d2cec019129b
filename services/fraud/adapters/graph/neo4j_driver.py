"""Opens Neo4j, and runs transactions on graphs in it. Every wait is bounded; what it cannot do becomes UNAVAILABLE.

Neo4j keeps tenants apart by nothing of its own. So a transaction names its tenants, and a statement runs for one of
them: `$tenant` is a part of whatever it matches or makes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncTransaction, Query, Record
from neo4j.exceptions import DriverError, Neo4jError

from meshkit.errors import MeshError, unavailable

__all__ = ["GraphTransaction", "Rows", "open_neo4j", "read", "transaction"]

_log = logging.getLogger(__name__)

Rows: TypeAlias = Sequence[Record]

ACQUIRE_TIMEOUT = 0.25
CONNECT_TIMEOUT = 2.0
READ_SECONDS = 5.0
WRITE_SECONDS = 30.0
"""For a whole transaction. The server ends it then, whatever became of this process."""
_OWN_FAULTS = ("Procedure", "Request", "Schema", "Statement")
"""Categories of errors that no retry can heal: those of a statement, not of the server."""
# A lock on the tenants until the end: what two processes do to one graph is done by one after the other.
_HOLD = """
UNWIND $tenants AS tenant MATCH (t:RampartTenant {tenant: tenant}) SET t.held = true"""


@asynccontextmanager
async def open_neo4j(url: str, *, size: int) -> AsyncIterator[AsyncDriver]:
    """Opens a pool of at most `size` connections for the block, none before it is needed.

    `url` is `scheme://user:password@host:port`, of which the first two parts may be missing.
    """
    parts = urlsplit(url)
    names = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    address = parts.netloc.rpartition("@")[2]
    driver = AsyncGraphDatabase.driver(
        f"{parts.scheme}://{address}",
        auth=names,
        max_connection_pool_size=size,
        connection_acquisition_timeout=CONNECT_TIMEOUT + ACQUIRE_TIMEOUT,
        connection_timeout=CONNECT_TIMEOUT,
        max_connection_lifetime=300,
        notifications_min_severity="OFF",
        telemetry_disabled=True,
        user_agent="rampart",
    )
    try:
        yield driver
    finally:
        await driver.close()


async def read(driver: AsyncDriver, statement: str, **parameters: Any) -> Rows:
    """Runs one statement that only reads, in one round trip. Raises MeshError UNAVAILABLE."""
    async with _usable(READ_SECONDS), driver.session(default_access_mode=READ_ACCESS) as session:
        result = await session.run(Query(statement, timeout=READ_SECONDS), parameters)
        return [row async for row in result]


class GraphTransaction:
    """Runs statements on the graphs of the tenants that it was opened for, and on no others."""

    def __init__(self, running: AsyncTransaction, tenants: Collection[str]) -> None:
        self._running = running
        self._tenants = tenants

    async def run(self, statement: str, tenant_id: str, **parameters: Any) -> Rows:
        """Runs a statement whose `$tenant` is one of the tenants. Raises LookupError for another."""
        if tenant_id not in self._tenants:
            raise LookupError(f"the transaction was not opened for tenant {tenant_id}")
        return await self.run_on_none(statement, tenant=tenant_id, **parameters)

    async def run_on_none(self, statement: str, **parameters: Any) -> Rows:
        """Runs a statement that is about no tenant's graph."""
        result = await self._running.run(statement, parameters)
        return [row async for row in result]


@asynccontextmanager
async def transaction(driver: AsyncDriver, tenants: Collection[str]) -> AsyncIterator[GraphTransaction]:
    """Opens a transaction, which takes effect when the block ends. Raises MeshError UNAVAILABLE.

    Others on the same tenants wait for its end.
    """
    async with (
        _usable(WRITE_SECONDS),
        driver.session() as session,
        await session.begin_transaction(timeout=WRITE_SECONDS) as running,
    ):
        opened = GraphTransaction(running, frozenset(tenants))
        if tenants:
            await opened.run_on_none(_HOLD, tenants=sorted(tenants))
        yield opened
        await running.commit()


@asynccontextmanager
async def _usable(seconds: float) -> AsyncIterator[None]:
    """Ends what takes longer, and says of what fails that Neo4j cannot be used."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except MeshError:
        raise
    except (DriverError, Neo4jError, OSError) as error:
        if isinstance(error, Neo4jError) and error.category in _OWN_FAULTS:
            raise
        _log.warning("neo4j cannot be used: %s", getattr(error, "code", None) or type(error).__name__)
        raise unavailable("neo4j") from error
