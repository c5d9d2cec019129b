"""Decisions in PostgreSQL come out as they were answered, by the versions that are stored there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool
from meshkit.storage.reads import Reads
from services.fraud import convert
from services.fraud.adapters.postgres_event_types import PostgresEventTypes, PostgresEventTypeWriter
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.adapters.postgres_scenarios import PostgresScenarios
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Basis, Decided
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.recorded import RecordedDecision
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.verification.replaying import Replays
from tests.support.fraud import new_tenant
from tests.support.past import PastTenant
from tests.support.readers import store_of
from tests.support.scorers import FakeModels
from tests.support.servers import Database


@pytest.fixture
def store(pool: Pool) -> PostgresStore:
    return store_of(pool)


@pytest.fixture
def replays(pool: Pool) -> Replays:
    reads = Reads(pool)
    return Replays(
        PostgresScenarios(reads),
        PostgresEventTypes(reads),
        StarterFeatures(),
        ModelCatalog(FakeModels()),
        compile_pattern,
    )


async def keep(pool: Pool, tenant: PastTenant) -> None:
    """Stores what a tenant declares."""
    async with PostgresScenarioWriter(pool).begin(tenant.tenant_id) as changes:
        for version in tenant.versions.values():
            await changes.add_version(version)
    async with PostgresEventTypeWriter(pool).begin(tenant.tenant_id) as types:
        for each in tenant.types.values():
            if each is not BUILT_IN.get(each.name):
                await types.put(each)


async def commit(store: PostgresStore, decided: Sequence[Decided]) -> None:
    made = [each._replace(features=each.features._replace(basis=Basis.HISTORY)) for each in decided]
    result = await store.commit(sorted(made, key=lambda each: each.check.key))
    assert len(result.answers) == len(made)


async def stored(store: PostgresStore, tenant: str, made: Decided) -> RecordedDecision:
    found = await store.get(tenant, UUID(made.decision_id))
    assert found is not None
    return convert.recorded_from_record(found)


async def test_decisions_come_out_identical_after_everything_has_changed(
    pool: Pool, store: PostgresStore, replays: Replays
) -> None:
    tenants, made = [PastTenant(seed) for seed in (31, 32)], []
    for tenant in tenants:
        await keep(pool, tenant)
        before = await tenant.decide(25)
        tenant.change()
        await keep(pool, tenant)
        made.append([*before, *await tenant.decide(10)])
        await commit(store, made[-1])
    for tenant, decisions in zip(tenants, made, strict=True):
        for each in decisions:
            found = await stored(store, tenant.tenant_id, each)
            assert found.intact and await replays.replay(tenant.tenant_id, found) == []
            assert (await replays.explain(tenant.tenant_id, found)).judgement == each.judgement


async def test_versions_of_another_tenant_are_not_used(pool: Pool, store: PostgresStore, replays: Replays) -> None:
    """Though scenario and event type have the same names there."""
    tenant, other = PastTenant(33), PastTenant(34)
    await keep(pool, tenant)
    made = next(each for each in await tenant.decide(50) if each.check.event_type == "transfer")
    await commit(store, [made])
    assert await store.get(other.tenant_id, UUID(made.decision_id)) is None
    found = await stored(store, tenant.tenant_id, made)
    await keep(pool, other)
    assert await replays.replay(tenant.tenant_id, found) == []
    for nobody in (new_tenant(),):
        with pytest.raises(MeshError) as caught:
            await replays.replay(nobody, found)
        assert caught.value.metadata == {"why": "scenario"}


@pytest.mark.parametrize(
    "change",
    ["event = overlay(event placing 'X'::bytea from 3 for 1)", "answer = answer || '\\x1801'::bytea",
     "inputs = set_byte(inputs, 3, get_byte(inputs, 3) # 1)"],
    ids=["event", "answer", "inputs"],
)  # fmt: skip
async def test_row_that_was_changed_is_told(
    fraud_database: Database, pool: Pool, store: PostgresStore, replays: Replays, change: str
) -> None:
    """By nobody's right: the service may not change a decision, nor may the owner of the database."""
    tenant = PastTenant(35)
    await keep(pool, tenant)
    (made,) = await tenant.decide(1)
    await commit(store, [made])
    superuser = await asyncpg.connect(fraud_database.server.dsn(fraud_database.name), timeout=5)
    try:
        done = await superuser.execute(f"UPDATE decisions SET {change} WHERE decision_id = $1", UUID(made.decision_id))
    finally:
        await superuser.close(timeout=5)
    assert done == "UPDATE 1"
    found = await stored(store, tenant.tenant_id, made)
    assert not found.intact
    replay = convert.replay_to_proto(found, await replays.replay(tenant.tenant_id, found))
    assert (replay.intact, replay.identical) == (False, False)
