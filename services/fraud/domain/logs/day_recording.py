"""Totals events by day: which of the streams that are totalled an event is in, and what it adds to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.declared.daily import DailyStream
from services.fraud.domain.declared.feature import DAY_MS
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import KindRecorder, currency_of
from services.fraud.domain.declared.records import RecordLayout
from services.fraud.domain.event import Fields
from services.fraud.domain.logs.days import DayTotal
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.stories import Stories
from services.fraud.domain.logs.stream_plan import StreamPlan, stream_of
from services.fraud.domain.logs.streams import Streams

__all__ = ["DayRecorder", "StreamValue"]


class StreamValue(NamedTuple):
    """One value of the key of a stream that is totalled."""

    stream: int
    value: str


class _Kind(NamedTuple):
    """The streams of a kind of key."""

    recorder: KindRecorder
    streams: Streams
    """Tell which of them a record is in, as they do for logs. They stay empty."""
    totalled: Mapping[StreamPlan, DailyStream]


class DayRecorder:
    """Totals the events of one tenant, for some of the streams that its features need."""

    def __init__(self, features: FeatureSet, streams: Collection[int]) -> None:
        self._features = features
        self._streams = streams
        self._kinds: dict[str, Sequence[_Kind]] = {}

    @property
    def types(self) -> Sequence[str]:
        """The event types that are counted."""
        found = [each for each in self._features.daily if each.stream.number in self._streams]
        return sorted({name for each in found for name in each.feature.counted})

    def totals(
        self, event_type: str, fields: Fields, time: int
    ) -> Iterator[tuple[StreamValue, tuple[int, int], DayTotal]]:
        """Yields what an event adds: to which value of which stream, on which day and in which currency."""
        kinds = self._kinds.get(event_type)
        if kinds is None:
            kinds = self._kinds[event_type] = list(self._of(event_type))
        currency = currency_of(fields) if kinds else 0
        for recorder, streams, totalled in kinds:
            value = recorder.key(fields)
            if value is None:
                continue
            record = recorder.record(fields, currency, time, 0, 0)
            for stream in streams.streams_of(record):
                plan = stream.plan
                number, by_currency = totalled[plan]
                once = DayTotal(1, first=time, last=time)
                if plan.number >= 0:
                    x = record.numbers[plan.number]
                    once = DayTotal(1, x, x * x, x, x, time, time)
                yield StreamValue(number, value), (time // DAY_MS, currency if by_currency else 0), once

    def _of(self, event_type: str) -> Iterator[_Kind]:
        plans: dict[KindPlan, dict[StreamPlan, DailyStream]] = {}
        for _, feature, stream in self._features.daily:
            plan = self._features.plans[feature.kind]
            if stream.number in self._streams and event_type in feature.counted:
                plans.setdefault(plan, {})[stream_of(plan, feature)] = stream
        for plan, totalled in plans.items():
            rows = Rows(RecordLayout(plan))
            streams = Streams(rows, Stories(rows), list(totalled))
            yield _Kind(self._features.recorder(plan, event_type), streams, totalled)
