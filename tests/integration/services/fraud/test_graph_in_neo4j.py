"""What is particular about graphs in Neo4j: hubs are read by an index, tenants kept apart, and waits have an end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from neo4j import AsyncDriver

from meshkit.errors import Kind, MeshError
from services.fraud.adapters.graph import neo4j_changes, neo4j_fraud, neo4j_reads, neo4j_store
from services.fraud.adapters.graph.neo4j_driver import read, transaction
from services.fraud.adapters.graph.neo4j_schema import SCHEMA, latest
from services.fraud.domain.graph.entities import HUB_DEGREE
from tests.support.fraud import new_tenant
from tests.support.neo4j import neo4j_driver

USERS = 2_000


@pytest.fixture
async def driver() -> AsyncIterator[AsyncDriver]:
    async with neo4j_driver() as opened:
        yield opened


async def test_of_a_hub_the_latest_links_are_read_and_no_others(driver: AsyncDriver, tenant: str) -> None:
    await make_schema(driver)
    async with transaction(driver, [tenant]) as opened:
        await opened.run(
            """
            CREATE (hub:RampartEntity {tenant: $tenant, number: 0}) WITH hub
            UNWIND range(1, $users) AS n
            CREATE (:RampartEntity {tenant: $tenant, number: n})
                -[:RAMPART_LINK {tenant: $tenant, source: n, target: 0, last: n}]->(hub)""",
            tenant, users=USERS,
        )  # fmt: skip
    asked = f"PROFILE UNWIND [0] AS number {latest('number', 'other')} RETURN collect(other) AS others"
    async with driver.session() as session:
        result = await session.run(asked, tenant=tenant, most=HUB_DEGREE)
        (row,) = [each async for each in result]
        plan = (await result.consume()).profile
    assert row["others"] == list(range(USERS, USERS - HUB_DEGREE, -1))
    assert touched(plan) < 10 * HUB_DEGREE


async def test_statements_find_what_they_look_for_by_keys(driver: AsyncDriver) -> None:
    await make_schema(driver)
    statements = {
        text
        for module in (neo4j_changes, neo4j_fraud, neo4j_reads, neo4j_store)
        for name, text in vars(module).items()
        if name.startswith("_") and isinstance(text, str) and text.lstrip().startswith(("MATCH", "MERGE", "UNWIND"))
    }
    assert len(statements) > 20
    async with driver.session() as session:
        for text in statements - {neo4j_store._REACH, neo4j_store._DELETE} | set(neo4j_store.DELETIONS):
            plan = (await (await session.run(f"EXPLAIN {text}")).consume()).plan
            assert not [each for each in operators(plan) if "Scan" in each], text


async def test_a_transaction_reaches_the_tenants_that_it_names_and_no_others(driver: AsyncDriver, tenant: str) -> None:
    async with transaction(driver, [tenant]) as opened:
        with pytest.raises(LookupError):
            await opened.run("RETURN $tenant", new_tenant())


async def test_a_lock_that_is_waited_for_too_long_is_an_outage(
    driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fraud.adapters.graph.neo4j_driver.WRITE_SECONDS", 0.5)
    held = "MERGE (p:RampartPlace {is_one: true}) SET p.held = true"
    with pytest.raises(MeshError) as caught:
        async with driver.session() as session, await session.begin_transaction(timeout=20) as running:
            await running.run(held)
            async with transaction(driver, ()) as opened:
                await opened.run_on_none(held)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert [row["one"] for row in await read(driver, "RETURN 1 AS one")] == [1]


async def make_schema(driver: AsyncDriver) -> None:
    async with transaction(driver, ()) as opened:
        for statement in SCHEMA:
            await opened.run_on_none(statement)


def operators(plan: Mapping[str, Any] | None) -> Iterator[str]:
    """Yields what a statement does, step by step."""
    assert plan is not None
    yield plan["operatorType"]
    for each in plan.get("children", ()):
        yield from operators(each)


def touched(plan: Mapping[str, Any] | None) -> int:
    """Returns how often a statement looked into the store."""
    assert plan is not None
    return int(plan.get("dbHits", 0)) + sum(touched(each) for each in plan.get("children", ()))
