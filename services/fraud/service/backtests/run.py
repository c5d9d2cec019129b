"""Does one attempt at a backtest: decides a period anew in the order of its decisions, resumable between pages."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID

from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.anew import FeaturesAnew, TooManyLogsError, asked_features
from services.fraud.domain.backtests.arrived import ArrivedEvent
from services.fraud.domain.backtests.backtest import BacktestValues
from services.fraud.domain.backtests.past import Extent, PastDecision, stored_values
from services.fraud.domain.backtests.tally import BacktestTally
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.ports.backtests import BacktestCheckpoint, BacktestNews, BacktestOrder, Checkpoints, PastDecisions
from services.fraud.ports.labels import LabelArrivals
from services.fraud.service.backtests.rejudging import Rejudge
from services.fraud.service.labels.arriving import LabelQueue

__all__ = ["BacktestRun"]

CHECKPOINT_SECONDS = 5.0
LATEST = timedelta(days=30)
"""An event that comes later than this sees less than it did."""
DECIDING, FOLDING = "deciding anew", "reading what windows reach back to"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND, _MICROSECOND = timedelta(milliseconds=1), timedelta(microseconds=1)


class BacktestRun:
    """One attempt. `sets` are the feature sets that stored values may be of, `features` the tenant's of now."""

    def __init__(
        self,
        order: BacktestOrder,
        *,
        past: PastDecisions,
        labels: LabelArrivals,
        checkpoints: Checkpoints,
        rejudge: Rejudge,
        features: FeatureSet,
        sets: Mapping[str, FeatureSet],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._order = order
        self._past = past
        self._labels = LabelQueue(labels)
        self._checkpoints = checkpoints
        self._rejudge = rejudge
        self._features = features
        self._sets = sets
        self._clock = clock
        self._tally = BacktestTally()
        self._anew: FeaturesAnew | None = None

    async def run(self) -> AsyncGenerator[BacktestNews, None]:
        """Tells how far it is. At the end the result is stored. Raises TaskFailure, SupersededError and MeshError."""
        order, event_type = self._order, self._order.version.content.event_type
        place = order.tenant_id, order.backtest_id, order.token
        reached = await self._checkpoints.begin(*place)
        extent = await self._past.extent(order.tenant_id, event_type, order.since, order.until)
        after, total = reached[:2] if reached is not None else (_before(order.since), extent.decisions)
        self._tally = reached.tally if reached is not None else self._begun(extent)
        since, events = order.since, self._begin_anew(extent)
        if self._anew is not None:
            since -= timedelta(milliseconds=self._anew.reach_ms)
        yield BacktestNews(self._done, total, FOLDING if events else DECIDING)
        stored_at = self._clock()
        places = self._anew is not None and self._anew.has_places
        pages = self._past.pages(order.tenant_id, since, order.until, after, event_type, events, places=places)
        is_labelled = self._anew is not None and self._anew.is_labelled
        labels = self._labels.open(order.tenant_id, since, order.until, asked=is_labelled)
        async with labels, aclosing(pages):
            async for page in pages:
                done = self._done
                await self._decide(page)
                if self._done == done:
                    yield BacktestNews(done, total, FOLDING)
                    continue
                stored = self._clock() - stored_at >= CHECKPOINT_SECONDS
                if stored:
                    last = BacktestCheckpoint(UUID(page[-1].decision_id), total, self._tally)
                    await self._checkpoints.store(*place, last)
                    stored_at = self._clock()
                yield BacktestNews(self._done, total, DECIDING, stored)
        await self._checkpoints.finish(*place, self._tally.closed())
        yield BacktestNews(self._done, self._done, DECIDING, stored=True)

    @property
    def _done(self) -> int:
        return self._tally.decisions + self._tally.unreadable

    def _begun(self, extent: Extent) -> BacktestTally:
        rules = self._order.version.content.rules
        return BacktestTally(self._values(extent).value, {rule.rule_id: rule.code for rule in rules})

    def _values(self, extent: Extent) -> BacktestValues:
        """Chooses where values come from, if nobody has."""
        if self._order.values is not BacktestValues.CHOSEN:
            return self._order.values
        asked = self._rejudge.asks & {*self._features.names}
        known = [self._sets.get(version) for version in extent.sets]
        stored = all(features is not None and asked <= {*features.names} for features in known)
        return BacktestValues.STORED if stored else BacktestValues.RECOMPUTED

    def _begin_anew(self, extent: Extent) -> Sequence[str]:
        """Prepares to compute features, if they are. Returns the event types that they count."""
        features = asked_features(self._features, self._rejudge.asks)
        if self._tally.values == BacktestValues.STORED.value or not features.names:
            return ()
        if features.daily:
            names = ", ".join(each.feature.name for each in features.daily)
            words = f"windows of more than 30 days are not computed again: ask for stored values, or without {names}"
            raise TaskFailure("DailyTotals", words, retryable=False)
        if features.graph:
            names = ", ".join(each.name for each in features.graph)
            words = f"values of the graph are not computed again: ask for stored values, or without {names}"
            raise TaskFailure("GraphFeatures", words, retryable=False)
        late = min(LATEST, timedelta(seconds=max(extent.latest_event, 0.0)))
        since = (self._order.since - _EPOCH) // _MILLISECOND
        self._anew = FeaturesAnew(self._order.tenant_id, features, -(-late // _MILLISECOND), since)
        return sorted({name for plan in features.plans.values() for name in (*plan.types, *plan.readers)})

    async def _decide(self, page: Sequence[PastDecision]) -> None:
        for past in page:
            for label in await self._labels.until((past.create_time - _EPOCH) // _MICROSECOND):
                assert self._anew is not None
                self._anew.label(label)
            values = self._take(self._anew, past) if self._anew is not None else None
            if past.facts is not None:
                self._judge(past, values)

    @staticmethod
    def _take(anew: FeaturesAnew, past: PastDecision) -> Sequence[FeatureValue] | None:
        """Takes an event. Returns what it sees if it is decided anew."""
        time, arrival = ((when - _EPOCH) // _MILLISECOND for when in (past.event_time, past.create_time))
        take = anew.enter if past.facts is None else anew.take
        try:
            return take(ArrivedEvent(past.transaction_id, past.event_type, past.fields, time, arrival, past.place))
        except TooManyLogsError:
            words = "the windows reach back to more events than fit into memory: ask for fewer features or shorter ones"
            raise TaskFailure("TooManyEvents", words, retryable=False) from None

    def _judge(self, past: PastDecision, values: Sequence[FeatureValue] | None) -> None:
        assert past.facts is not None and past.answer is not None and past.vector is not None
        features = self._anew.features if self._anew is not None else self._sets.get(past.vector.version)
        if features is None:
            self._tally.unreadable += 1
            return
        try:
            if values is None:
                values = stored_values(past.vector, features)
            judgement = self._rejudge.judge(past, past.answer, past.facts, values, features)
        except (ArithmeticError, LookupError, TypeError, ValueError, StopIteration):
            self._tally.unreadable += 1
            return
        self._tally.count(past, past.answer, judgement)


def _before(when: datetime) -> UUID:
    """Returns what every identifier comes after that was made from a time on (UUIDv7)."""
    return UUID(int=((when - _EPOCH) // _MILLISECOND << 80) - 1)
