"""What every store of graphs does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.fraud.domain.event import Money
from services.fraud.domain.graph.entities import HUB_DEGREE, EntityName, entity_number
from services.fraud.ports.graph import EntityRef, GraphStore
from services.fraud.service.graph.forgetting import forget
from tests.support.fraud import new_tenant
from tests.support.graph import START, account, enter, payment, read, transfer
from tests.support.graph_stores import KeptGraph

DAY = START + timedelta(days=1)
SHARED = "192.0.2.1"
A, B, C, D = (account(each) for each in "abcd")

every = pytest.mark.parametrize("graph", ["memory", "postgres", "neo4j"], indirect=True)


async def forgotten(store: GraphStore, tenant: str) -> int:
    """Forgets all that was last before `DAY`, and returns in how many parts but the last."""
    parts = 0
    while await forget(store, tenant, DAY):
        parts += 1
    return parts


@every
async def test_transfers_are_counted_by_pair_and_direction(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b", 0, 500), transfer("a", "b", 1, 300), transfer("c", "b", 2, 100))
    await enter(graph.store, tenant, transfer("a", "b", 3, 400), transfer("b", "a", 4, 900))
    a, b, c, nobody = await read(graph.reads, tenant, A, B, C, D)
    assert a is not None and b is not None and c is not None and nobody is None
    assert (a.degree, a.fan_in, a.fan_out) == (2, 1, 1), "there and back are two links"
    assert (b.degree, b.fan_in, b.fan_out) == (3, 2, 1)
    assert (a.most_repeats, b.most_repeats, c.most_repeats) == (3, 3, 1)
    assert a.smallest_repeated == b.smallest_repeated == Money(300, "USD")
    assert c.smallest_repeated is None
    assert (b.first_time, b.last_time) == (START, START + timedelta(hours=4))


@every
async def test_amounts_in_another_currency_are_counted_and_not_added(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b", 0, 500), transfer("a", "b", 1, 1, currency="JPY"))
    await enter(graph.store, tenant, transfer("a", "b", 2, 2, currency="JPY"))
    (edge,) = await graph.reads.edges(tenant, [entity_number(A)], 10)
    assert (edge.events, edge.amount) == (3, Money(500, "USD"))
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and a.smallest_repeated == Money(500, "USD")


@every
async def test_what_is_linked_is_one_component_with_its_growth(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, payment("u1", device_fingerprint="d1"), payment("u2", device_fingerprint="d2"))
    await enter(graph.store, tenant, payment("u1", 24 * 8, device_fingerprint="d2"))
    u1, u2 = await read(graph.reads, tenant, EntityName("user_id", "u1"), EntityName("user_id", "u2"))
    assert u1 is not None and u2 is not None
    assert u1.component == u2.component
    assert u1.sizes.size == 4
    assert u1.sizes.growth(u1.sizes.day) == 2, "two were there a week before"
    assert u1.sizes.growth(u1.sizes.day + 8) == 0


@every
async def test_a_hub_joins_no_components(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, *(payment(f"u{each}", ip_address=SHARED) for each in range(HUB_DEGREE + 20)))
    await enter(graph.store, tenant, *(payment(f"v{each}", ip_address=SHARED) for each in range(10)))
    hub, user, late = await read(
        graph.reads, tenant, EntityName("ip_address", "192.0.2.1"), EntityName("user_id", "u1"),
        EntityName("user_id", "v1"),
    )  # fmt: skip
    assert hub is not None and user is not None and late is not None
    assert hub.degree == HUB_DEGREE + 30 and hub.is_hub
    assert hub.sizes.size == user.sizes.size == late.sizes.size == 1


@every
async def test_known_fraud_is_near_within_two_steps(graph: KeptGraph, tenant: str) -> None:
    chain = [payment(f"u{each}", device_fingerprint=f"d{each}") for each in range(4)]
    crossing = [payment(f"u{each + 1}", device_fingerprint=f"d{each}") for each in range(3)]
    await enter(graph.store, tenant, *chain, *crossing)
    fraud = payment("u0", device_fingerprint="d0", fraud=True)
    await enter(graph.store, tenant, fraud)
    names = [EntityName("user_id", "u0"), EntityName("device_fingerprint", "d0"), EntityName("user_id", "u1"),
             EntityName("device_fingerprint", "d1"), EntityName("user_id", "u2")]  # fmt: skip
    found = await read(graph.reads, tenant, *names)
    assert [each and each.frauds for each in found] == [1, 1, 0, 0, 0]
    # u1 has d0 beside it and u0 behind that; d1 has d0 behind u1; u2 is three steps away.
    assert [each and each.fraud_near for each in found] == [1, 1, 2, 1, 0]
    await enter(graph.store, tenant, fraud._replace(is_fraud=False, is_new=False))
    assert [each and each.fraud_near for each in await read(graph.reads, tenant, *names)] == [0] * 5


@every
async def test_fraud_comes_near_by_a_link_that_comes_later(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, payment("u0", device_fingerprint="d0", fraud=True))
    await enter(graph.store, tenant, payment("u1", device_fingerprint="d1"))
    await enter(graph.store, tenant, payment("u1", device_fingerprint="d0"))
    u1, d1 = await read(graph.reads, tenant, EntityName("user_id", "u1"), EntityName("device_fingerprint", "d1"))
    assert u1 is not None and d1 is not None
    assert (u1.fraud_near, d1.fraud_near) == (2, 1)


@every
async def test_fraud_is_not_near_through_a_hub(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, *(payment(f"u{each}", ip_address=SHARED) for each in range(HUB_DEGREE)))
    await enter(graph.store, tenant, payment("bad", fraud=True, ip_address=SHARED))
    await enter(graph.store, tenant, payment("u1", 1, ip_address=SHARED))
    (user,) = await read(graph.reads, tenant, EntityName("user_id", "u1"))
    assert user is not None and user.fraud_near == 0


@every
async def test_a_label_of_an_event_counts_once(graph: KeptGraph, tenant: str) -> None:
    event = payment("u1", device_fingerprint="d1", fraud=True)
    await enter(graph.store, tenant, event)
    await enter(graph.store, tenant, event._replace(is_new=False))
    (user,) = await read(graph.reads, tenant, EntityName("user_id", "u1"))
    assert user is not None and user.frauds == 1


@every
async def test_money_that_comes_back_is_a_cycle(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b", 0), transfer("b", "c", 1), transfer("d", "a", 2))
    await enter(graph.store, tenant, transfer("c", "a", 3), transfer("b", "a", 4))
    found = await read(graph.reads, tenant, A, B, C, D)
    assert [each and each.cycles for each in found] == [1, 1, 1, 0]


@every
async def test_what_was_not_seen_for_long_is_forgotten(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b", 0), transfer("c", "b", 48), transfer("b", "c", 1))
    await forgotten(graph.store, tenant)
    a, b, c = await read(graph.reads, tenant, A, B, C)
    assert a is None and b is not None and c is not None
    assert (b.degree, b.fan_in, b.fan_out) == (1, 1, 0)
    assert (c.degree, c.fan_out) == (1, 1)
    assert b.sizes.size == 2


@every
async def test_fraud_is_no_longer_near_through_links_that_are_forgotten(graph: KeptGraph, tenant: str) -> None:
    await enter(
        graph.store, tenant, transfer("c", "d", 48, is_fraud=True), transfer("b", "c", 0), transfer("a", "b", 48)
    )
    a, b = await read(graph.reads, tenant, A, B)
    assert a is not None and b is not None and (a.fraud_near, b.fraud_near) == (1, 2)
    await forgotten(graph.store, tenant)
    await enter(graph.store, tenant)
    a, b, c = await read(graph.reads, tenant, A, B, C)
    assert a is not None and b is not None and c is not None
    assert (a.fraud_near, b.fraud_near, c.fraud_near) == (0, 0, 1)


@every
async def test_known_fraud_is_forgotten_with_its_event(graph: KeptGraph, tenant: str) -> None:
    old, new = payment("u1", 0, device_fingerprint="d1", fraud=True), payment("u1", 48, device_fingerprint="d1")
    await enter(graph.store, tenant, old, new, payment("u2", 48, device_fingerprint="d1"))
    names = EntityName("user_id", "u1"), EntityName("user_id", "u2")
    await forgotten(graph.store, tenant)
    await enter(graph.store, tenant)
    u1, u2 = await read(graph.reads, tenant, *names)
    assert u1 is not None and u2 is not None
    assert (u1.degree, u1.frauds, u2.fraud_near) == (1, 0, 0), "the link has an event that is kept"
    await enter(graph.store, tenant, new._replace(is_fraud=True, is_new=False))
    await enter(graph.store, tenant, old._replace(is_fraud=False, is_new=False))
    u1, u2 = await read(graph.reads, tenant, *names)
    assert u1 is not None and u2 is not None
    assert (u1.frauds, u2.fraud_near) == (1, 2), "nothing is left of the first that could be taken back"


@every
async def test_an_entity_stays_until_its_known_fraud_has_gone_too(graph: KeptGraph, tenant: str) -> None:
    alone = payment("u1", 48, fraud=True)
    await enter(graph.store, tenant, payment("u1", 0, device_fingerprint="d1"), alone)
    await forgotten(graph.store, tenant)
    names = EntityName("user_id", "u1"), EntityName("device_fingerprint", "d1")
    u1, d1 = await read(graph.reads, tenant, *names)
    assert u1 is not None and (u1.degree, u1.frauds, d1) == (0, 1, None)
    await enter(graph.store, tenant, alone._replace(is_fraud=False, is_new=False), payment("u1", 48, fraud=True))
    (u1,) = await read(graph.reads, tenant, names[0])
    assert u1 is not None and u1.frauds == 1, "of what is no fraud after all nothing else is taken back"
    while await forget(graph.store, tenant, DAY + timedelta(days=2)):
        pass
    assert await read(graph.reads, tenant, names[0]) == [None]


@every
async def test_much_known_fraud_is_forgotten_in_parts(graph: KeptGraph, tenant: str) -> None:
    await enter(
        graph.store, tenant, *(transfer("a", "b", 0, is_fraud=True) for _ in range(150)), transfer("a", "b", 48)
    )
    assert await forgotten(graph.store, tenant) == 15
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and (a.frauds, a.degree) == (0, 1)


@every
async def test_known_fraud_is_nobody_near_while_it_is_a_hub(graph: KeptGraph, tenant: str) -> None:
    await enter(
        graph.store, tenant, transfer("a", "b", 48), transfer("b", "c", 48), transfer("c", "d", 48, is_fraud=True)
    )
    await enter(graph.store, tenant, *(transfer("c", f"n{each}", 0) for each in range(HUB_DEGREE)))
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and a.fraud_near == 0
    await forgotten(graph.store, tenant)
    await enter(graph.store, tenant)
    a, c = await read(graph.reads, tenant, A, C)
    assert a is not None and c is not None and not c.is_hub
    assert a.fraud_near == 1


@every
async def test_a_graph_that_is_not_whole_is_not_read(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b"))
    other, ref = new_tenant(), EntityRef(tenant, entity_number(A))
    found = await graph.reads.entities([ref, ref._replace(tenant_id=other)])
    assert (set(found.summaries), set(found.missing)) == ({ref}, {other})
    while await graph.store.drop(tenant):
        pass
    assert not (await graph.reads.entities([ref])).summaries
    assert tenant not in await graph.store.reach()
    assert not await graph.reads.edges(tenant, [ref.number], 10)


@every
async def test_nothing_of_a_transaction_stays_that_fails(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, transfer("a", "b"))
    with pytest.raises(LookupError):
        async with graph.store.begin([tenant]) as changes:
            await changes.blame(tenant, {entity_number(A): 1})
            raise LookupError
    (a,) = await read(graph.reads, tenant, A)
    assert a is not None and a.frauds == 0


@every
async def test_of_many_edges_the_latest_are_read(graph: KeptGraph, tenant: str) -> None:
    await enter(graph.store, tenant, *(transfer("a", f"n{each}", each) for each in range(20)))
    edges = await graph.reads.edges(tenant, [entity_number(A)], 5)
    assert [each.target for each in edges] == [entity_number(account(f"n{each}")) for each in range(19, 14, -1)]


@every
async def test_sums_outgrow_64_bits_and_times_are_kept_to_the_microsecond(graph: KeptGraph, tenant: str) -> None:
    most, micro = (1 << 63) - 1, timedelta(microseconds=1)
    for minor in (most, most, -3):
        await enter(graph.store, tenant, transfer("a", "b", 0, minor, time=START + micro))
    (edge,) = await graph.reads.edges(tenant, [entity_number(A)], 10)
    assert edge.amount == Money(2 * most - 3, "USD")
    assert edge.first_time == START + micro
