"""Tells the entity logs of labels, so that features count what is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import randrange
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.domain.labels.label import StoredLabel
from services.fraud.ports import WRITES_AT_ONCE, EntityLogs, LogKey, LogsUnavailableError, LogWrite
from services.fraud.ports.labels import UntoldLabels
from services.fraud.service.logs.groups import SLACK_SECONDS, to_milliseconds
from services.fraud.service.tenants.feature_sets import FeatureSets
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["LabelTeller"]

_log = logging.getLogger(__name__)
_told = Counter("labels_told", "Labels that the entity logs were told of.")

EVENTS_AT_ONCE = 500
TAGS = 1 << 16


class LabelTeller:
    """Appends labels to the logs of the keys of their events, and notes where they stand in the order of arrival."""

    def __init__(self, logs: EntityLogs, sets: FeatureSets, untold: UntoldLabels) -> None:
        self._logs = logs
        self._sets = sets
        self._untold = untold

    async def tell_soon(self, tenant_id: str, labels: Sequence[StoredLabel]) -> None:
        """Tells of labels if that can be done now. Whatever is left is told by the keeper (see `matching`)."""
        try:
            await self.tell(tenant_id, labels)
        except (LogsUnavailableError, MeshError) as error:
            _log.warning("%d labels are counted later: %s", len(labels), error)

    async def tell(self, tenant_id: str, labels: Sequence[StoredLabel]) -> None:
        """Tells of labels whose transactions were decided. Raises LogsUnavailableError and MeshError."""
        decided = [each for each in labels if each.decision_id is not None]
        for start in range(0, len(decided), EVENTS_AT_ONCE):
            part = decided[start : start + EVENTS_AT_ONCE]
            await self._sets.prepare([tenant_id])
            features = self._sets.of(tenant_id)
            counted = await self._counted(tenant_id, part) if features.labelled else {}
            for step in _steps(tenant_id, features, part, counted):
                await self._append(tenant_id, *step)

    async def _append(self, tenant_id: str, labels: Sequence[StoredLabel], writes: Sequence[LogWrite]) -> None:
        appended = await self._logs.append([], writes)
        self._logs.settle(appended.ticket, [])
        await self._untold.told(tenant_id, labels, appended.order)
        _told.inc(len(labels))

    async def _counted(self, tenant_id: str, labels: Sequence[StoredLabel]) -> Mapping[str, _Counted]:
        """Returns events that count as fraud by a label, or may have before it, with what their logs must know."""
        earlier = await self._untold.of({each.transaction_id for each in labels if each.number > 1}, tenant_id)
        said: dict[str, list[StoredLabel]] = {}
        for each in (*earlier, *(each for each in labels if each.number == 1)):
            said.setdefault(each.transaction_id, []).append(each)
        # An event without a label counts as one that was never said to be fraud.
        told = {name: all_ for name, all_ in said.items() if any(each.kind.is_fraud for each in all_)}
        decisions = {UUID(each.decision_id) for all_ in told.values() for each in all_ if each.decision_id is not None}
        events = await self._untold.events(tenant_id, decisions) if decisions else ()
        return {each.transaction_id: _Counted(each, told[each.transaction_id]) for each in events}


class _Counted(NamedTuple):
    """An event, and all that was said of it."""

    event: StoredEvent
    labels: Sequence[StoredLabel]


def _steps(
    tenant_id: str, features: TenantFeatures, labels: Sequence[StoredLabel], counted: Mapping[str, _Counted]
) -> Iterator[tuple[Sequence[StoredLabel], Sequence[LogWrite]]]:
    """Divides labels so that those of a step are appended at one moment: they have one place in the order then."""
    told: list[StoredLabel] = []
    writes: list[LogWrite] = []
    for label in labels:
        found = counted.get(label.transaction_id)
        own = _writes(tenant_id, features, label, found) if found is not None else ()
        if writes and len(writes) + len(own) > WRITES_AT_ONCE:
            yield told, writes
            told, writes = [], []
        told.append(label)
        writes += own
    if told:
        yield told, writes


def _writes(tenant_id: str, features: TenantFeatures, label: StoredLabel, counted: _Counted) -> Sequence[LogWrite]:
    """Returns what makes the logs of an event know a label and those before it. What is there already counts once."""
    event, labels = counted.event, [each for each in counted.labels if each.number <= label.number]
    transaction = transaction_hash(tenant_id, event.transaction_id)
    writes = []
    for recorder, stream, _ in features.labelled_recordings(tenant_id, event.event_type):
        plan, layout, value = recorder.plan, recorder.layout, recorder.key(event.fields)
        retain = plan.retention_ms // 1000 + SLACK_SECONDS
        if value is None or event.event_time < label.known_at - timedelta(seconds=retain):
            continue
        records = b"".join(
            layout.label(
                to_milliseconds(each.known_at), transaction, each.number, fraud=each.kind.is_fraud, tag=randrange(TAGS)
            )
            for each in labels
        )
        writes.append(LogWrite(LogKey(stream, value), records, layout.size, retain, refresh=False, is_read=False))
    return writes
