"""Collects the rows of a training: stored decisions, with what each saw of its features, and what is known of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from meshkit.currencies import DIGITS
from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.past import amount_of, entity_of
from services.fraud.domain.backtests.reading import PastReader
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import EventType
from services.fraud.domain.labels.label import LabelKind
from services.fraud.domain.scenarios.model_inputs import feature_reader
from services.fraud.domain.scoring.known import SaidLabel, learned_or_known
from services.fraud.domain.scoring.settings import TrainingTarget
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision, LabelledDecisions
from services.fraud.ports.training import CollectedRow, RowSink, TrainingNews, TrainingOrder

__all__ = ["MOST_TRAINING_ROWS", "TrainingCollector"]

MOST_TRAINING_ROWS = 2_000_000
READING = "reading decisions"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class TrainingCollector:
    """Collects once. `sets` are the feature sets that stored values may be of, `now` is when labels are read."""

    def __init__(
        self,
        order: TrainingOrder,
        *,
        rows: LabelledDecisions,
        sink: RowSink,
        event_type: EventType,
        sets: Mapping[str, FeatureSet],
        now: datetime,
        most: int = MOST_TRAINING_ROWS,
    ) -> None:
        settings = order.settings
        self._order = order
        self._rows = rows
        self._sink = sink
        self._reader = PastReader(
            lambda features: feature_reader(settings.features, event_type, features, DIGITS), sets
        )
        self._most = most
        self._now_ms = _ms(now)
        self._learned_until_ms = _ms(settings.learned_until)
        self._labels_until_ms = _ms(settings.labels_until)
        self.unreadable = 0
        """Decisions whose values are of a set, or a kind, that is known no longer."""

    async def run(self) -> AsyncGenerator[TrainingNews, None]:
        """Tells how far it is. Raises TaskFailure for too many decisions, or none, and MeshError."""
        settings = self._order.settings
        period = DecidedPeriod(
            tenant_id=self._order.tenant_id,
            event_type=self._order.event_type,
            since=settings.since,
            until=settings.until,
        )
        total, done = await self._rows.count(period), 0
        if total > self._most:
            words = f"the period has {total:,} events, more than {self._most:,}: choose a shorter one"
            raise TaskFailure("TooManyRows", words, retryable=False)
        if not total:
            raise TaskFailure("NoRows", "the period has no events of the type", retryable=False)
        yield TrainingNews(0, total, READING)
        async with aclosing(self._rows.pages(period)) as pages:
            async for page in pages:
                rows = [self._row(each) for each in page]
                found = [row for row in rows if row is not None]
                self.unreadable += len(rows) - len(found)
                self._sink.add(found)
                done = min(done + len(page), total)
                yield TrainingNews(done, total, READING)

    def _row(self, labelled: LabelledDecision) -> CollectedRow | None:
        past = labelled.past
        values = self._reader.read(past)
        if values is None:
            return None
        time_ms = _ms(past.event_time)
        is_learned = time_ms < self._learned_until_ms
        said = [SaidLabel(known_ms, number, self._is_target(kind)) for known_ms, number, kind in labelled.labels]
        known_ms = learned_or_known(said, self._labels_until_ms if is_learned else None, self._now_ms)
        amount = amount_of(past.fields)
        units = amount.minor / 10 ** DIGITS.get(amount.currency, 0) if amount is not None else 0.0
        return CollectedRow(values, known_ms, time_ms, entity_of(past, self._order.settings.entity_field), units)

    def _is_target(self, kind: LabelKind) -> bool:
        if self._order.settings.target is TrainingTarget.CHARGEBACK:
            return kind is LabelKind.CHARGEBACK
        return kind.is_fraud


def _ms(when: datetime) -> int:
    return (when - _EPOCH) // _MILLISECOND
