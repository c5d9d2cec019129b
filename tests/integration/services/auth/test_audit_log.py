"""What the audit log does, in memory and in PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshkit.audit.chain import START, ChainedEvent, ChainPlace, chain_faults
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, check, open_pool
from services.auth.adapters.audit_contents import content_of
from services.auth.adapters.audit_sealing import HmacAuditSealer
from services.auth.adapters.memory_audit import MemoryAuditLog
from services.auth.adapters.postgres_audit import PostgresAuditLog, PostgresAuditNotary, PostgresAuditTrail
from services.auth.domain.audit import AuditEvent, AuditFilter, AuditOutcome, StoredAuditEvent
from services.auth.ports import AuditLog, AuditNotary, AuditTrail

NOW = datetime(2026, 11, 29, 21, 8, 2, 482_113, tzinfo=UTC)
SEALER = HmacAuditSealer([secrets.token_bytes(32)])
HOSTILE = 'é"\\\r\n\x1b[31m\x00\u2028\ud800{"action":"forged"}' + "x" * 1_000


async def ready_pool(dsn: str, size: int = 2, seconds: float = 5) -> Pool:
    """Opens a pool that has a connection: on a busy machine the first takes longer than a call waits for one."""
    pool = await open_pool(dsn, size=size, seconds=seconds)
    await check(pool)
    return pool


@dataclass
class Stores:
    trail: AuditTrail
    log: AuditLog
    notary: AuditNotary


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        memory = MemoryAuditLog()
        yield Stores(memory, memory, memory)
        return
    database = request.getfixturevalue("database")
    pool = await ready_pool(database.dsn)
    notary = await ready_pool(database.server.dsn(database.name, "rampart_auth_notary"), size=1)
    yield Stores(PostgresAuditTrail(pool), PostgresAuditLog(pool), PostgresAuditNotary(notary))
    await pool.close()
    await notary.close()


def event(tenant_id: str, number: int = 1, **others: Any) -> AuditEvent:
    made = AuditEvent("client.create", tenant_id, NOW + timedelta(seconds=number), details={"number": str(number)})
    return replace(made, **others)


async def everything(log: AuditLog, tenant_id: str) -> list[StoredAuditEvent]:
    return await log.page(tenant_id, AuditFilter(), None, 10_000, oldest_first=True)


def chained(stored: list[StoredAuditEvent]) -> list[ChainedEvent]:
    return [ChainedEvent(each.sequence, each.previous, each.hash, content_of(each.event)) for each in stored]


async def faults(log: AuditLog, tenant_id: str) -> list[str]:
    head, events = await log.head(tenant_id), await everything(log, tenant_id)
    pruned = await log.checkpoint(tenant_id)
    after = ChainPlace(pruned.sequence, pruned.hash) if pruned is not None else START
    anchors = [ChainPlace(seal.sequence, seal.hash) for seal in await log.anchors(tenant_id, 0, 10_000)]
    found = chain_faults(chained(events), after, ChainPlace(*head), anchors)
    return [f"{fault.sequence} {fault.what}" for fault in found]


async def test_events_are_kept_as_they_were_recorded_each_after_the_one_before(stores: Stores) -> None:
    tenant_id = str(uuid7())
    full = AuditEvent(
        "token.issue", tenant_id, NOW, AuditOutcome.REFUSED, "actor", "client", "clients/a", "REASON", "request",
        "service/gateway", "203.0.113.0/24", {"grace": "5"}, "service/fraud",
    )  # fmt: skip
    for each in (full, event(tenant_id)):
        await stores.trail.record(each)
    first, second = await everything(stores.log, tenant_id)
    assert (first.event, first.sequence, first.previous) == (full, 1, bytes(32))
    assert (second.event, second.sequence, second.previous) == (event(tenant_id), 2, first.hash)
    assert await stores.log.head(tenant_id) == (2, second.hash)
    assert await stores.log.find(tenant_id, 2) == second
    assert await stores.log.find(tenant_id, 3) is None
    assert await faults(stores.log, tenant_id) == []


async def test_log_of_a_tenant_is_its_own(stores: Stores) -> None:
    mine, other = str(uuid7()), str(uuid7())
    for tenant_id in (mine, other, mine):
        await stores.trail.record(event(tenant_id))
    assert [each.sequence for each in await everything(stores.log, mine)] == [1, 2]
    assert {each.event.tenant_id for each in await everything(stores.log, mine)} == {mine}
    assert await stores.log.head(str(uuid7())) == (0, bytes(32))


async def test_events_recorded_at_once_are_one_chain_without_gaps(stores: Stores) -> None:
    tenants = [str(uuid7()) for _ in range(3)]
    await asyncio.gather(*[stores.trail.record(event(tenants[number % 3], number)) for number in range(150)])
    for tenant_id in tenants:
        assert [each.sequence for each in await everything(stores.log, tenant_id)] == list(range(1, 51))
        assert await faults(stores.log, tenant_id) == []


async def test_hostile_text_is_bounded_and_verifies(stores: Stores) -> None:
    tenant_id = str(uuid7())
    names = ("actor", "client_id", "target", "reason", "request_id", "peer", "address", "recorder")
    hostile: dict[str, Any] = dict.fromkeys(names, HOSTILE)
    await stores.trail.record(event(tenant_id, **hostile))
    await stores.trail.record(replace(event(tenant_id), details={HOSTILE + str(n): HOSTILE for n in range(40)}))
    first, second = await everything(stores.log, tenant_id)
    assert first.event.actor.startswith('é"\\\ufffd\ufffd\ufffd[31m') and len(first.event.actor) == 256
    assert "\n" not in first.event.actor and len(second.event.details) <= 12
    assert await faults(stores.log, tenant_id) == []


@pytest.mark.parametrize(
    ("only", "numbers"),
    [
        (AuditFilter(), [1, 2, 3, 4]),
        (AuditFilter(action="client.rotate"), [2]),
        (AuditFilter(action="client.*"), [1, 2]),
        (AuditFilter(action="*"), [1, 2, 3, 4]),
        (AuditFilter(action="client"), []),
        (AuditFilter(actor="anna"), [3]),
        (AuditFilter(outcome="refused"), [4]),
        (AuditFilter(target="clients/2"), [2]),
        (AuditFilter(since=NOW + timedelta(seconds=2)), [2, 3, 4]),
        (AuditFilter(until=NOW + timedelta(seconds=2)), [1]),
        (AuditFilter(since=NOW + timedelta(seconds=2), action="client.*"), [2]),
    ],
)
async def test_filters_find_what_they_say(stores: Stores, only: AuditFilter, numbers: list[int]) -> None:
    tenant_id = str(uuid7())
    for each in (
        event(tenant_id, 1),
        event(tenant_id, 2, action="client.rotate", target="clients/2"),
        event(tenant_id, 3, action="session.end", actor="anna"),
        replace(event(tenant_id, 4, action="token.issue"), outcome=AuditOutcome.REFUSED),
    ):
        await stores.trail.record(each)
    found = await stores.log.page(tenant_id, only, None, 10, oldest_first=True)
    assert [each.sequence for each in found] == numbers


async def test_pages_go_on_in_either_order(stores: Stores) -> None:
    tenant_id = str(uuid7())
    for number in range(5):
        await stores.trail.record(event(tenant_id, number))

    async def page(after: int | None, *, oldest_first: bool) -> list[int]:
        found = await stores.log.page(tenant_id, AuditFilter(), after, 2, oldest_first=oldest_first)
        return [each.sequence for each in found]

    assert [await page(after, oldest_first=True) for after in (None, 2, 4, 5)] == [[1, 2], [3, 4], [5], []]
    assert [await page(after, oldest_first=False) for after in (None, 4, 2, 1)] == [[5, 4], [3, 2], [1], []]


async def test_heads_are_anchored_once(stores: Stores) -> None:
    tenant_id = str(uuid7())

    async def waiting() -> list[tuple[str, int, bytes]]:
        return [head for head in await stores.notary.heads(1_000) if head[0] == tenant_id]

    assert await waiting() == []
    await stores.trail.record(event(tenant_id))
    (head,) = await waiting()
    assert head[1:] == await stores.log.head(tenant_id)
    seals = [SEALER.seal(*head, NOW), SEALER.seal(*head, NOW + timedelta(seconds=1))]
    await stores.notary.anchor(seals[:1])
    await stores.notary.anchor(seals)
    assert await waiting() == []
    assert await stores.log.anchors(tenant_id, 0, 10) == seals[:1]
    assert await stores.log.anchors(tenant_id, 1, 10) == []
    assert [tenant for tenant, _ in await stores.notary.broken(1_000) if tenant == tenant_id] == []


def test_seal_is_of_all_that_it_stands_for() -> None:
    seal = SEALER.seal(str(uuid7()), 7, secrets.token_bytes(32), NOW)
    newer = HmacAuditSealer([secrets.token_bytes(32), SEALER._keys[0]])
    assert SEALER.holds(seal) and newer.holds(seal)
    assert not HmacAuditSealer([secrets.token_bytes(32)]).holds(seal)
    for other in (
        replace(seal, tenant_id=str(uuid7())),
        replace(seal, sequence=8),
        replace(seal, hash=bytes(32)),
        replace(seal, at=NOW + timedelta(microseconds=1)),
        replace(seal, seal=bytes(32)),
    ):
        assert not SEALER.holds(other)
