"""One platform for the whole folder. Tests keep apart by their tenants.

The files run in the order of their names: those that stop and kill processes are the `test_when_` files at the end.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform
from tests.support.otlp import Collector, collecting

TABLES = {"fraud": ("decisions", "outbox"), "user": ("users",), "data": ("transactions", "daily_totals")}


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """What the platform exports its spans to."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="package")
async def platform(collector: Collector) -> AsyncIterator[Platform]:
    """A running platform with a state folder of its own. It records the traces whose callers do, and no other."""
    folder = Path(tempfile.mkdtemp(prefix="rampart-steel-"))
    settings = {
        "RAMPART_MODEL_DRIFT_SECONDS": "2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    platform = Platform(folder / "home", settings)
    try:
        await platform.start()
        yield platform
    finally:
        await platform.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def edge(platform: Platform) -> Edge:
    """REST as a client of a tenant that no other test uses."""
    return await platform.new_edge()


@pytest.fixture(scope="module")
async def attacker(platform: Platform) -> Edge:
    """A client with good credentials and bad manners."""
    edge = await platform.new_edge()
    await edge.check(user_id="victim")
    return edge


@pytest.fixture
async def nothing_stored(platform: Platform, attacker: Edge) -> AsyncIterator[None]:
    """Checks that a test has added no row to any database."""
    await platform.ledger_caught_up()
    before = await _counts(platform)
    yield
    assert await _counts(platform) == before


async def _counts(platform: Platform) -> dict[str, int]:
    return {
        table: await platform.value(service, f"SELECT count(*) FROM {table}")
        for service, tables in TABLES.items()
        for table in tables
    }
