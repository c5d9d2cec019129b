"""One suite for both ledgers: in PostgreSQL, under row-level security, and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from meshkit.following.batches import Position, Rejected
from meshkit.storage import postgres
from services.data.adapters.memory import MemoryLedger
from services.data.adapters.postgres import PostgresLedger
from services.data.adapters.postgres_writer import PostgresLedgerWriter
from services.data.domain.ledger import DailyTotal, Transaction
from services.data.ports import Ledger, LedgerWriter, TotalsQuery, TransactionQuery
from tests.integration.conftest import FreshDatabase
from tests.support.ledger import NOON, batch, tenant, transaction
from tests.support.servers import Database


@dataclass
class Stores:
    """The two sides of one ledger."""

    ledger: Ledger
    writer: LedgerWriter

    async def enter(self, *transactions: Transaction) -> Position:
        return await self.writer.apply(batch(await self.writer.position(), transactions))


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("data")


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stores]:
    if request.param == "memory":
        memory = MemoryLedger()
        yield Stores(memory, memory)
        return
    pool = await postgres.open_pool(database.dsn)
    session = await asyncpg.connect(database.dsn, timeout=5)
    yield Stores(PostgresLedger(pool), PostgresLedgerWriter(session))
    await session.close()
    await pool.close()


async def ids(ledger: Ledger, tenant_id: str, **filters: Any) -> list[str]:
    rows = await ledger.transactions(TransactionQuery(**{"tenant_id": tenant_id, "limit": 100, **filters}))
    return [row.transaction_id for row in rows]


async def totals(ledger: Ledger, tenant_id: str, **filters: Any) -> list[DailyTotal]:
    return await ledger.totals(TotalsQuery(**{"tenant_id": tenant_id, "limit": 100, **filters}))


async def test_what_was_entered_is_returned_unchanged(stores: Stores) -> None:
    acme = tenant()
    entered = [
        transaction(acme, "a", amount="0.00"),
        transaction(acme, "b", minutes=1, amount="12345678901234567.89", merchant_id=""),
        transaction(acme, "ünïcode-\U0001f680", minutes=2, amount="100", currency="JPY"),
        transaction(acme, "d", minutes=3, amount="1.234", currency="KWD")._replace(confidence_score=1.0),
    ]
    await stores.enter(*entered)
    found = await stores.ledger.transactions(TransactionQuery(acme, 10))
    assert found == list(reversed(entered))
    assert [str(row.amount) for row in found] == ["1.234", "100", "12345678901234567.89", "0.00"]


async def test_a_batch_moves_the_position_to_its_end(stores: Stores) -> None:
    start = await stores.writer.position()
    end = await stores.enter(transaction(tenant(), "a"), transaction(tenant(), "b"))
    assert end == Position(start.xid + 2, 1) == await stores.writer.position()


async def test_a_batch_that_was_entered_changes_nothing(stores: Stores) -> None:
    acme = tenant()
    start = await stores.writer.position()
    first = batch(start, [transaction(acme, "a")])
    end = await stores.writer.apply(first)
    assert await stores.writer.apply(first) == end
    assert await stores.writer.apply(batch(start, [transaction(acme, "other")])) == end
    assert await ids(stores.ledger, acme) == ["a"]
    assert [total.count for total in await totals(stores.ledger, acme)] == [1]


async def test_a_batch_after_a_gap_changes_nothing(stores: Stores) -> None:
    acme = tenant()
    start = await stores.writer.position()
    later = batch(Position(start.xid + 1, 1), [transaction(acme, "b")])
    assert await stores.writer.apply(later) == start
    assert await ids(stores.ledger, acme) == []


async def test_a_batch_that_overlaps_adds_only_what_is_new(stores: Stores) -> None:
    acme = tenant()
    start = await stores.writer.position()
    rows = [transaction(acme, name) for name in "abc"]
    await stores.writer.apply(batch(start, rows[:2]))
    assert await stores.writer.apply(batch(start, rows)) == Position(start.xid + 3, 1)
    assert await ids(stores.ledger, acme) == ["c", "b", "a"]
    assert [(total.count, total.amount) for total in await totals(stores.ledger, acme)] == [(3, Decimal("37.50"))]


async def test_a_transaction_twice_in_a_batch_counts_once(stores: Stores) -> None:
    acme = tenant()
    await stores.enter(transaction(acme, "a"), transaction(acme, "a"), transaction(acme, "b"))
    assert [(total.count, total.amount) for total in await totals(stores.ledger, acme)] == [(2, Decimal("25.00"))]


async def test_tenants_do_not_see_each_other(stores: Stores) -> None:
    acme, globex = tenant(), tenant()
    await stores.enter(transaction(acme, "same"), transaction(globex, "same", amount="1.00"))
    (ours,) = await stores.ledger.transactions(TransactionQuery(acme, 10))
    (theirs,) = await stores.ledger.transactions(TransactionQuery(globex, 10))
    assert (ours.tenant_id, str(ours.amount)) == (acme, "12.50")
    assert (theirs.tenant_id, str(theirs.amount)) == (globex, "1.00")
    assert [str(total.amount) for total in await totals(stores.ledger, globex)] == ["1.00"]
    assert await ids(stores.ledger, tenant()) == []


async def test_filters_narrow_and_join(stores: Stores) -> None:
    acme = tenant()
    await stores.enter(
        transaction(acme, "a", minutes=0, user_id="u1", merchant_id="m1"),
        transaction(acme, "b", minutes=1, user_id="u1", merchant_id="m2"),
        transaction(acme, "c", minutes=2, user_id="u2", merchant_id="m1"),
        transaction(acme, "d", minutes=3, user_id="u2", merchant_id=""),
    )
    minute = timedelta(minutes=1)
    assert await ids(stores.ledger, acme, user_id="u1") == ["b", "a"]
    assert await ids(stores.ledger, acme, merchant_id="m1") == ["c", "a"]
    assert await ids(stores.ledger, acme, user_id="u1", merchant_id="m1") == ["a"]
    assert await ids(stores.ledger, acme, start=NOON + minute) == ["d", "c", "b"]
    assert await ids(stores.ledger, acme, end=NOON + minute) == ["a"]
    assert await ids(stores.ledger, acme, start=NOON + minute, end=NOON + 2 * minute, user_id="u1") == ["b"]


async def test_pages_are_stable_while_rows_are_added(stores: Stores) -> None:
    acme = tenant()
    # Half of them share one time, so that the id must decide.
    await stores.enter(*[transaction(acme, f"t{number:02}", minutes=max(0, number - 10)) for number in range(20)])
    expected = await ids(stores.ledger, acme)
    seen: list[str] = []
    after: tuple[datetime, str] | None = None
    while page := await stores.ledger.transactions(TransactionQuery(acme, 3, after=after)):
        seen += [row.transaction_id for row in page]
        after = (page[-1].event_time, page[-1].transaction_id)
        await stores.enter(transaction(acme, f"new{len(seen)}", minutes=100 + len(seen)))
    assert seen == expected == [f"t{number:02}" for number in reversed(range(20))]


async def test_totals_are_exact_by_day_currency_and_outcome(stores: Stores) -> None:
    acme = tenant()
    day = 24 * 60
    await stores.enter(
        transaction(acme, "a", amount="0.10"),
        transaction(acme, "b", amount="0.20"),
        transaction(acme, "c", outcome="decline"),
        transaction(acme, "d", currency="EUR"),
        transaction(acme, "e", minutes=day),
    )
    await stores.enter(transaction(acme, "f", amount="0.30"))
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert await totals(stores.ledger, acme) == [
        DailyTotal(second, "USD", "approve", 1, Decimal("12.50")),
        DailyTotal(first, "EUR", "approve", 1, Decimal("12.50")),
        DailyTotal(first, "USD", "approve", 3, Decimal("0.60")),
        DailyTotal(first, "USD", "decline", 1, Decimal("12.50")),
    ]
    assert len(await totals(stores.ledger, acme, start=second)) == 1
    assert len(await totals(stores.ledger, acme, end=first)) == 3
    seen: list[DailyTotal] = []
    after: tuple[date, str, str] | None = None
    while page := await totals(stores.ledger, acme, limit=1, after=after):
        seen += page
        after = (page[-1].day, page[-1].currency, page[-1].outcome)
    assert seen == await totals(stores.ledger, acme)


async def test_a_day_is_a_day_in_utc(stores: Stores) -> None:
    acme = tenant()
    late = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    await stores.enter(
        transaction(acme, "a")._replace(event_time=late),
        transaction(acme, "b")._replace(event_time=late + timedelta(microseconds=1)),
    )
    assert [total.day for total in await totals(stores.ledger, acme)] == [date(2026, 3, 2), date(2026, 3, 1)]


async def test_what_the_ledger_refuses_does_not_harm_its_neighbours(stores: Stores) -> None:
    acme = tenant()
    rows = [transaction(acme, f"t{number:02}", minutes=number) for number in range(20)]
    rows[3] = rows[3]._replace(outcome="perhaps")
    rows[11] = rows[11]._replace(amount=Decimal(-1))
    start = await stores.writer.position()
    unreadable = Rejected(b"\xff", "DecodeError: unreadable")
    assert await stores.writer.apply(batch(start, rows, unreadable)) == Position(start.xid + 21, 1)
    assert len(await ids(stores.ledger, acme)) == 18
    assert [total.count for total in await totals(stores.ledger, acme)] == [18]


@pytest.fixture
async def session(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    session = await asyncpg.connect(database.dsn, timeout=5)
    yield session
    await session.close()


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    session = await asyncpg.connect(database.server.dsn(database.name, "postgres"), timeout=5)
    yield session
    await session.close()


class TestPostgres:
    """What only the real store can show."""

    async def test_dead_letters_keep_the_event_whole_and_once(self, session: Any, superuser: Any) -> None:
        writer = PostgresLedgerWriter(session)
        start = await writer.position()
        poison = Rejected(b"\xff\x00 not an event", "DecodeError: \x00 unreadable")
        bad = transaction(tenant(), "bad", outcome="perhaps")
        await writer.apply(batch(start, [bad], poison))
        await writer.apply(batch(await writer.position(), [], poison))
        rows = await superuser.fetch(
            "SELECT payload, error, after_xid, last_xid FROM dead_letters WHERE after_xid = $1::xid8", start.xid
        )
        found = {bytes(row["payload"]): row for row in rows}
        assert found.keys() == {poison.payload, f"{bad.tenant_id}/bad".encode()}
        assert found[f"{bad.tenant_id}/bad".encode()]["error"].startswith("CheckViolationError")
        assert found[poison.payload]["last_xid"] == start.xid + 2
        copies = await superuser.fetchval("SELECT count(*) FROM dead_letters WHERE payload = $1", poison.payload)
        assert copies == 1

    async def test_every_kind_of_refused_value_is_put_aside(self, session: Any) -> None:
        writer = PostgresLedgerWriter(session)
        good = transaction(tenant(), "good")
        refused = [
            transaction(good.tenant_id, "nul", user_id="a\x00b"),
            transaction(good.tenant_id, "id", decision_id="not a uuid"),
            transaction(good.tenant_id, "currency", currency="usd"),
            transaction(good.tenant_id, "digits", amount="0.00001"),
            transaction(good.tenant_id, "score")._replace(confidence_score=float("nan")),
            transaction("00000000-0000-0000-0000-000000000000", "x" * 9_000, user_id="y" * 9_000),
        ]
        end = await writer.apply(batch(await writer.position(), [good, *refused]))
        assert end == await writer.position()
        async with session.transaction():
            await session.execute("SELECT set_config('rampart.tenants', $1, true)", good.tenant_id)
            assert await session.fetchval("SELECT count(*) FROM transactions") == 1

    async def test_an_effect_without_its_position_is_undone(self, session: Any, superuser: Any) -> None:
        writer, acme = PostgresLedgerWriter(session), tenant()
        start = await writer.position()
        entered = batch(start, [transaction(acme, "a")])
        await superuser.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'crash'; END $$;"
            "CREATE TRIGGER fail BEFORE UPDATE ON positions EXECUTE FUNCTION fail()"
        )
        with pytest.raises(asyncpg.RaiseError):
            await writer.apply(entered)
        await superuser.execute("DROP FUNCTION fail CASCADE")
        assert await writer.position() == start
        assert await superuser.fetchval("SELECT count(*) FROM transactions WHERE tenant_id = $1", acme) == 0
        assert await writer.apply(entered) == entered.last
        assert await superuser.fetchval("SELECT sum(count) FROM daily_totals WHERE tenant_id = $1", acme) == 1

    async def test_row_level_security_hides_and_refuses(self, session: Any) -> None:
        acme, globex = tenant(), tenant()
        writer = PostgresLedgerWriter(session)
        await writer.apply(batch(await writer.position(), [transaction(acme, "a")]))
        for table in ("transactions", "daily_totals"):
            assert await session.fetchval(f"SELECT count(*) FROM {table}") == 0
            async with session.transaction():
                await session.execute("SELECT set_config('rampart.tenants', $1, true)", globex)
                assert await session.fetchval(f"SELECT count(*) FROM {table}") == 0
            async with session.transaction():
                await session.execute("SELECT set_config('rampart.tenants', $1, true)", acme)
                assert await session.fetchval(f"SELECT count(*) FROM {table}") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with session.transaction():
                await session.execute("SELECT set_config('rampart.tenants', $1, true)", globex)
                await session.execute(
                    "INSERT INTO daily_totals VALUES ($1, '2026-01-01', 'USD', 'approve', 1, 1)", acme
                )

    async def test_security_is_forced_on_every_table_of_tenants(self, superuser: Any) -> None:
        rows = await superuser.fetch(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE c.relkind = 'r'"
        )
        assert {row["relname"]: row["forced"] for row in rows} == {"transactions": True, "daily_totals": True}

    async def test_the_service_cannot_read_dead_letters(self, session: Any) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.fetch("SELECT * FROM dead_letters")

    @pytest.mark.parametrize(
        ("filters", "index"),
        [
            ({}, "transactions_by_time"),
            ({"user_id": "user-1"}, "transactions_by_user"),
            ({"merchant_id": "shop-1"}, "transactions_by_merchant"),
            ({"user_id": "user-1", "after": (datetime.now(UTC), "t5")}, "transactions_by_user"),
        ],
    )
    async def test_a_page_reads_one_index_backwards(
        self, database: Database, superuser: Any, filters: dict[str, Any], index: str
    ) -> None:
        acme = tenant()
        await superuser.execute(
            "INSERT INTO transactions SELECT $1, 't' || n, gen_random_uuid(), 'user-' || n % 100, 'shop-' || n % 50, "
            "n, 'USD', 'online', 'approve', 0, now() - n * interval '1 minute', now() FROM generate_series(1, 20000) n",
            acme,
        )
        await superuser.execute("ANALYZE transactions")
        plans: list[str] = []

        class Explaining(PostgresLedger):
            async def _fetch(self, query: str, *rest: Any) -> list[asyncpg.Record]:
                rows = await super()._fetch("EXPLAIN " + query.lstrip(), *rest)
                plans.extend(row[0] for row in rows)
                return []

        pool = await postgres.open_pool(database.dsn)
        await Explaining(pool).transactions(replace(TransactionQuery(acme, 50), **filters))
        await pool.close()
        plan = "\n".join(plans)
        assert f"Index Scan Backward using {index}" in plan, plan
        assert "Sort" not in plan, plan
