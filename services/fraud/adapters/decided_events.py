"""Reads the events of all stored decisions again, for a consumer that has lost its place in the outbox."""

from __future__ import annotations

from uuid import UUID

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.adapters.outbox_reader import CLUSTER
from services.fraud.convert import event_from_record
from services.fraud.domain.outbox import Place, PlaceProof, StoredPage
from services.fraud.ports import OldDecisions

__all__ = ["DecidedEvents"]

DEFAULT_LIMIT = 1000
MOST_TENANTS = 100
"""Looked at for one page, so that many tenants with few decisions take no longer than a few with many."""
FIRST = str(UUID(int=0))

# The newest row that no later commit can precede, or the last that was pruned.
_NEWEST = f"""
SELECT {CLUSTER} AS cluster, newest.xid, newest.seq, newest.event FROM (
    (SELECT xid, seq, sha256(payload) AS event FROM outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY xid DESC, seq DESC LIMIT 1)
    UNION ALL SELECT xid, seq, event FROM outbox_pruned
) AS newest ORDER BY xid DESC, seq DESC LIMIT 1"""

_DECISIONS = """
SELECT decision_id, event, answer, inputs FROM decisions
WHERE tenant_id = $1 AND decision_id > $2 ORDER BY decision_id LIMIT $3"""


class DecidedEvents:
    """Implements `StoredEvents`. Tenants are found by one role, their decisions read by the other, which names them."""

    def __init__(self, *, relay: Pool, service: Pool, tenants: OldDecisions) -> None:
        self._relay = relay
        self._service = service
        self._tenants = tenants

    async def read(self, after: tuple[str, str], limit: int = 0) -> StoredPage:
        # First: whatever is committed up to there is seen by the reads that follow.
        newest, proof = await self._newest()
        events: list[bytes] = []
        place: tuple[str, str] | None = after
        for _ in range(MOST_TENANTS):
            if place is None or len(events) >= (limit or DEFAULT_LIMIT):
                break
            place = await self._add(events, place, (limit or DEFAULT_LIMIT) - len(events))
        return StoredPage(events, place, newest, proof)

    async def _add(self, events: list[bytes], after: tuple[str, str], limit: int) -> tuple[str, str] | None:
        """Adds what follows in a tenant, and returns where to go on, which may be the next tenant."""
        tenant, decision = after
        async with transaction(self._service, [tenant]) as connection:
            rows = await connection.fetch(_DECISIONS, UUID(tenant), UUID(decision), limit)
        events += [event_from_record(tenant, row["event"], row["answer"], row["inputs"]) for row in rows]
        if len(rows) == limit:
            return tenant, str(rows[-1]["decision_id"])
        following = await self._tenants.next_tenant(tenant)
        return (following, FIRST) if following is not None else None

    async def _newest(self) -> tuple[Place, PlaceProof]:
        async with connected(self._relay) as connection:
            found = await connection.fetchrow(_NEWEST)
        assert found is not None, "the mark of what was pruned is always there"
        return Place(found["xid"], found["seq"]), PlaceProof(found["cluster"], found["event"])
