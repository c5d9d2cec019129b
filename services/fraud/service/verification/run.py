"""Verifies a period: computes the stored values of its decisions anew, in the order in which their checks arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.anew import FeaturesAnew, TooManyLogsError
from services.fraud.domain.backtests.arrived import ArrivedEvent, ArrivedLabel
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.verification.arrivals import WAITING_US, ArrivalOrder
from services.fraud.domain.verification.recorded import Cause, RecordedCheck, RecordedExtent, ValueDifference, made_us
from services.fraud.domain.verification.union import ComparedSet, ComparedValue
from services.fraud.ports.labels import LabelArrivals
from services.fraud.ports.verification import (
    LogWitness,
    RecordedChecks,
    VerificationNews,
    VerificationOrder,
    VerificationProgress,
    VerificationSummary,
)
from services.fraud.service.labels.arriving import LabelQueue

__all__ = ["VerifyRun"]

LATEST = timedelta(days=30)
"""An event that comes later than this sees less than it did."""
AHEAD = timedelta(minutes=5)
"""By how much the time of an event may be ahead."""
TAIL = timedelta(microseconds=WAITING_US)
BESIDE_US = 60_000_000
"""For so long what was decided without the logs is remembered, for whoever did not see it."""
MOST_BESIDE = 20_000
MOST_LISTED = 1_000
"""Differences that are told one by one. Decisions whose logs are asked for a reason are no more."""
SEEN_US = 10_000_000
"""For so long after a feature has its first value some processes may not know that its logs are filled."""
Arrived = TypeVar("Arrived", ArrivedEvent, ArrivedLabel)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
FOLDING, COMPARING = "reading what windows reach back to", "computing values anew"


class VerifyRun:
    """One verification. `sets` are those that decisions may name, `union` the features of all of them."""

    def __init__(
        self,
        order: VerificationOrder,
        *,
        checks: RecordedChecks,
        labels: LabelArrivals,
        extent: RecordedExtent,
        sets: Mapping[str, ComparedSet],
        union: FeatureSet,
        witness: LogWitness,
    ) -> None:
        self._order = order
        self._checks = checks
        self._labels = LabelQueue(labels)
        self._extent = extent
        self._sets = sets
        self._union = union
        self._witness = witness
        self._summary = VerificationSummary()
        self._had: dict[str, int] = {}
        """When each feature had its first value."""
        self._beside: deque[tuple[int, str]] = deque(maxlen=MOST_BESIDE)
        """What was decided without the logs: its place in the order of arrival, and its transaction."""
        self._deleted_ms = _milliseconds(extent.deleted_before) if extent.deleted_before is not None else 0
        self._since_us, self._until_us = (_milliseconds(each) * 1_000 for each in (order.since, order.until))

    async def run(self) -> AsyncGenerator[VerificationNews, None]:
        """Tells how far it is and what differs, and what came of it. Raises TaskFailure and MeshError."""
        order, extent = self._order, self._extent
        late = min(LATEST, timedelta(seconds=max(extent.latest_event, 0.0))) + AHEAD
        anew = FeaturesAnew(order.tenant_id, self._union, -(-late // _MILLISECOND), _milliseconds(order.since))
        since = order.since - timedelta(milliseconds=anew.reach_ms) - TAIL
        arrivals, total = ArrivalOrder(), extent.decisions
        yield VerificationProgress(0, total, FOLDING)
        period = order.tenant_id, since, order.until + TAIL
        async with self._labels.open(*period, asked=anew.is_labelled), aclosing(self._checks.pages(*period)) as pages:
            async for page in pages:
                async for difference in self._verify(anew, list(arrivals.take(page))):
                    yield difference
                yield VerificationProgress(self._done, total, COMPARING if self._done else FOLDING)
            async for difference in self._verify(anew, list(arrivals.rest())):
                yield difference
        yield VerificationProgress(self._done, self._done, COMPARING)
        yield self._summary

    @property
    def _done(self) -> int:
        return self._summary.decisions + self._summary.skipped

    async def _verify(
        self, anew: FeaturesAnew, checks: Sequence[RecordedCheck]
    ) -> AsyncGenerator[ValueDifference, None]:
        for check in checks:
            for label in await self._labels.until(check.order):
                _take(anew.label, label)
            asked = self._since_us <= made_us(check.decision_id) < self._until_us
            compared = self._sets.get(check.vector.version) if asked else None
            read = _take(anew.enter if compared is None else anew.read, _arrived(check))
            if check.unlogged:
                self._beside.append((check.order, check.transaction_id))
            if compared is None or read is None:
                self._summary.skipped += asked
                continue
            differing = self._compare(compared.compared(check, read), check)
            if not differing:
                continue
            without = self._without_those_beside(anew, compared, check)
            causes = await self._causes(check, compared, differing, without, read)
            for difference in map(self._told, [check] * len(causes), differing, causes):
                if difference is not None:
                    yield difference

    def _compare(self, values: Sequence[ComparedValue], check: RecordedCheck) -> Sequence[ComparedValue]:
        """Counts values, and returns those that differ."""
        self._summary.decisions += 1
        self._summary.values += len(values)
        for each in values:
            if each.stored is not None and each.feature not in self._had:
                self._had[each.feature] = check.order
        differing = [each for each in values if each.stored != each.recomputed]
        self._summary.different += bool(differing)
        return differing

    def _without_those_beside(
        self, anew: FeaturesAnew, compared: ComparedSet, check: RecordedCheck
    ) -> Mapping[str, object]:
        """Returns what is computed if what was decided without the logs a moment before is left out."""
        while self._beside and self._beside[0][0] < check.order - BESIDE_US:
            self._beside.popleft()
        beside = {transaction for _, transaction in self._beside if transaction != check.transaction_id}
        if not beside or check.slow:
            return {}
        read = anew.read_without(check.event_type, check.fields, beside)
        return {each.feature: each.recomputed for each in compared.compared(check, read)}

    async def _causes(
        self,
        check: RecordedCheck,
        compared: ComparedSet,
        differing: Sequence[ComparedValue],
        without: Mapping[str, object],
        read: Sequence[Any],
    ) -> Sequence[Cause]:
        """Returns the cause of each value that differs. `read` is what was computed anew, of the union."""
        examined = self._summary.different <= MOST_LISTED
        altered = examined and not await self._checks.intact(self._order.tenant_id, check.decision_id)
        causes = [Cause.ALTERED if altered else self._cause(each, check, without) for each in differing]
        if examined and Cause.UNEXPLAINED in causes:
            seen = await self._seen(check, compared, read)
            for place, each in enumerate(differing):
                if causes[place] is Cause.UNEXPLAINED and each.stored in seen.get(each.feature, ()):
                    causes[place] = Cause.WITHDRAWN
        return causes

    async def _seen(
        self, check: RecordedCheck, compared: ComparedSet, read: Sequence[Any]
    ) -> Mapping[str, Sequence[object]]:
        """Returns the values that attempts at a check saw by the logs, if any of them saw what was withdrawn later."""
        said, found = await self._witness.testify(check), dict[str, list[object]]()
        if said is None or not said.withdrawn:
            return found
        for values in said.attempts:
            logged = list(read)
            for place, feature in enumerate(self._union.features):
                logged[place] = values.get(feature.name, read[place])
            for each in compared.compared(check, logged):
                found.setdefault(each.feature, []).append(each.recomputed)
        return found

    def _cause(self, value: ComparedValue, check: RecordedCheck, without: Mapping[str, object]) -> Cause:
        """Returns the cause as far as the store tells it."""
        if check.slow:
            return Cause.SLOW_PATH
        had = self._had.get(value.feature)
        known = value.feature in STARTER.names
        if value.stored is None and not known and (had is None or check.order < had + SEEN_US):
            return Cause.FILLING
        if not check.arrival:
            return Cause.ORDER_UNKNOWN
        if value.feature in without and without[value.feature] == value.stored:
            return Cause.GAP
        if self._deleted_ms and _milliseconds(check.event_time) - value.reach_ms < self._deleted_ms:
            return Cause.DELETED
        return Cause.UNEXPLAINED

    def _told(self, check: RecordedCheck, value: ComparedValue, cause: Cause) -> ValueDifference | None:
        """Counts a difference. Returns it if it is to be told."""
        summary = self._summary
        summary.causes[cause.value] = summary.causes.get(cause.value, 0) + 1
        if sum(summary.causes.values()) > MOST_LISTED:
            summary.unlisted += 1
            return None
        identity = check.decision_id, check.transaction_id, check.event_time
        return ValueDifference(*identity, value.feature, value.stored, value.recomputed, cause)


def _arrived(check: RecordedCheck) -> ArrivedEvent:
    times = _milliseconds(check.event_time), check.order // 1_000
    return ArrivedEvent(check.transaction_id, check.event_type, check.fields, *times, check.place)


def _take(take: Callable[[Arrived], list[Any] | None], arrived: Arrived) -> list[Any] | None:
    try:
        return take(arrived)
    except TooManyLogsError:
        words = "the windows reach back to more events than fit into memory: verify fewer features at a time"
        raise TaskFailure("TooManyEvents", words, retryable=False) from None


def _milliseconds(when: datetime) -> int:
    return (when - _EPOCH) // _MILLISECOND
