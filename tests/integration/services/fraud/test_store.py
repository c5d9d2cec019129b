"""What every implementation of the store of decisions does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from rampart.fraud.v1 import decision_pb2
from services.fraud.domain.features import NAMES

from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool
from services.fraud.adapters.memory import MemoryStore, MemoryWindows
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Check, Decided, Key
from services.fraud.ports import DecisionFilter, DecisionStore, Stored
from tests.support.fraud import check, decided, milliseconds, new_tenant, read, record
from tests.support.servers import Database
from tests.support.windows import in_order

EVERYTHING = DecisionFilter()


@pytest.fixture
def in_postgres(pool: Pool) -> PostgresStore:
    return PostgresStore(pool)


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> DecisionStore:
    if request.param == "memory":
        return MemoryStore()
    found: DecisionStore = request.getfixturevalue("in_postgres")
    return found


def several(tenant: str, *names: str, **changed: object) -> Sequence[Decided]:
    return [decided(check(tenant, name, **changed)) for name in sorted(names)]


def names_of(answers: Sequence[bytes]) -> list[str]:
    return [decision_pb2.Decision.FromString(answer).transaction_id for answer in answers]


async def outbox(database: Database, tenant: str) -> list[bytes]:
    connection = await asyncpg.connect(database.relay_dsn, timeout=5)
    try:
        rows = await connection.fetch("SELECT payload FROM outbox WHERE tenant_id = $1 ORDER BY xid, seq", tenant)
    finally:
        await connection.close(timeout=5)
    return [row["payload"] for row in rows]


async def test_decision_is_got_as_committed(store: DecisionStore, tenant: str) -> None:
    made = several(tenant, "a", "b")
    assert (await store.commit(made)).earlier == {}
    for each in made:
        assert await store.get(tenant, UUID(each.decision_id)) == record(each)[:2]


async def test_decision_of_another_tenant_is_not_there(store: DecisionStore, tenant: str) -> None:
    (made,) = several(tenant, "a")
    await store.commit([made])
    other = new_tenant()
    assert await store.get(other, UUID(made.decision_id)) is None
    assert await store.list(other, EVERYTHING, None, 10) == []
    assert await store.existing([(other, "a")]) == set()
    assert await store.get(tenant, uuid7()) is None


async def test_what_was_stored_before_comes_back_and_stays(store: DecisionStore, tenant: str) -> None:
    (first,) = several(tenant, "a")
    await store.commit([first])
    again = decided(check(tenant, "a", amount_minor=99))
    new = decided(check(tenant, "b"))
    earlier = (await store.commit([again, new])).earlier
    assert earlier == {(tenant, "a"): Stored(first.check.fingerprint, record(first).answer, first.create_time)}
    assert await store.get(tenant, UUID(again.decision_id)) is None
    assert await store.get(tenant, UUID(new.decision_id)) is not None
    assert await store.existing([(tenant, name) for name in "abc"]) == {(tenant, "a"), (tenant, "b")}


async def test_one_commit_holds_rows_of_several_tenants(store: DecisionStore) -> None:
    tenants = sorted(new_tenant() for _ in range(3))
    made = [each for tenant in tenants for each in several(tenant, "same")]
    assert (await store.commit(made)).earlier == {}
    for tenant, each in zip(tenants, made, strict=True):
        assert await store.list(tenant, EVERYTHING, None, 10) == [record(each).answer]


async def test_list_is_newest_first_in_pages_without_gaps_or_repeats(store: DecisionStore, tenant: str) -> None:
    names = [f"{number:02d}" for number in range(25)]
    for name in names:
        await store.commit(several(tenant, name))
    found: list[str] = []
    before: UUID | None = None
    while page := await store.list(tenant, EVERYTHING, before, 10):
        found += names_of(page)
        before = UUID(decision_pb2.Decision.FromString(page[-1]).decision_id)
    assert found == names[::-1]


async def test_list_is_restricted_by_every_filter_given(store: DecisionStore, tenant: str) -> None:
    await store.commit([*several(tenant, "a", "b"), *several(tenant, "c", user_id="u2")])
    only = DecisionFilter
    assert names_of(await store.list(tenant, only(user_id="u2"), None, 10)) == ["c"]
    assert names_of(await store.list(tenant, only(transaction_id="a"), None, 10)) == ["a"]
    assert len(await store.list(tenant, only(outcome="approve"), None, 10)) == 3
    assert await store.list(tenant, only(outcome="decline"), None, 10) == []
    assert await store.list(tenant, only(user_id="u2", transaction_id="a"), None, 10) == []


@pytest.mark.parametrize("seed", range(3))
async def test_features_of_committed_transactions_are_those_of_the_windows(
    store: DecisionStore, tenant: str, seed: int
) -> None:
    windows = MemoryWindows(lambda: datetime.now(UTC))
    checks = list(in_order(seed + 50, tenant, 60))
    for asked in checks:
        (known,) = await windows.reserve([asked])
        (slow,) = read(await store.features([asked], datetime.now(UTC)))
        assert dict(zip(NAMES, slow.values, strict=True)) == dict(zip(NAMES, known.values, strict=True)), asked
        assert slow.elsewhere == known.elsewhere
        assert (slow.event_time, slow.degraded) == (asked.event_time, ("features_slow_path",))
        await store.commit([decided(asked)])


async def test_features_of_a_batch_count_the_checks_before_them(store: DecisionStore, tenant: str) -> None:
    when = milliseconds(datetime.now(UTC))
    await store.commit(several(tenant, "a", "b", event_time=when - timedelta(seconds=5)))
    batch = [check(tenant, event_time=when, currency=code) for code in ("USD", "USD", "USD", "EUR")]
    features = read(await store.features(batch, when))
    found = [dict(zip(NAMES, each.values, strict=True)) for each in features]
    assert [each["user_count_1m"] for each in found] == [2, 3, 4, 5]
    assert [each["user_currency_count_24h"] for each in found] == [2, 3, 4, 0]
    assert [each["merchant_sum_1h"] for each in found] == [2_500, 3_750, 5_000, 0]
    assert [each.elsewhere for each in features] == [{}, {}, {}, {"USD": 6_250}]


async def test_features_without_an_event_time_are_those_of_now(store: DecisionStore, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    await store.commit(several(tenant, "a", event_time=now - timedelta(seconds=30)))
    found = read(await store.features([check(tenant, event_time=None)], now))
    assert found[0].event_time == now
    assert found[0].values[0] == 1
    later = read(await store.features([check(tenant, event_time=None)], now + timedelta(minutes=2)))
    assert later[0].values[0] == 0


async def test_concurrent_commits_of_the_same_keys_store_each_once_and_agree(store: DecisionStore) -> None:
    tenants = [new_tenant() for _ in range(3)]
    keys = [(tenant, f"t-{number}") for tenant in tenants for number in range(12)]
    choice = random.Random(11)

    async def commit() -> tuple[list[Decided], Mapping[Key, Stored | MeshError]]:
        made = [decided(check(*key)) for key in choice.sample(keys, 8)]
        made.sort(key=lambda each: each.check.key)
        while True:
            try:
                return made, (await store.commit(made)).earlier
            except MeshError as error:
                # A busy machine may not open ten connections in the time that a commit waits for one.
                assert error.kind is Kind.UNAVAILABLE

    async with asyncio.timeout(30):
        commits = [pair for _ in range(20) for pair in await asyncio.gather(*[commit() for _ in range(10)])]
    answers: dict[Key, set[bytes]] = {}
    for made, earlier in commits:
        for each in made:
            stored = earlier.get(each.check.key)
            assert not isinstance(stored, MeshError)
            answers.setdefault(each.check.key, set()).add(stored.answer if stored else record(each).answer)
    assert {key: len(found) for key, found in answers.items()} == dict.fromkeys(keys, 1)
    for tenant in tenants:
        assert len(await store.list(tenant, EVERYTHING, None, 100)) == 12


async def test_every_decision_has_one_event_and_a_repeated_one_none(
    in_postgres: PostgresStore, fraud_database: Database, tenant: str
) -> None:
    made = several(tenant, "a", "b")
    await in_postgres.commit(made)
    await in_postgres.commit([*several(tenant, "a"), *(new := several(tenant, "c"))])
    assert sorted(await outbox(fraud_database, tenant)) == sorted(record(each).event for each in [*made, *new])


@pytest.mark.parametrize(
    "changed",
    [{"amount_minor": 2**63}, {"user_id": "nul \0 byte"}, {"merchant": "half a pair \ud800"}],
    ids=["amount", "nul", "surrogate"],
)
async def test_row_that_the_database_refuses_fails_alone(
    in_postgres: PostgresStore, fraud_database: Database, tenant: str, changed: dict[str, object]
) -> None:
    good = several(tenant, "a", "c")
    bad = decided(check(tenant, "b"))._replace(check=check(tenant, "b", **changed))
    results = (await in_postgres.commit([good[0], bad, good[1]])).earlier
    assert set(results) == {(tenant, "b")}
    error = results[(tenant, "b")]
    assert isinstance(error, MeshError) and error.kind is Kind.INVALID_ARGUMENT
    assert await in_postgres.existing([(tenant, name) for name in "abc"]) == {(tenant, "a"), (tenant, "c")}
    assert len(await outbox(fraud_database, tenant)) == 2


async def test_commit_is_announced_to_the_relay_once_it_is_durable(pool: Pool, tenant: str) -> None:
    told: list[int] = []
    store = PostgresStore(pool, on_commit=lambda: told.append(1))
    await store.commit(several(tenant, "a"))
    assert told == [1]


async def test_concurrent_slow_paths_agree_with_themselves(in_postgres: PostgresStore, tenant: str) -> None:
    """Many readers at once, more than the pool has connections."""
    asked: list[Check] = [check(tenant) for _ in range(20)]
    found = await asyncio.gather(*[in_postgres.features([each], datetime.now(UTC)) for each in asked])
    assert len({tuple(features.values) for each in found for features in read(each)}) == 1
