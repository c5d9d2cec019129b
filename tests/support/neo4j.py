"""A Neo4j for tests, where somebody runs one: `RAMPART_TEST_NEO4J_URL` says where."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from neo4j import AsyncDriver

from services.fraud.adapters.graph.neo4j_driver import open_neo4j

__all__ = ["neo4j_driver", "neo4j_url"]

_LABELS = ("RampartPlace", "RampartTenant", "RampartEntity", "RampartComponent", "RampartFraud")


def neo4j_url() -> str:
    """Returns where it is. Skips the test if nobody says."""
    url = os.environ.get("RAMPART_TEST_NEO4J_URL", "")
    if not url:
        pytest.skip("no Neo4j: set RAMPART_TEST_NEO4J_URL")
    return url


@asynccontextmanager
async def neo4j_driver() -> AsyncIterator[AsyncDriver]:
    """Opens it, with no graph of Rampart in it: the place is one for all, and so are those who keep graphs."""
    async with open_neo4j(neo4j_url(), size=4) as driver:
        await _empty(driver)
        yield driver
        await _empty(driver)


async def _empty(driver: AsyncDriver) -> None:
    async with driver.session() as session:
        for label in _LABELS:
            await session.run(f"MATCH (n:{label}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 5000 ROWS")
