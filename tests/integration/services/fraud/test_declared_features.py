"""What every implementation of the ports of features does: in PostgreSQL as in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.named_requests import NamedRequest
from meshkit.storage.postgres import Pool, connected, open_pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypeWriter
from services.fraud.adapters.memory_features import MemoryFeatureHeads, MemoryFeatures, MemoryFeatureWriter
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarioWriter
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypeWriter
from services.fraud.adapters.postgres_features import PostgresFeatureHeads, PostgresFeatures, PostgresFeatureWriter
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Boundary
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove
from services.fraud.domain.scenarios.publication import DeploymentState, Transition
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.ports import (
    DeclarationStore,
    EventTypeWriter,
    FeatureHead,
    FeatureHeads,
    FeatureReads,
    FeatureWriter,
)
from services.fraud.ports.scenarios import ScenarioWriter
from tests.support.features import DAY_MS, counting, declare, declared, following
from tests.support.fraud import new_tenant
from tests.support.servers import Database

EVERYTHING = counting(
    "night_mean",
    key="card_fingerprint+user_id",
    counts=("payment", "claim"),
    aggregate=Aggregate.MEAN,
    field="amount",
    window_ms=7 * DAY_MS,
    delay_ms=DAY_MS,
    boundary=Boundary.FROM_START,
    where='email == "jane@example.org"',
)
OWN = counting("own", include_current=True, same_currency=True, event_type="payment")
DERIVED = DerivedFeature(name="ratio", event_type="payment", expression="amount / double(own)")
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@dataclass
class Stores:
    features: FeatureReads
    writer: FeatureWriter
    heads: FeatureHeads
    declarations: DeclarationStore
    types: EventTypeWriter
    scenarios: ScenarioWriter

    async def head(self, tenant: str) -> FeatureHead:
        found = FeatureHead.of(await self.features.declared(tenant))
        assert (await self.heads.all()).get(tenant, (FeatureHead(), True))[0] == found
        return found


@pytest.fixture
async def relay(fraud_database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(fraud_database.relay_dsn, size=1)
    yield pool
    await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        declarations, rows = MemoryDeclarations(), MemoryScenarioRows()
        features = MemoryFeatures(declarations)
        return Stores(
            features,
            MemoryFeatureWriter(features, rows),
            MemoryFeatureHeads(features),
            declarations,
            MemoryEventTypeWriter(declarations),
            MemoryScenarioWriter(rows),
        )
    found: Stores = request.getfixturevalue("in_postgres")
    return found


@pytest.fixture
def in_postgres(pool: Pool, relay: Pool) -> Stores:
    return Stores(
        PostgresFeatures(Reads(pool)),
        PostgresFeatureWriter(pool),
        PostgresFeatureHeads(relay, pool, settled_seconds=0.0),
        PostgresDeclarations(pool),
        PostgresEventTypeWriter(pool),
        PostgresScenarioWriter(pool),
    )


async def test_who_has_declared_nothing_has_the_set_of_all(stores: Stores, tenant: str) -> None:
    assert await stores.features.declared(tenant) == DeclaredFeatures()
    assert await stores.features.numbered(tenant, 1) is None
    assert tenant not in await stores.heads.all()
    assert (DeclaredSet().version, DeclaredSet().features) == ("3", ())


async def test_features_are_read_as_they_were_put_by_their_tenants_alone(stores: Stores, tenant: str) -> None:
    before = DeclaredSet()
    first = following(before, EVERYTHING, replace(OWN, window_ms=1_500))
    changed = replace(first.features[0], description='Of an "owl"\n')
    put = replace(first, features=(changed, *first.features[1:]))
    async with stores.writer.begin(tenant) as changes:
        assert await changes.declared() == DeclaredFeatures()
        stored = await changes.put(put)
    assert [replace(each, created_at=None, updated_at=None) for each in stored.features] == list(put.features)
    assert all(each.created_at is not None and each.created_at == each.updated_at for each in stored.features)
    assert (stored.number, stored.version, stored.since) == (1, "t1", put.since)
    assert await stores.features.declared(tenant) == DeclaredFeatures(stored)
    assert (await stores.declarations.read(tenant)).features == DeclaredFeatures(stored)
    assert await stores.features.declared(new_tenant()) == DeclaredFeatures()


async def test_sets_of_before_stay_as_they_were(stores: Stores, tenant: str) -> None:
    sets = [await declare(stores.writer, tenant, OWN)]
    sets.append(await declare(stores.writer, tenant, DERIVED, EVERYTHING))
    sets.append(await declare(stores.writer, tenant, without=["night_mean"]))
    assert [each.number for each in sets] == [1, 2, 3]
    assert [await stores.features.numbered(tenant, number) for number in (1, 2, 3)] == sets
    assert (await stores.features.declared(tenant)).current == sets[-1]
    assert await stores.features.numbered(new_tenant(), 1) is None


async def test_what_is_said_of_a_feature_changes_its_time_and_no_other(stores: Stores, tenant: str) -> None:
    first = await declare(stores.writer, tenant, OWN, EVERYTHING)
    async with stores.writer.begin(tenant) as changes:
        current = (await changes.declared()).current
        said = replace(current.features[0], description="words", revision=2)
        second = await changes.put(DeclaredSet(2, (said, *current.features[1:]), current.since))
    assert second.features[1] == first.features[1]
    assert (second.features[0].created_at, second.features[0].revision) == (first.features[0].created_at, 2)
    assert second.features[0].updated_at != first.features[0].updated_at


async def test_heads_move_from_what_they_are_alone(stores: Stores, tenant: str) -> None:
    one = await declare(stores.writer, tenant, OWN)
    assert await stores.head(tenant) == FeatureHead(1, 0)
    two = await declare(stores.writer, tenant, EVERYTHING)
    assert not await stores.heads.move(tenant, FeatureHead(1, 0), FeatureHead(1, 1, 0))
    assert await stores.heads.move(tenant, FeatureHead(2, 0), FeatureHead(2, 2, 0))
    assert await stores.head(tenant) == FeatureHead(2, 2, 0)
    assert await stores.features.declared(tenant) == DeclaredFeatures(two, two, DeclaredSet())
    three = await declare(stores.writer, tenant, without=["own"])
    assert await stores.features.declared(tenant) == DeclaredFeatures(three, two, DeclaredSet())
    assert await stores.heads.move(tenant, FeatureHead(3, 2, 0), FeatureHead(3, 2))
    assert await stores.features.declared(tenant) == DeclaredFeatures(three, two)
    assert one.number == 1


async def test_every_change_moves_the_revision_of_its_tenant(stores: Stores, tenant: str) -> None:
    seen = []
    for change in (
        lambda: declare(stores.writer, tenant, OWN),
        lambda: stores.heads.move(tenant, FeatureHead(1, 0), FeatureHead(1, 1, 0)),
        lambda: stores.heads.move(tenant, FeatureHead(9, 9), FeatureHead()),
    ):
        await change()
        seen.append((await stores.declarations.revisions([tenant]))[tenant])
    assert seen == [1, 2, 2]


async def test_set_head_and_name_are_undone_together(stores: Stores, tenant: str) -> None:
    request = NamedRequest(uuid7(), "CreateFeature", b"content")
    with pytest.raises(ZeroDivisionError):
        async with stores.writer.begin(tenant) as changes:
            assert await changes.claim(request) is None
            await changes.put(following(DeclaredSet(), OWN))
            raise ZeroDivisionError
    assert await stores.features.declared(tenant) == DeclaredFeatures()
    assert await stores.features.numbered(tenant, 1) is None
    async with stores.writer.begin(tenant) as changes:
        assert await changes.claim(request) is None


async def test_of_changes_at_once_each_sees_those_before_it(stores: Stores, tenant: str) -> None:
    await asyncio.gather(*[declare(stores.writer, tenant, counting(f"n{number}")) for number in range(6)])
    current = (await stores.features.declared(tenant)).current
    assert (current.number, len(current.features)) == (6, 6)


async def test_event_types_know_the_names_of_features(stores: Stores, tenant: str) -> None:
    await declare(stores.writer, tenant, OWN)
    async with stores.types.begin(tenant) as changes:
        await changes.all()
        assert set(await changes.features()) >= {"own", "user_count_1h"}


async def test_contents_are_the_drafts_and_what_decides_or_would(stores: Stores, tenant: str) -> None:
    async with stores.scenarios.begin(tenant) as changes:
        for name in ("cards", "idle"):
            content = ScenarioContent(event_type="payment", description=name)
            await changes.create(
                Scenario(
                    scenario_id=name, draft=content, revision=1, latest=3, editors=frozenset(), created_at=NOW,
                    updated_at=NOW,
                )
            )  # fmt: skip
            for version in (1, 2, 3):
                await changes.add_version(_version(name, version, content))
        deployment = Deployment(live=VersionRef("cards", 3), former=(VersionRef("cards", 1), VersionRef("cards", 2)))
        await changes.deploy(
            DeploymentState("payment", deployment, revision=1),
            Transition(
                event_type="payment", number=1, move=DeploymentMove.LIVE, ref=VersionRef("cards", 3), principal="jane",
                at=NOW,
            ),
        )  # fmt: skip
    async with stores.writer.begin(tenant) as changes:
        found = await changes.contents()
    assert [each.name for each in found] == [
        "the draft of scenario cards",
        "the draft of scenario idle",
        "version 2 of scenario cards",
        "version 3 of scenario cards",
    ]
    assert [each.content.description for each in found] == ["cards", "idle", "cards", "cards"]


def _version(name: str, number: int, content: ScenarioContent) -> ScenarioVersion:
    return ScenarioVersion(
        scenario_id=name, number=number, content=content, note="", authors=frozenset(), trees=(), created_at=NOW
    )


@pytest.mark.parametrize("table", ["feature_sets", "feature_heads"])
async def test_rows_belong_to_their_tenants(in_postgres: Stores, pool: Pool, table: str) -> None:
    tenants = [new_tenant(), new_tenant()]
    for tenant in tenants:
        await declare(in_postgres.writer, tenant, OWN)

    async def seen(*named: str) -> set[str]:
        async with transaction(pool, named) as connection:
            return {str(row[0]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}

    assert [await seen(), await seen(tenants[0]), await seen(*tenants)] == [set(), {tenants[0]}, set(tenants)]
    copied = {
        "feature_sets": "SELECT $1::uuid, 9, '3', '[]', '{}'",
        "feature_heads": "SELECT $1::uuid, 9, 9, NULL, now()",
    }[table]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute(f"INSERT INTO {table} {copied}", new_tenant())


@pytest.mark.parametrize(
    "statement", ["UPDATE feature_sets SET features = '[]'", "DELETE FROM feature_sets", "DELETE FROM feature_heads"]
)
async def test_sets_never_change_and_nothing_goes(in_postgres: Stores, pool: Pool, tenant: str, statement: str) -> None:
    await declare(in_postgres.writer, tenant, OWN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute(statement)


async def test_who_fills_logs_sees_no_feature_of_any_tenant(in_postgres: Stores, relay: Pool, tenant: str) -> None:
    await declare(in_postgres.writer, tenant, OWN)
    async with connected(relay) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM feature_sets")


async def test_a_change_is_settled_after_a_while(pool: Pool, relay: Pool, tenant: str) -> None:
    await declare(PostgresFeatureWriter(pool), tenant, OWN)
    for seconds, settled in ((3_600.0, False), (0.0, True)):
        assert (await PostgresFeatureHeads(relay, pool, seconds).all())[tenant] == (FeatureHead(1, 0), settled)


def test_a_definition_that_is_declared_has_its_tree() -> None:
    assert declared(EVERYTHING, DeclaredSet()).tree
