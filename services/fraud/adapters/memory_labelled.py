"""The decisions of a store in memory with what was said of their transactions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_labels import MemoryLabelRows
from services.fraud.convert import past_from_record
from services.fraud.domain.check import Decided
from services.fraud.domain.labels.label import LabelKind
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision

__all__ = ["MemoryLabelledDecisions"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class MemoryLabelledDecisions:
    """Implements `LabelledDecisions`."""

    def __init__(self, store: MemoryStore, labels: MemoryLabelRows, page: int = 10) -> None:
        self._store = store
        self._labels = labels
        self._page = page

    async def count(self, period: DecidedPeriod) -> int:
        return len(self._all(period))

    async def pages(self, period: DecidedPeriod) -> AsyncGenerator[Sequence[LabelledDecision], None]:
        found = self._all(period)
        for start in range(0, len(found), self._page):
            yield found[start : start + self._page]

    def _all(self, period: DecidedPeriod) -> Sequence[LabelledDecision]:
        rows = [
            {
                "decision_id": made.decision_id,
                "transaction_id": made.check.transaction_id,
                "event_type": made.check.event_type,
                "event_time": made.features.event_time,
                "create_time": made.create_time,
                "event": record.fields,
                "answer": record.answer,
                "inputs": record.inputs,
            }
            for made, record in self._store.decided(period.tenant_id)
            if _is_of(period, made)
        ]
        past = sorted(map(past_from_record, rows), key=lambda each: each.decision_id)
        return [LabelledDecision(each, self._said(period, each.transaction_id, each.decision_id)) for each in past]

    def _said(
        self, period: DecidedPeriod, transaction_id: str, decision_id: str
    ) -> Sequence[tuple[int, int, LabelKind]]:
        labels = [
            each
            for each in self._labels.labels.get((period.tenant_id, transaction_id), ())
            if each.decision_id == decision_id
            and not each.refused
            and (period.known_by is None or each.known_at <= period.known_by)
            and (period.stored_before is None or each.created_at < period.stored_before)
        ]
        labels.sort(key=lambda each: (each.known_at, each.number))
        return [((each.known_at - _EPOCH) // _MILLISECOND, each.number, each.kind) for each in labels]


def _is_of(period: DecidedPeriod, made: Decided) -> bool:
    return (
        made.check.event_type == period.event_type
        and period.since <= made.features.event_time < period.until
        and (period.stored_before is None or made.create_time < period.stored_before)
    )
