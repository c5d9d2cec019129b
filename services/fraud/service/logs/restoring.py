"""Gathers what logs get of stored events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.ports import LogKey, LogStream, Restored
from services.fraud.service.logs.groups import SLACK_SECONDS, to_milliseconds
from services.fraud.service.tenants.features import TenantFeatures

__all__ = ["RestoredLogs"]


class _Stream(NamedTuple):
    """Records of a stream by the values of its key."""

    since: datetime
    plan: KindPlan
    size: int
    logs: dict[str, list[bytes]]


class RestoredLogs:
    """Gathers records of events for some streams of a tenant, of each stream those decided since a time."""

    def __init__(self, tenant_id: str, features: TenantFeatures, since: Mapping[LogStream, datetime]) -> None:
        self._tenant_id = tenant_id
        self._features = features
        self._since = since
        self._streams: dict[LogStream, _Stream] = {}
        self._places: dict[str, Sequence[tuple[KindRecorder, _Stream]]] = {}

    def add(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            places = self._places.get(event.event_type)
            if places is None:
                places = self._places[event.event_type] = self._find(event.event_type)
            fields, made = event.fields, event.create_time
            time, transaction = (
                to_milliseconds(event.event_time),
                transaction_hash(self._tenant_id, event.transaction_id),
            )
            currency = currency_of(fields)
            for recorder, (since, _, _, logs) in places:
                value = fields.get(recorder.field) if recorder.field else recorder.key(fields)
                if type(value) is not str or made < since:
                    continue
                record = recorder.layout.pack(
                    recorder.record(fields, currency, time, transaction, 0, event.place, restored=True)
                )
                if value in logs:
                    logs[value].append(record)
                else:
                    logs[value] = [record]

    def take(self) -> Sequence[Restored]:
        """Returns what was gathered, and begins anew."""
        found: list[Restored] = []
        for stream, (_, plan, size, logs) in self._streams.items():
            retain = plan.retention_ms // 1000 + SLACK_SECONDS
            for value, records in logs.items():
                found.append(Restored(LogKey(stream, value), b"".join(records), size, retain, last=False))
            logs.clear()
        return found

    def _find(self, event_type: str) -> Sequence[tuple[KindRecorder, _Stream]]:
        """Returns what records the events of a type, and where."""
        places: list[tuple[KindRecorder, _Stream]] = []
        for recorder, stream, _ in self._features.recordings(self._tenant_id, event_type):
            if stream in self._since:
                new = _Stream(self._since[stream], recorder.plan, recorder.layout.size, {})
                places.append((recorder, self._streams.setdefault(stream, new)))
        return places
