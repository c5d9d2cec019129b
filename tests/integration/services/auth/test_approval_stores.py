"""What every implementation of the store of approvals does."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from meshkit.context import SYSTEM_TENANT
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth.adapters.memory_approvals import MemoryApprovals
from services.auth.adapters.named_rows import clean_up
from services.auth.adapters.postgres_approvals import PostgresApprovals
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.approvals import LIFE, MOST_OPEN, Approval, ApprovalState
from services.auth.domain.audit import AuditEvent
from services.auth.domain.tenants import Tenant
from services.auth.ports.approvals import ApprovalStore
from tests.support.people import NOW
from tests.support.servers import Database
from tests.support.tenants import add_tenant

ROOT = Path(__file__).resolve().parents[4]
AT_ONCE = 8
LATER = NOW + timedelta(minutes=1)
CALL = '{"method":"M","request":{"email":"canary@example.com"}}'


@dataclass
class Kept:
    """A store with one tenant, and its database if it has one."""

    store: ApprovalStore
    tenant_id: str
    pool: Pool | None = None


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    tenant = Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW)
    if request.param == "memory":
        yield Kept(MemoryApprovals(), tenant.tenant_id)
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    await add_tenant(PostgresDirectory(pool), tenant)
    yield Kept(PostgresApprovals(pool, AesSealer(b"k" * 32)), tenant.tenant_id, pool)
    await pool.close()


def asked(tenant_id: str, *, requester: str = "ada", call: str = CALL) -> Approval:
    digest = hashlib.sha256(call.encode()).digest()
    return Approval(str(uuid7()), tenant_id, "M", call, digest, requester, NOW)


def event(approval: Approval) -> AuditEvent:
    return AuditEvent("approval.test", approval.tenant_id, NOW, target=approval.approval_id)


def approve(approval: Approval) -> tuple[Approval, AuditEvent]:
    after = approval.decided(ApprovalState.APPROVED, "bob", LATER, frozenset({"b:write", "a:read"}))
    return after, event(after)


def use(approval: Approval) -> tuple[Approval, AuditEvent]:
    return approval.used(), event(approval)


async def taken(store: ApprovalStore, each: Approval) -> Approval | None:
    return await store.use(each.tenant_id, each.requester, each.method, each.digest, LATER, use)


@pytest.mark.parametrize("of_platform", [False, True])
async def test_approval_is_found_as_stored_until_its_call_was_made(kept: Kept, of_platform: bool) -> None:
    first = asked(SYSTEM_TENANT if of_platform else kept.tenant_id, requester=secrets.token_hex(8))
    assert await kept.store.ask(first, event(first)) == first
    own = first.tenant_id, first.approval_id, LATER
    assert await kept.store.find(*own) == first
    assert await taken(kept.store, first) is None
    approved = await kept.store.decide(*own, approve)
    assert approved == await kept.store.find(*own) == approve(first)[0]
    assert await taken(kept.store, first) == approve(first)[0].used()
    assert await taken(kept.store, first) is None
    found = await kept.store.find(*own)
    assert found is not None and (found.state, found.call) == (ApprovalState.USED, "")


async def warm(kept: Kept) -> None:
    """Has as many connections open as are used at once: none waits for its own."""
    async with AsyncExitStack() as held:
        for _ in range(AT_ONCE if kept.pool is not None else 0):
            assert kept.pool is not None
            await held.enter_async_context(kept.pool.acquire(timeout=10))


async def test_same_call_of_the_same_requester_waits_once_however_often_it_is_made(kept: Kept) -> None:
    await warm(kept)
    made = [asked(kept.tenant_id) for _ in range(AT_ONCE)]
    at_once = await asyncio.gather(*[kept.store.ask(each, event(each)) for each in made])
    assert at_once == [at_once[0]] * AT_ONCE and at_once[0] in made
    other = asked(kept.tenant_id, requester="eve")
    assert await kept.store.ask(other, event(other)) == other


async def test_approval_is_used_once_however_many_try(kept: Kept) -> None:
    first = asked(kept.tenant_id)
    await kept.store.ask(first, event(first))
    await kept.store.decide(kept.tenant_id, first.approval_id, LATER, approve)
    await warm(kept)
    used = await asyncio.gather(*[taken(kept.store, first) for _ in range(AT_ONCE)])
    assert sum(each is not None for each in used) == 1


async def test_nothing_is_left_of_what_is_over(kept: Kept) -> None:
    first = asked(kept.tenant_id)
    await kept.store.ask(first, event(first))
    await kept.store.decide(kept.tenant_id, first.approval_id, LATER, approve)
    end = NOW + LIFE
    own = kept.tenant_id, first.approval_id, end
    assert await kept.store.find(*own) is None
    assert await kept.store.decide(*own, approve) is None
    assert await kept.store.use(first.tenant_id, first.requester, first.method, first.digest, end, use) is None
    assert await kept.store.page(kept.tenant_id, None, "", 10, end) == []
    again = replace(asked(kept.tenant_id), requested_at=end)
    assert await kept.store.ask(again, event(again)) == again


async def test_what_a_decision_raises_leaves_all_as_it_is(kept: Kept) -> None:
    first = asked(kept.tenant_id)
    await kept.store.ask(first, event(first))

    def refuse(_: Approval) -> tuple[Approval, AuditEvent]:
        raise ValueError

    with pytest.raises(ValueError):
        await kept.store.decide(kept.tenant_id, first.approval_id, LATER, refuse)
    assert await kept.store.find(kept.tenant_id, first.approval_id, LATER) == first


async def test_approvals_are_listed_the_newest_first_by_state(kept: Kept) -> None:
    made = [asked(kept.tenant_id, call=f"{number}") for number in range(4)]
    for each in made:
        await kept.store.ask(each, event(each))
    await kept.store.decide(kept.tenant_id, made[1].approval_id, LATER, approve)
    names = [each.approval_id for each in made]

    async def listed(state: ApprovalState | None, before: str = "", limit: int = 10) -> list[str]:
        return [each.approval_id for each in await kept.store.page(kept.tenant_id, state, before, limit, LATER)]

    assert await listed(None) == names[::-1]
    assert await listed(None, names[3], 2) == [names[2], names[1]]
    assert await listed(ApprovalState.APPROVED) == [names[1]]
    assert await kept.store.page(str(uuid7()), None, "", 10, LATER) == []


async def test_no_more_wait_than_there_may(kept: Kept) -> None:
    for number in range(MOST_OPEN):
        each = asked(kept.tenant_id, call=f"{number}")
        assert await kept.store.ask(each, event(each)) is not None
    more = asked(kept.tenant_id)
    assert await kept.store.ask(more, event(more)) is None
    withdrawn = each.decided(ApprovalState.WITHDRAWN, "ada", LATER)
    await kept.store.decide(kept.tenant_id, each.approval_id, LATER, lambda _: (withdrawn, event(withdrawn)))
    assert await kept.store.ask(more, event(more)) == more


async def test_tenant_asks_for_approvals_from_when_it_says_so(kept: Kept) -> None:
    assert not await kept.store.role_changes_asked(kept.tenant_id)
    for asks in (True, True, False):
        await kept.store.ask_role_changes(kept.tenant_id, asks, event(asked(kept.tenant_id)))
        assert await kept.store.role_changes_asked(kept.tenant_id) == asks
    assert not await kept.store.role_changes_asked(str(uuid7()))


@pytest.mark.parametrize("kept", ["postgres"], indirect=True)
async def test_owner_of_the_database_lets_a_tenant_go_on_that_nobody_is_left_in(kept: Kept, database: Database) -> None:
    await kept.store.ask_role_changes(kept.tenant_id, True, event(asked(kept.tenant_id)))
    [said] = [line for line in (ROOT / "docs/identity.md").read_text().splitlines() if "approval_policies;" in line]
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(said.replace("TENANT_ID", kept.tenant_id))
    await owner.close()
    assert not await kept.store.role_changes_asked(kept.tenant_id)


@pytest.mark.parametrize("kept", ["postgres"], indirect=True)
async def test_database_takes_no_approval_of_the_requester_himself(kept: Kept) -> None:
    first = asked(kept.tenant_id, requester="bob")
    await kept.store.ask(first, event(first))
    with pytest.raises(asyncpg.CheckViolationError):
        await kept.store.decide(kept.tenant_id, first.approval_id, LATER, approve)


@pytest.mark.parametrize("kept", ["postgres"], indirect=True)
async def test_what_is_over_is_cleaned_away_and_nothing_else(kept: Kept) -> None:
    assert kept.pool is not None
    over, living = asked(kept.tenant_id), replace(asked(kept.tenant_id, call="other"), requested_at=datetime.now(UTC))
    over = replace(over, requested_at=living.requested_at - LIFE - timedelta(seconds=1))
    for each in (living, over):
        await kept.store.ask(each, event(each))
    assert await clean_up(kept.pool) >= 1
    async with transaction(kept.pool, [kept.tenant_id]) as connection:
        left = await connection.fetch("SELECT approval_id FROM approvals")
    assert [str(row["approval_id"]) for row in left] == [living.approval_id]


@pytest.mark.parametrize("kept", ["postgres"], indirect=True)
async def test_call_is_stored_sealed_and_gone_when_it_is_of_no_use(kept: Kept) -> None:
    first = asked(kept.tenant_id)
    await kept.store.ask(first, event(first))

    async def row() -> str:
        assert kept.pool is not None
        async with transaction(kept.pool, [kept.tenant_id]) as connection:
            found = await connection.fetchrow("SELECT a::text AS all, sealed_call FROM approvals AS a")
            assert found is not None
            return f"{found['all']} {found['sealed_call']!r}"

    assert "canary" not in await row() and b"canary".hex() not in await row()
    await kept.store.decide(kept.tenant_id, first.approval_id, LATER, approve)
    await taken(kept.store, first)
    assert (await row()).endswith(" None")
