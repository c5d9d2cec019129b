"""Changes of a tenant that must follow each other wait for a while, and are then told to come again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from meshkit.errors import Kind, MeshError
from meshkit.storage.locks import hold_lock
from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.postgres_backtests import PostgresBacktestWriter
from services.fraud.adapters.postgres_labels import PostgresLabelWriter
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_model_changes import PostgresModelWriter
from services.fraud.adapters.postgres_quality import PostgresQualityWriter
from services.fraud.adapters.postgres_rates import PostgresRates
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from tests.support.fraud import new_tenant


class TenantWriter(Protocol):
    """Changes what a tenant has."""

    def begin(self, tenant_id: str) -> AbstractAsyncContextManager[object]: ...


WRITERS: dict[str, Callable[[Pool], TenantWriter]] = {
    "labels": PostgresLabelWriter,
    "models": PostgresModelWriter,
    "quality reports": PostgresQualityWriter,
    "backtests": PostgresBacktestWriter,
    "lists": PostgresLists,
    "configuration": PostgresScenarioWriter,
}


@pytest.mark.parametrize("what", WRITERS)
async def test_who_waits_too_long_for_another_change_is_told_to_come_again(pool: Pool, tenant: str, what: str) -> None:
    writer = WRITERS[what](pool)
    async with writer.begin(tenant):
        async with writer.begin(new_tenant()):
            pass
        with pytest.raises(MeshError) as caught:
            async with writer.begin(tenant):
                pass
    error = caught.value
    assert (error.kind, error.reason, error.retry_after) == (Kind.ABORTED, "CONFLICT", 1.0)
    assert what in error.message


async def test_so_is_who_brings_exchange_rates(pool: Pool, tenant: str) -> None:
    async with transaction(pool, [tenant]) as connection:
        await hold_lock(connection, "exchange rates", tenant)
        with pytest.raises(MeshError) as caught:
            await PostgresRates(pool).replace(tenant, [])
    assert caught.value.reason == "CONFLICT"
