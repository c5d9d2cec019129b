"""Lets the events of the fraud service take effect: effect and position in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import TypeAlias, cast

from prometheus_client import Counter

from meshkit.following.batches import Batch, Position, Proof, Rejected
from meshkit.following.postgres import SOURCE, PostgresPlace
from meshkit.storage.leader import Session
from meshkit.storage.postgres import REFUSALS, Connection
from services.cases.adapters.postgres_changes import PostgresCaseChanges, hold_cases
from services.cases.domain.events import OVERLAP, EventOfFraud
from services.cases.ports import CaseChanges

__all__ = ["PostgresCaseFollower", "TakeEvent"]

_buried = Counter("cases_dead_letters", "Events that could not take effect and were put aside.")

_NEWEST = "UPDATE positions SET newest = greatest(newest, $2) WHERE source = $1 RETURNING newest"
# As many for each tenant as can be dropped in the meantime, and more.
_FORGET = """
DELETE FROM dropped_evidence WHERE tenant_id = $1 AND (transaction_id, alert_id) IN (
    SELECT transaction_id, alert_id FROM dropped_evidence WHERE tenant_id = $1 AND decide_time < $2
    ORDER BY decide_time LIMIT 10000
)"""

TakeEvent: TypeAlias = Callable[[CaseChanges, EventOfFraud], Awaitable[None]]
"""Lets an event take effect in the transaction that it is given."""


class PostgresCaseFollower(PostgresPlace):
    """Implements `CaseFollowing`."""

    def __init__(self, session: Session, take: TakeEvent) -> None:
        super().__init__(session, _buried, "raise its alerts")
        self._take = take

    async def apply(self, batch: Batch[EventOfFraud]) -> Position:
        async with self._session.transaction():
            stored = await self.lock(batch.tenants)
            if not batch.continues(stored):
                return stored
            for item in (*batch.rejected, *await self._enter(batch.items, batch.payloads)):
                await self.bury(item, batch)
            if batch.items:
                await self._forget(batch.tenants, max(event.decide_time for event in batch.items))
            await self.move(batch.last, batch.proof)
        return batch.last

    async def newest(self) -> datetime | None:
        found: datetime | None = await self._session.fetchval("SELECT newest FROM positions WHERE source = $1", SOURCE)
        return found

    async def enter(self, events: Sequence[EventOfFraud]) -> None:
        async with self._session.transaction():
            await self.lock({event.tenant_id for event in events})
            await self._enter(events, [b""] * len(events))

    async def go_on(self, last: Position, proof: Proof) -> None:
        await self.move(last, proof)

    async def _enter(self, events: Sequence[EventOfFraud], payloads: Sequence[bytes]) -> Sequence[Rejected]:
        """Returns the events that the store refuses."""
        refused = []
        connection, known = cast("Connection", self._session), dict[str, PostgresCaseChanges]()
        for tenant_id in sorted({event.tenant_id for event in events}):
            await hold_cases(connection, tenant_id)
            known[tenant_id] = PostgresCaseChanges(connection, tenant_id)
        for event, payload in zip(events, payloads, strict=True):
            try:
                async with self._session.transaction():
                    await self._take(known[event.tenant_id], event)
            except REFUSALS as error:
                refused.append(Rejected(payload, f"{type(error).__name__}: {error}"))
        return refused

    async def _forget(self, tenants: Collection[str], newest: datetime) -> None:
        """Notes the newest event, and forgets what none that comes again can be."""
        newest = await self._session.fetchval(_NEWEST, SOURCE, newest)
        for tenant_id in sorted(tenants):
            await self._session.execute(_FORGET, tenant_id, newest - OVERLAP)
