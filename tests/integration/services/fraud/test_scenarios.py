"""Scenarios are kept by their tenants, versions for ever: in PostgreSQL as in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool, open_pool, transaction
from meshkit.storage.reads import ReadLimits, Reads
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios, MemoryScenarioWriter
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.adapters.postgres_scenarios import PostgresScenarios
from services.fraud.domain.scenarios.breaker import BreakerLimits, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove, TrafficShare
from services.fraud.domain.scenarios.publication import (
    DeploymentState,
    PublicationRequest,
    ScenarioPolicy,
    Step,
    Transition,
)
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.domain.scenarios.starter import STARTER, STARTER_REF
from services.fraud.ports.scenarios import ScenarioReads, ScenarioWriter, SnoozePlace
from tests.support.fraud import new_tenant
from tests.support.servers import Database

NOW = datetime(2026, 6, 1, 12, 30, 15, 123456, tzinfo=UTC)
CARDS = Scenario(
    scenario_id="cards",
    draft=STARTER,
    revision=1,
    latest=0,
    editors=frozenset({"alice", "bob"}),
    created_at=NOW,
    updated_at=NOW,
)
FIRST = ScenarioVersion(
    scenario_id="cards",
    number=1,
    content=STARTER,
    note="first “words”",
    authors=frozenset({"alice"}),
    trees=('["call"]', "2"),
    created_at=NOW,
)
REF = FIRST.ref


@dataclass
class Store:
    reads: ScenarioReads
    writer: ScenarioWriter


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        rows = MemoryScenarioRows()
        return Store(MemoryScenarios(rows), MemoryScenarioWriter(rows))
    pool = request.getfixturevalue("pool")
    return Store(PostgresScenarios(Reads(pool, ReadLimits())), PostgresScenarioWriter(pool))


def transition(number: int, move: DeploymentMove, ref: VersionRef = REF, **changed: Any) -> Transition:
    values: dict[str, Any] = {"event_type": "payment", "principal": "bob", "at": NOW} | changed
    return Transition(number=number, move=move, ref=ref, **values)


async def test_a_scenario_is_its_tenants_own(store: Store, tenant: str) -> None:
    async with store.writer.begin(tenant) as changes:
        assert await changes.create(CARDS)
        assert not await changes.create(replace(CARDS, draft=ScenarioContent(event_type="login")))
        assert await changes.scenario("cards") == CARDS
    assert await store.reads.get(tenant, "cards") == CARDS
    other = new_tenant()
    assert await store.reads.get(other, "cards") is None
    assert list(await store.reads.page(other, "", 10)) == []
    async with store.writer.begin(other) as changes:
        assert await changes.scenario("cards") is None
        assert await changes.create(CARDS)


async def test_a_draft_is_saved_whole(store: Store, tenant: str) -> None:
    edited = replace(
        CARDS, draft=replace(STARTER, rules=STARTER.rules[:3], review_at=0.1 + 0.2), revision=2, latest=1,
        editors=frozenset(), updated_at=NOW + timedelta(seconds=1),
    )  # fmt: skip
    async with store.writer.begin(tenant) as changes:
        await changes.create(CARDS)
        await changes.save(edited)
    assert await store.reads.get(tenant, "cards") == edited


async def test_scenarios_are_listed_by_identifier(store: Store, tenant: str) -> None:
    names = ["b", "a.1", "a", "c-2", "a_b"]
    async with store.writer.begin(tenant) as changes:
        for name in names:
            await changes.create(replace(CARDS, scenario_id=name))
    found: list[str] = []
    while page := await store.reads.page(tenant, found[-1] if found else "", 2):
        found += [each.scenario_id for each in page]
    assert found == sorted(names)


async def test_versions_are_kept_and_listed_newest_first(store: Store, tenant: str) -> None:
    versions = [replace(FIRST, number=number) for number in (1, 2, 3)]
    async with store.writer.begin(tenant) as changes:
        for version in versions:
            await changes.add_version(version)
        assert await changes.version(REF) == FIRST
    assert await store.reads.version(tenant, REF) == FIRST
    assert await store.reads.version(tenant, VersionRef("cards", 4)) is None
    assert await store.reads.version(new_tenant(), REF) is None
    assert list(await store.reads.versions(tenant, "cards", 1 << 30, 2)) == versions[:0:-1]
    assert list(await store.reads.versions(tenant, "cards", 2, 2)) == versions[:1]
    assert list(await store.reads.versions(tenant, "other", 1 << 30, 2)) == []


async def test_the_authors_of_a_range_of_versions_are_known(store: Store, tenant: str) -> None:
    async with store.writer.begin(tenant) as changes:
        for number, authors in enumerate(({"a"}, {"b", "c"}, {"c", "d"}, {"e"}), 1):
            await changes.add_version(replace(FIRST, number=number, authors=frozenset(authors)))
        await changes.add_version(replace(FIRST, scenario_id="other", number=2, authors=frozenset({"f"})))
        assert await changes.authors("cards", 1, 3) == {"b", "c", "d"}
        assert await changes.authors("cards", 4, 9) == frozenset()


async def test_a_failed_change_leaves_nothing(store: Store, tenant: str) -> None:
    with pytest.raises(LookupError):
        async with store.writer.begin(tenant) as changes:
            await changes.create(CARDS)
            await changes.add_version(FIRST)
            await changes.deploy(DeploymentState("payment", Deployment(REF)), transition(1, DeploymentMove.LIVE))
            raise LookupError
    assert await store.reads.get(tenant, "cards") is None
    assert await store.reads.version(tenant, REF) is None
    assert list(await store.reads.deployments(tenant)) == []
    assert list(await store.reads.history(tenant, "payment", 9, 9)) == []


async def test_before_anything_is_deployed_the_starter_decides_payments(store: Store, tenant: str) -> None:
    async with store.writer.begin(tenant) as changes:
        assert await changes.deployment("payment") == DeploymentState("payment", Deployment(STARTER_REF))
        assert await changes.deployment("login") == DeploymentState("login", Deployment())
    assert list(await store.reads.deployments(tenant)) == []


async def test_a_deployment_is_kept_with_everything(store: Store, tenant: str) -> None:
    asked = Step(VersionRef("cards", 3), DeploymentMove.SHARE, 250)
    state = DeploymentState(
        "payment",
        Deployment(
            live=REF,
            share=TrafficShare(VersionRef("cards", 2), 1_000),
            shadows=(VersionRef("other", 1), VersionRef("other", 2)),
            former=(STARTER_REF,),
            usual=OutcomeCounts(200, 3, 9),
            live_since=1_780_000_000,
            share_since=1_780_000_001,
            tripped=True,
        ),
        (PublicationRequest(UUID(int=7), asked, "alice", NOW, "please"),),
        revision=5,
    )
    empty = DeploymentState("login", Deployment(), revision=1)
    async with store.writer.begin(tenant) as changes:
        await changes.deploy(replace(state, revision=4), transition(4, DeploymentMove.LIVE))
        await changes.deploy(state, transition(5, DeploymentMove.LIVE))
        await changes.deploy(empty, transition(1, DeploymentMove.WITHDRAW, event_type="login"))
        assert await changes.deployment("payment") == state
    assert list(await store.reads.deployments(tenant)) == [empty, state]
    assert list(await store.reads.deployments(new_tenant())) == []


async def test_history_is_told_newest_first_by_event_type(store: Store, tenant: str) -> None:
    steps = [
        transition(1, DeploymentMove.SHADOW),
        transition(2, DeploymentMove.SHARE, parts=1_000, requested_by="alice", reason="it looks good"),
        transition(3, DeploymentMove.LIVE, replaced=STARTER_REF),
    ]
    elsewhere = transition(1, DeploymentMove.LIVE, VersionRef("logins", 1), event_type="login")
    async with store.writer.begin(tenant) as changes:
        for step in (*steps, elsewhere):
            await changes.deploy(DeploymentState(step.event_type, Deployment(), revision=step.number), step)
    assert list(await store.reads.history(tenant, "payment", 1 << 40, 2)) == steps[:0:-1]
    assert list(await store.reads.history(tenant, "payment", 2, 2)) == steps[:1]
    assert list(await store.reads.history(tenant, "login", 1 << 40, 2)) == [elsewhere]
    assert list(await store.reads.history(new_tenant(), "payment", 1 << 40, 2)) == []


async def test_the_last_step_of_a_version_is_known(store: Store, tenant: str) -> None:
    second, third = VersionRef("cards", 2), VersionRef("cards", 3)
    moves = [
        (DeploymentMove.SHADOW, REF), (DeploymentMove.LIVE, REF), (DeploymentMove.SHADOW, second),
        (DeploymentMove.ROLL_BACK, REF), (DeploymentMove.REQUEST, second), (DeploymentMove.REJECT, REF),
    ]  # fmt: skip
    async with store.writer.begin(tenant) as changes:
        for number, (move, ref) in enumerate(moves, 1):
            await changes.deploy(
                DeploymentState("payment", Deployment(), revision=number), transition(number, move, ref)
            )
    assert await store.reads.last_moves(tenant, [REF, second, third]) == {
        REF: DeploymentMove.ROLL_BACK,
        second: DeploymentMove.SHADOW,
    }
    assert await store.reads.last_moves(new_tenant(), [REF]) == {}
    assert await store.reads.last_moves(tenant, []) == {}


async def test_a_policy_is_the_default_until_it_is_set(store: Store, tenant: str) -> None:
    policy = ScenarioPolicy(two_persons=True, limits=BreakerLimits(declines=0.1, above=0.2), revision=1)
    assert await store.reads.policy(tenant) == ScenarioPolicy()
    for wanted in (policy, replace(policy, two_persons=False, revision=2)):
        async with store.writer.begin(tenant) as changes:
            await changes.save_policy(wanted)
            assert await changes.policy() == wanted
        assert await store.reads.policy(tenant) == wanted
    assert await store.reads.policy(new_tenant()) == ScenarioPolicy()


def snooze(rule: str, value: str = "u1", field: str = "user_id", **changed: Any) -> Snooze:
    values: dict[str, Any] = {
        "until": NOW + timedelta(hours=1),
        "created_at": NOW,
        "created_by": "bob",
        "reason": "a trip",
    } | changed
    return Snooze(rule_id=rule, field=field, value=value, **values)


async def test_snoozes_are_listed_until_they_are_over(store: Store, tenant: str) -> None:
    wanted = [snooze("a", "u2"), snooze("b", "192.0.2.1", "ip_address"), snooze("b")]
    async with store.writer.begin(tenant) as changes:
        for each in (wanted[2], wanted[0], wanted[1], snooze("c", until=NOW + timedelta(seconds=1))):
            assert await changes.snooze(each, 10)
    later = NOW + timedelta(seconds=1)
    assert list(await store.reads.snoozes(tenant, SnoozePlace(), 10, later)) == wanted
    assert list(await store.reads.snoozes(tenant, SnoozePlace("a", "user_id", "u2"), 1, later)) == wanted[1:2]
    assert len(await store.reads.snoozes(tenant, SnoozePlace(), 10, NOW)) == 4
    assert list(await store.reads.snoozes(new_tenant(), SnoozePlace(), 10, NOW)) == []


async def test_a_snooze_takes_the_place_of_one_before_and_can_be_ended(store: Store, tenant: str) -> None:
    longer = snooze("a", until=NOW + timedelta(days=3), reason="longer")
    async with store.writer.begin(tenant) as changes:
        await changes.snooze(snooze("a"), 1)
        assert await changes.snooze(longer, 1)
    assert list(await store.reads.snoozes(tenant, SnoozePlace(), 10, NOW)) == [longer]
    async with store.writer.begin(tenant) as changes:
        assert await changes.wake(SnoozePlace("a", "user_id", "u1"))
        assert not await changes.wake(SnoozePlace("a", "user_id", "u1"))
    assert list(await store.reads.snoozes(tenant, SnoozePlace(), 10, NOW)) == []


async def test_snoozes_are_bounded_by_those_that_last(store: Store, tenant: str) -> None:
    async with store.writer.begin(tenant) as changes:
        assert await changes.snooze(snooze("a", until=NOW + timedelta(seconds=5)), 2)
        assert await changes.snooze(snooze("b"), 2)
        assert not await changes.snooze(snooze("c"), 2)
        assert await changes.snooze(snooze("c", created_at=NOW + timedelta(seconds=5)), 2)
    rules = [each.rule_id for each in await store.reads.snoozes(tenant, SnoozePlace(), 10, NOW)]
    assert rules == ["b", "c"]


async def test_of_concurrent_edits_each_sees_the_one_before(store: Store, tenant: str) -> None:
    async with store.writer.begin(tenant) as changes:
        await changes.create(CARDS)

    async def edit() -> None:
        async with store.writer.begin(tenant) as changes:
            scenario = await changes.scenario("cards")
            assert scenario is not None
            await asyncio.sleep(0)
            await changes.save(replace(scenario, revision=scenario.revision + 1))

    await asyncio.gather(*(edit() for _ in range(8)))
    scenario = await store.reads.get(tenant, "cards")
    assert scenario is not None and scenario.revision == 9


@pytest.fixture
async def owner(fraud_database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(fraud_database.owner_dsn, timeout=5)
    yield connection
    await connection.close(timeout=5)


async def filled(pool: Pool, tenant: str) -> None:
    async with PostgresScenarioWriter(pool).begin(tenant) as changes:
        await changes.create(CARDS)
        await changes.add_version(FIRST)
        await changes.deploy(
            DeploymentState("payment", Deployment(REF), revision=1), transition(1, DeploymentMove.LIVE)
        )
        await changes.save_policy(ScenarioPolicy())
        await changes.snooze(snooze("a"), 10)


TABLES = (
    "scenarios", "scenario_versions", "scenario_deployments", "scenario_transitions", "scenario_policies",
    "scenario_snoozes", "engine_revisions",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
async def test_rows_of_the_named_tenants_are_seen_and_no_others(pool: Pool, tenant: str, table: str) -> None:
    await filled(pool, tenant)
    for named, count in (((), 0), ((new_tenant(),), 0), ((tenant,), 1)):
        async with transaction(pool, named) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == count


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scenario_versions SET note = ''",
        "DELETE FROM scenario_versions",
        "UPDATE scenario_transitions SET principal = ''",
        "DELETE FROM scenario_transitions",
    ],
)
async def test_what_is_final_is_changed_by_nobody(
    pool: Pool, owner: asyncpg.Connection[asyncpg.Record], tenant: str, statement: str
) -> None:
    await filled(pool, tenant)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute(statement)
    async with owner.transaction():
        await owner.execute("SELECT set_config('rampart.tenants', $1, true)", tenant)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="final"):
            async with owner.transaction():
                await owner.execute(statement)


async def test_every_process_is_told_at_the_commit(pool: Pool, fraud_database: Database, tenant: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    session = await asyncpg.connect(fraud_database.dsn, timeout=5)
    try:
        await session.add_listener("rampart_engine", lambda *told: heard.put_nowait(str(told[-1])))
        await filled(pool, tenant)
        assert await asyncio.wait_for(heard.get(), 10) == tenant
    finally:
        await session.close(timeout=5)
    async with transaction(pool, [tenant]) as connection:
        assert await connection.fetchval("SELECT revision FROM engine_revisions") == 3


async def test_who_changes_for_long_is_not_waited_for_without_end(fraud_database: Database, tenant: str) -> None:
    pool = await open_pool(fraud_database.dsn)
    try:
        writer = PostgresScenarioWriter(pool)
        async with writer.begin(tenant):
            with pytest.raises(MeshError) as caught:
                async with writer.begin(tenant):
                    pass
            assert caught.value.reason == "CONFLICT"
    finally:
        await pool.close()


async def test_a_store_that_is_away_says_so(pool: Pool, tenant: str) -> None:
    pool.terminate()
    with pytest.raises(MeshError) as caught:
        await PostgresScenarios(Reads(pool, ReadLimits())).get(tenant, "cards")
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
