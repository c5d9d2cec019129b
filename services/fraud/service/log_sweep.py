"""Sweeps the history of tenants into their logs, after a loss and for new kinds of keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter, Gauge

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.ports import EntityLogs, History, LogKey, LogProof, LogStream, OldDecisions, Restored
from services.fraud.service.feature_sets import FeatureSets
from services.fraud.service.log_groups import SLACK_SECONDS, to_milliseconds

__all__ = ["LogSweep"]

_log = logging.getLogger(__name__)
_swept = Counter("logs_swept", "Stored events that were put back into the logs.")
_behind = Gauge("tenants_unswept", "Tenants whose logs are not all there yet.")

QUIET_SECONDS = 10.0
"""For how long no log may have been evicted before a sweep begins: what was being decided then is stored by now."""
FIRST = str(UUID(int=0))


class LogSweep:
    """Goes through all tenants, and sweeps those whose streams are not whole."""

    def __init__(
        self,
        *,
        logs: EntityLogs,
        history: History,
        tenants: OldDecisions,
        sets: FeatureSets,
        clock: Callable[[], datetime],
    ) -> None:
        self._logs = logs
        self._history = history
        self._tenants = tenants
        self._sets = sets
        self._clock = clock
        self._lost = 0
        self._since = 0.0

    async def sweep(self) -> None:
        """Sweeps what has to be, once. Raises LogsUnavailableError and MeshError."""
        proof, now = await self._logs.proof(), asyncio.get_running_loop().time()
        if proof.lost != self._lost:
            self._lost, self._since = proof.lost, now
        if proof.lost and now - self._since < QUIET_SECONDS:
            return
        behind, after = 0, FIRST
        while (tenant := await self._tenants.next_tenant(after)) is not None:
            after = tenant
            behind += not await self._sweep_tenant(tenant, proof)
        _behind.set(behind)
        if not behind:
            await self._logs.prove_all(proof)

    async def _sweep_tenant(self, tenant_id: str, proof: LogProof) -> bool:
        features = self._sets.of(tenant_id)
        plans = {LogStream(tenant_id, plan.schema): plan for plan in features.plans.values()}
        whole = await self._logs.whole(plans)
        wanted = {stream: plan for stream, plan in plans.items() if not whole[stream]}
        if not wanted:
            return True
        now, count = self._clock(), 0
        since = {
            plan: now - timedelta(milliseconds=plan.retention_ms, seconds=SLACK_SECONDS) for plan in wanted.values()
        }
        async for events in self._history.events(tenant_id, min(since.values())):
            await self._logs.restore(_restored(tenant_id, features, since, events), proof)
            count += len(events)
            _swept.inc(len(events))
        proven = await self._logs.prove(list(wanted), proof)
        _log.info("swept the history of a tenant", extra={"fields": {"tenant": tenant_id, "events": count}})
        return proven


def _restored(
    tenant_id: str, features: FeatureSet, since: dict[KindPlan, datetime], events: Sequence[StoredEvent]
) -> Sequence[Restored]:
    """Gathers what the logs of the plans get of some events."""
    found: dict[LogKey, tuple[KindPlan, int, list[bytes]]] = {}
    for event in events:
        time, transaction = to_milliseconds(event.event_time), transaction_hash(tenant_id, event.transaction_id)
        currency = currency_of(event.fields)
        for recorder in features.recorders(event.event_type):
            plan = recorder.plan
            if plan not in since or event.create_time < since[plan]:
                continue
            value = recorder.key(event.fields)
            if value is not None:
                record = recorder.layout.pack(
                    recorder.record(event.fields, currency, time, transaction, 0, restored=True)
                )
                key = LogKey(LogStream(tenant_id, plan.schema), value)
                found.setdefault(key, (plan, recorder.layout.size, []))[2].append(record)
    return [
        Restored(key, b"".join(records), size, plan.retention_ms // 1000 + SLACK_SECONDS, last=False)
        for key, (plan, size, records) in found.items()
    ]
