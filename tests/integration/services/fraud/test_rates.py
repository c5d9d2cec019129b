"""Exchange rates are kept for each tenant alone and replaced as a whole: in PostgreSQL as in memory."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool
from services.fraud.adapters.memory import MemoryRates
from services.fraud.adapters.postgres_rates import PostgresRates
from services.fraud.domain.rates import DatedRate
from services.fraud.ports import RateStore
from tests.support.fraud import new_tenant

EURO = DatedRate("EUR", 1.1, date(2026, 1, 1))
LATER = DatedRate("EUR", 1.2, date(2026, 6, 1))
YEN = DatedRate("JPY", 0.0066, date(2026, 1, 1))


@pytest.fixture(params=["memory", "postgres"])
def rates(request: pytest.FixtureRequest) -> RateStore:
    return MemoryRates() if request.param == "memory" else PostgresRates(request.getfixturevalue("pool"))


async def test_rates_are_read_by_their_tenants_and_no_others(rates: RateStore) -> None:
    first, second, third = new_tenant(), new_tenant(), new_tenant()
    await rates.replace(first, [EURO, LATER])
    await rates.replace(second, [YEN])
    found = await rates.read([first, second, third])
    assert {tenant: set(each) for tenant, each in found.items() if each} == {first: {EURO, LATER}, second: {YEN}}
    assert set(await rates.read([second])) == {second}


async def test_replacement_leaves_nothing_of_what_was_there(rates: RateStore, tenant: str) -> None:
    await rates.replace(tenant, [EURO, LATER])
    await rates.replace(tenant, [YEN])
    assert list((await rates.read([tenant]))[tenant]) == [YEN]
    await rates.replace(tenant, [])
    assert list((await rates.read([tenant])).get(tenant, ())) == []


async def test_a_table_is_replaced_only_if_the_one_that_is_there_is_admitted(rates: RateStore, tenant: str) -> None:
    assert await rates.replace(tenant, [EURO], lambda there: not there)
    assert not await rates.replace(tenant, [YEN], lambda there: not there)
    assert list((await rates.read([tenant]))[tenant]) == [EURO]
    assert await rates.replace(tenant, [YEN], lambda there: list(there) == [EURO])


async def test_of_concurrent_replacements_of_one_table_one_happens(pool: Pool, tenant: str) -> None:
    rates = PostgresRates(pool)
    tables = [[EURO, YEN], [EURO, LATER], [YEN]]
    done = await asyncio.gather(*[rates.replace(tenant, table, lambda there: not there) for table in tables])
    assert sorted(done) == [False, False, True]


async def test_of_concurrent_replacements_one_is_there_whole(pool: Pool, tenant: str) -> None:
    rates = PostgresRates(pool)
    tables = [[EURO, YEN], [EURO, LATER], [YEN]]
    await asyncio.gather(*[rates.replace(tenant, table) for table in tables])
    assert set((await rates.read([tenant]))[tenant]) in [set(table) for table in tables]


async def test_store_that_is_away_says_so(pool: Pool, tenant: str) -> None:
    pool.terminate()
    with pytest.raises(MeshError) as caught:
        await PostgresRates(pool).read([tenant])
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
