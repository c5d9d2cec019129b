"""Collects the rows of a training: stored decisions, with what each saw of its features, and what is known of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from meshkit.currencies import DIGITS
from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.past import PastDecision, amount_of, stored_values
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import EventType
from services.fraud.domain.labels.label import LabelKind
from services.fraud.domain.scenarios.model_inputs import FeatureReader, feature_reader
from services.fraud.domain.scoring.known import SaidLabel, learned_or_known
from services.fraud.domain.scoring.settings import TrainingTarget
from services.fraud.ports.training import (
    CollectedRow,
    LabelledDecision,
    RowSink,
    TrainingNews,
    TrainingOrder,
    TrainingRows,
)

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
        rows: TrainingRows,
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
        self._event_type = event_type
        self._sets = sets
        self._most = most
        self._now_ms = _ms(now)
        self._learned_until_ms = _ms(settings.learned_until)
        self._labels_until_ms = _ms(settings.labels_until)
        self._readers: dict[str, FeatureReader] = {}
        self.unreadable = 0
        """Decisions whose values are of a set, or a kind, that is known no longer."""

    async def run(self) -> AsyncGenerator[TrainingNews, None]:
        """Tells how far it is. Raises TaskFailure for too many decisions, or none, and MeshError."""
        settings = self._order.settings
        period = self._order.tenant_id, self._order.event_type, settings.since, settings.until
        total, done = await self._rows.count(*period), 0
        if total > self._most:
            words = f"the period has {total:,} events, more than {self._most:,}: choose a shorter one"
            raise TaskFailure("TooManyRows", words, retryable=False)
        if not total:
            raise TaskFailure("NoRows", "the period has no events of the type", retryable=False)
        yield TrainingNews(0, total, READING)
        async with aclosing(self._rows.pages(*period)) as pages:
            async for page in pages:
                rows = [self._row(each) for each in page]
                found = [row for row in rows if row is not None]
                self.unreadable += len(rows) - len(found)
                self._sink.add(found)
                done = min(done + len(page), total)
                yield TrainingNews(done, total, READING)

    def _row(self, labelled: LabelledDecision) -> CollectedRow | None:
        past = labelled.past
        values = self._values(past)
        if values is None:
            return None
        time_ms = _ms(past.event_time)
        is_learned = time_ms < self._learned_until_ms
        said = [SaidLabel(known_ms, number, self._is_target(kind)) for known_ms, number, kind in labelled.labels]
        known_ms = learned_or_known(said, self._labels_until_ms if is_learned else None, self._now_ms)
        amount = amount_of(past.fields)
        units = amount.minor / 10 ** DIGITS.get(amount.currency, 0) if amount is not None else 0.0
        return CollectedRow(values, known_ms, time_ms, self._entity(past), units)

    def _values(self, past: PastDecision) -> Sequence[float] | None:
        if past.facts is None or past.vector is None:
            return None
        features = self._sets.get(past.vector.version)
        if features is None:
            return None
        reader = self._readers.get(features.version)
        if reader is None:
            reader = feature_reader(self._order.settings.features, self._event_type, features, DIGITS)
            self._readers[features.version] = reader
        try:
            return reader(past.facts._replace(features=stored_values(past.vector, features)))
        except (ArithmeticError, LookupError, TypeError, ValueError, StopIteration):
            return None

    def _entity(self, past: PastDecision) -> int:
        """An event of nobody is an entity of its own."""
        value = past.fields.get(self._order.settings.entity_field)
        whose = past.decision_id if value is None else f"{self._order.settings.entity_field} {value}"
        return int.from_bytes(blake2b(whose.encode(), digest_size=8).digest(), "little")

    def _is_target(self, kind: LabelKind) -> bool:
        if self._order.settings.target is TrainingTarget.CHARGEBACK:
            return kind is LabelKind.CHARGEBACK
        return kind.is_fraud


def _ms(when: datetime) -> int:
    return (when - _EPOCH) // _MILLISECOND
