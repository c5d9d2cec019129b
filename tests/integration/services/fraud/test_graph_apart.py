"""What graphs are kept apart by: tenants, and those who change them at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from meshkit.storage.postgres import Pool, transaction
from services.fraud.domain.graph.batch import KnownEvent
from services.fraud.domain.graph.entities import entity_number
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EntityRef
from services.fraud.service.graph.forgetting import forget
from tests.support.fraud import new_tenant
from tests.support.graph import START, account, enter, read, transfer
from tests.support.graph_stores import KeptGraph

A, B, C, D = (account(each) for each in "abcd")

in_servers = pytest.mark.parametrize("graph", ["postgres", "neo4j"], indirect=True)
in_postgres = pytest.mark.parametrize("graph", ["postgres"], indirect=True)


@in_servers
async def test_who_follows_keeps_others_from_it_until_the_end(graph: KeptGraph) -> None:
    first, second = (Place(1, 1), PlaceProof("cluster", b"\x00\xff")), (Place(1, 2), PlaceProof("cluster"))

    async def follow() -> tuple[Place, PlaceProof] | None:
        async with graph.store.begin(()) as changes:
            return await changes.place()

    async with graph.store.begin(()) as changes:
        await changes.move(*first, START)
    async with graph.store.begin(()) as changes:
        assert await changes.place() == first
        other = asyncio.create_task(follow())
        assert not (await asyncio.wait({other}, timeout=0.2))[0]
        await changes.move(*second, START)
    assert await other == second


@in_servers
async def test_what_two_add_to_one_graph_at_once_is_added_one_after_the_other(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b"))
    await asyncio.gather(*(enter(graph.store, tenant, transfer("a", "b", each)) for each in range(4)))
    (edge,) = await graph.reads.edges(tenant, [entity_number(A)], 10)
    assert edge.events == 5


@in_servers
async def test_another_tenants_graph_is_neither_read_nor_changed(graph: KeptGraph, tenant: str) -> None:
    other, refs = new_tenant(), [entity_number(each) for each in (A, B, C, D)]
    bad = transfer("a", "b", 1, is_fraud=True)
    for each in (tenant, other):
        await enter(graph.store, each, transfer("a", "b", 0, 700), transfer("c", "d", 0), bad)
    before = await graph.reads.entities([EntityRef(other, each) for each in refs])
    edges = await graph.reads.edges(other, refs, 10)
    # As much as can be done to a graph, and of the same entities and decisions.
    await enter(graph.store, tenant, bad._replace(is_fraud=False, is_new=False), transfer("c", "a", 2))
    async with graph.store.begin([tenant]) as changes:
        await changes.fill(tenant, refs)
        await changes.doubt(tenant, refs, 2)
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and (a.degree, a.sizes.size, a.frauds) == (2, 4, 0)
    while await forget(graph.store, tenant, START + timedelta(days=1)):
        pass
    while await graph.store.drop(tenant):
        pass
    after = await graph.reads.entities([EntityRef(other, each) for each in refs])
    assert (after.summaries, await graph.reads.edges(other, refs, 10)) == (before.summaries, edges)
    async with graph.store.begin([other]) as changes:
        assert not await changes.doubted(other, 10)
        again = KnownEvent(bad.decision_id, bad.time, True, refs[:2])
        assert not await changes.know(other, [again]), "it is known there"


@in_postgres
async def test_tenants_do_not_see_each_others_graphs(graph: KeptGraph, tenant: str, pool: Pool) -> None:
    await enter(graph.store, tenant, transfer("a", "b"))
    await enter(graph.store, new_tenant(), transfer("a", "c"))
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and a.degree == 1
    for table in ("graph_tenants", "graph_entities", "graph_components", "graph_edges", "graph_frauds"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


@in_postgres
async def test_a_graph_that_another_version_kept_otherwise_is_to_be_dropped(
    graph: KeptGraph, tenant: str, pool: Pool
) -> None:
    await enter(graph.store, tenant, transfer("a", "b"))
    assert (await graph.store.reach())[tenant].whole
    async with transaction(pool, [tenant]) as connection:
        await connection.execute("UPDATE graph_tenants SET form = DEFAULT WHERE tenant_id = $1", tenant)
    found = (await graph.store.reach())[tenant]
    assert (found.whole, found.dropped) == (False, True)
    while await graph.store.drop(tenant):
        pass
    assert tenant not in await graph.store.reach()
