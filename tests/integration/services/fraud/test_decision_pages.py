"""Lists of decisions cost their page, whatever they are filtered by, and also where the filter matches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from meshkit.ids import uuid7
from services.fraud.adapters.decision_pages import list_query
from services.fraud.ports import DecisionFilter
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import new_tenant
from tests.support.servers import Database, finish

ROWS = 20_000
LIMIT = 20
BLOCKS = 160
"""A scan of the tenant reads some 2,000."""

# Mostly of one user and mostly approved: what a plan by estimates is tempted to filter row by row.
FILL = f"""
WITH named AS (
    INSERT INTO transactions (tenant_id, transaction_id, decision_id, fingerprint)
    SELECT $1, 't-' || n, ('0199' || lpad(to_hex(n), 8, '0') || '70008000000000000000')::uuid, ''::bytea
    FROM generate_series(1, {ROWS}) AS n
)
INSERT INTO decisions (tenant_id, decision_id, transaction_id, event_type, user_id, outcome, event_time, create_time,
    event, answer, inputs)
SELECT $1, ('0199' || lpad(to_hex(n), 8, '0') || '70008000000000000000')::uuid, 't-' || n, 'payment',
    CASE WHEN n % 10 < 9 THEN 'often' ELSE 'user-' || n % 1000 END,
    CASE WHEN n % 100 = 0 THEN 'review' ELSE 'approve' END, now(), now(), ''::bytea,
    convert_to(repeat('x', 400), 'utf8'), ''::bytea
FROM generate_series(1, {ROWS}) AS n"""


class Filled:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenant = new_tenant()
        self.last = UUID(f"0199{ROWS:08x}70008000000000000000")
        finish(self._fill())

    async def _fill(self) -> None:
        connection = await asyncpg.connect(self.database.dsn, timeout=10)
        try:
            async with connection.transaction():
                await connection.execute("SELECT set_config('rampart.tenants', $1, true)", self.tenant)
                await connection.execute(FILL, self.tenant)
        finally:
            await connection.close(timeout=5)
        owner = await asyncpg.connect(self.database.owner_dsn, timeout=10)
        try:
            await owner.execute("ANALYZE decisions, transactions")
        finally:
            await owner.close(timeout=5)


@pytest.fixture(scope="module")
def filled(fresh_database: FreshDatabase) -> Iterator[Filled]:
    yield Filled(fresh_database("fraud"))


async def explain(
    connection: asyncpg.Connection[asyncpg.Record], filled: Filled, only: DecisionFilter, before: UUID | None
) -> dict[str, Any]:
    query, values = list_query(filled.tenant, only, before, LIMIT)
    given = ", ".join(f"'{value}'" for value in values)
    await connection.execute(f"PREPARE page AS {query}")
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page({given})")
    await connection.execute("DEALLOCATE page")
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


def scanned(plan: dict[str, Any]) -> set[str]:
    """Returns the tables that a plan reads from one end to the other."""
    own = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(*[scanned(each) for each in plan.get("Plans", ())])


FILLED = {"decisions_before", "transactions"}
"""Tables that have rows; the other partitions are empty, and read in one way or another at no cost."""
USERS, TRANSACTIONS = ("", "often", "user-9", "nobody"), ("", "t-7", "no")
OUTCOMES = ("", "approve", "review", "decline")


@pytest.mark.parametrize("mode", ["custom", "generic"])
@pytest.mark.parametrize("place", ["first", "next"])
async def test_page_costs_its_rows_whatever_is_looked_for(filled: Filled, place: str, mode: str) -> None:
    """With plans for the values at hand, and with those for any values that a server makes after a few runs."""
    before = filled.last if place == "next" else None
    connection = await asyncpg.connect(filled.database.dsn, timeout=10)
    read = {}
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('rampart.tenants', $1, true)", filled.tenant)
            await connection.execute(f"SET LOCAL plan_cache_mode = force_{mode}_plan")
            for filters in product(USERS, OUTCOMES, TRANSACTIONS):
                read[filters] = await explain(connection, filled, DecisionFilter(*filters), before)
    finally:
        await connection.close(timeout=5)
    blocks = {filters: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for filters, plan in read.items()}
    assert {filters: found for filters, found in blocks.items() if found > BLOCKS} == {}
    assert {filters for filters, plan in read.items() if scanned(plan) & FILLED} == set()


async def test_statement_holds_only_the_filters_given(filled: Filled) -> None:
    for user, outcome, transaction in product(USERS, OUTCOMES, TRANSACTIONS):
        query, values = list_query(filled.tenant, DecisionFilter(user, outcome, transaction), uuid7(), LIMIT)
        assert query.count("IS NULL") == 0
        assert len(values) == 3 + bool(user) + bool(outcome) + bool(transaction)
