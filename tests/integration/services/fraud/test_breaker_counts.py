"""What processes count is added up, by version and second: in PostgreSQL as in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.memory_breaker import MemoryBreakerCounts
from services.fraud.adapters.postgres_breaker import PostgresBreakerCounts
from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.scenarios import BreakerCounts, CountKey
from tests.support.fraud import new_tenant

NOW = int(time.time())
Process = Callable[[], BreakerCounts]


@pytest.fixture(params=["memory", "postgres"])
def process(request: pytest.FixtureRequest) -> Process:
    """Makes what a process has of its own, over what all share."""
    if request.param == "memory":
        rows: dict[object, dict[int, OutcomeCounts]] = {}
        return lambda: MemoryBreakerCounts(rows, uuid4())  # type: ignore[arg-type]
    pool = request.getfixturevalue("pool")
    return lambda: PostgresBreakerCounts(pool, uuid4())


def key(tenant: str, number: int = 1, event_type: str = "payment") -> CountKey:
    return CountKey(tenant, event_type, VersionRef("cards", number))


async def test_processes_are_added_up_second_by_second(process: Process, tenant: str) -> None:
    first, second = process(), process()
    await first.add({key(tenant): {NOW: OutcomeCounts(3, 1, 1), NOW - 1: OutcomeCounts(5, 0, 0)}})
    await second.add({key(tenant): {NOW: OutcomeCounts(4, 2, 0)}})
    expected = {NOW: OutcomeCounts(7, 3, 1), NOW - 1: OutcomeCounts(5, 0, 0)}
    assert await first.read([key(tenant)], NOW - 60) == {key(tenant): expected}
    assert await second.read([key(tenant)], NOW) == {key(tenant): {NOW: OutcomeCounts(7, 3, 1)}}


async def test_the_same_second_again_takes_the_place_of_what_was_counted(process: Process, tenant: str) -> None:
    one = process()
    for counted in (2, 5, 5):
        await one.add({key(tenant): {NOW: OutcomeCounts(counted, counted, 0)}})
    assert (await one.read([key(tenant)], 0))[key(tenant)] == {NOW: OutcomeCounts(5, 5, 0)}


async def test_versions_types_and_tenants_are_counted_apart(process: Process, tenant: str) -> None:
    one, other = process(), new_tenant()
    keys = [key(tenant), key(tenant, 2), key(tenant, 1, "login"), key(other)]
    await one.add({each: {NOW: OutcomeCounts(place, 0, 0)} for place, each in enumerate(keys, 1)})
    found = await one.read([*keys, key(other, 9)], 0)
    assert found == {
        **{each: {NOW: OutcomeCounts(place, 0, 0)} for place, each in enumerate(keys, 1)},
        key(other, 9): {},
    }
    assert await one.read([], 0) == {}


async def test_no_more_seconds_are_read_than_can_matter(process: Process, tenant: str) -> None:
    one = process()
    await one.add({key(tenant): {NOW - ago: OutcomeCounts(1, 0, 0) for ago in range(500)}})
    found = (await one.read([key(tenant)], 0))[key(tenant)]
    assert set(found) == {NOW - ago for ago in range(200)}


async def test_old_counts_go_whatever_the_tenant_and_young_ones_stay(process: Process, tenant: str) -> None:
    one, old = process(), NOW - 8_000
    await one.add(
        {key(tenant): {NOW: OutcomeCounts(1), old: OutcomeCounts(1)}, key(new_tenant()): {old: OutcomeCounts(1)}}
    )
    assert await one.prune(NOW - 7_300) >= 2
    assert await one.prune(NOW - 7_300) == 0
    assert (await one.read([key(tenant)], 0))[key(tenant)] == {NOW: OutcomeCounts(1)}


async def test_nothing_young_can_be_deleted_by_who_cleans_up(pool: Pool, tenant: str) -> None:
    one = PostgresBreakerCounts(pool, uuid4())
    await one.add({key(tenant): {NOW: OutcomeCounts(1)}})
    await one.prune(NOW + 1)
    assert (await one.read([key(tenant)], 0))[key(tenant)] == {NOW: OutcomeCounts(1)}
    async with transaction(pool, [new_tenant()]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM scenario_counts") == 0
