"""What every implementation of the store of decisions does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.fraud.adapters.logs.postgres_gaps import LogFence, PostgresGaps
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.convert import fields_from_record
from services.fraud.domain.check import Basis, Decided, Key
from services.fraud.domain.event import key_hash
from services.fraud.domain.event_types import PAYMENT
from services.fraud.ports import DecisionFilter, DecisionStore, Stored, StoredDecision
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import check, decided, new_tenant, record
from tests.support.readers import store_of
from tests.support.servers import Database

EVERYTHING = DecisionFilter()


@pytest.fixture
async def gaps(pool: Pool, fraud_database: Database) -> AsyncIterator[PostgresGaps]:
    relay = await open_pool(fraud_database.relay_dsn, size=1)
    yield PostgresGaps(relay, pool)
    await relay.close()


@pytest.fixture
def in_postgres(pool: Pool) -> PostgresStore:
    return store_of(pool)


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
        kept = record(each)
        found = await store.get(tenant, UUID(each.decision_id))
        assert found == StoredDecision(kept.answer, kept.inputs, kept.fields)


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
    store = store_of(pool, on_commit=lambda: told.append(1))
    await store.commit(several(tenant, "a"))
    assert told == [1]


async def test_event_and_the_hashes_of_its_keys_are_stored_with_the_decision(
    in_postgres: PostgresStore, pool: Pool, tenant: str
) -> None:
    (made,) = several(tenant, "a", merchant="")
    await in_postgres.commit([made])
    async with transaction(pool, [tenant]) as connection:
        row = await connection.fetchrow("SELECT * FROM decisions")
        secret = await connection.fetchval("SELECT secret FROM key_secret")
    assert row is not None
    assert fields_from_record(row["event"]) == made.check.fields
    assert (row["event_type"], row["event_time"]) == ("payment", made.features.event_time)
    names = [key.name for key in PAYMENT.keys]
    hashes = {name: row[f"key{place}"] for place, name in enumerate(names, 1) if row[f"key{place}"] is not None}
    expected = {name: value for name, value in made.check.fields.items() if name in names}
    assert hashes == {name: key_hash(secret, tenant, name, str(value)) for name, value in expected.items()}
    assert set(hashes) == {"user_id", "device_fingerprint", "ip_address"}


async def test_hash_of_a_key_is_the_same_in_the_database(pool: Pool, tenant: str) -> None:
    """So what was stored before there were hashes is found under those of now."""
    for value in ("u1", "a\nb", "\u20ac", ""):
        async with transaction(pool, [tenant]) as connection:
            found = await connection.fetchval("SELECT key_hash($1, $2, 'user_id', $3)", b"secret", tenant, value)
        assert found == key_hash(b"secret", tenant, "user_id", value)


def based_on(basis: Basis, tenant: str, name: str, generation: bytes = b"") -> Decided:
    made = decided(check(tenant, name))
    return made._replace(features=made.features._replace(basis=basis, generation=generation))


async def test_what_was_decided_without_the_logs_opens_a_gap_until_which_is_closed_nothing_is_stored_from_them(
    in_postgres: PostgresStore, gaps: PostgresGaps, tenant: str
) -> None:
    other = new_tenant()
    await in_postgres.commit([based_on(Basis.UNLOGGED, tenant, "a")])
    made = [based_on(Basis.LOGS, tenant, "b"), based_on(Basis.HISTORY, tenant, "c"), based_on(Basis.LOGS, other, "d")]
    result = await in_postgres.commit(sorted(made, key=lambda each: each.check.key))
    assert set(result.answers) == {(tenant, "c"), (other, "d")}
    assert not result.earlier
    assert result.unsure == {tenant}
    (gap,) = [each for each in await gaps.open() if each.tenant_id == tenant]
    assert gap.filled is None
    await gaps.fill(gap)
    (filled,) = [each for each in await gaps.open() if each.tenant_id == tenant]
    assert filled.filled is not None and filled.filled >= timedelta(0)
    assert (await in_postgres.commit([made[0]])).unsure == {tenant}, "who read the logs before may still be under way"
    await gaps.close(filled)
    assert set((await in_postgres.commit([made[0]])).answers) == {(tenant, "b")}


async def test_gap_that_opens_while_another_is_filled_stays_open(
    in_postgres: PostgresStore, gaps: PostgresGaps, tenant: str
) -> None:
    await in_postgres.commit([based_on(Basis.UNLOGGED, tenant, "a")])
    (first,) = [each for each in await gaps.open() if each.tenant_id == tenant]
    await in_postgres.commit([based_on(Basis.UNLOGGED, tenant, "b")])
    await gaps.fill(first)
    second, filled = sorted(
        [each for each in await gaps.open() if each.tenant_id == tenant], key=lambda each: each.filled is not None
    )
    assert second.filled is None
    assert set(second.numbers).isdisjoint(filled.numbers)
    await gaps.close(filled)
    assert (await in_postgres.commit([based_on(Basis.LOGS, tenant, "c")])).unsure == {tenant}


async def test_what_was_logged_in_another_generation_is_not_stored(pool: Pool, fresh_database: FreshDatabase) -> None:
    tenant, database = new_tenant(), fresh_database("fraud")
    own = await open_pool(database.dsn)
    store, fence = store_of(own), LogFence(own)
    await fence(b"first")
    made = [based_on(basis, tenant, f"{basis.name}", b"first") for basis in (Basis.HISTORY, Basis.LOGS)]
    assert (await store.commit(made[:1])).unsure == frozenset()
    await fence(b"second")
    assert (await store.commit(made)).unsure == {tenant}
    assert set((await store.commit([based_on(Basis.UNLOGGED, tenant, "c", b"")])).answers) == {(tenant, "c")}
    await own.close()
