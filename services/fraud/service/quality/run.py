"""Does one attempt at a report: reads the decisions of its period once, and counts what they turned out to be."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from math import nan

from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.past import PastDecision, amount_of, entity_of
from services.fraud.domain.quality.report import MOST_DECISIONS, QualityResult
from services.fraud.domain.quality.scores import ScoredDecision, ScoreQuality
from services.fraud.domain.quality.tally import JudgedDecision, QualityTally
from services.fraud.domain.quality.truth import FRAUD, IMMATURE, good_truths, truth_of
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision, LabelledDecisions
from services.fraud.ports.quality import QualityAttempts, QualityNews, QualityOrder, ScoreSink
from services.fraud.service.quality.grouping import Grouping, model_of

__all__ = ["QualityRun"]

READING, MEASURING = "reading decisions", "measuring scores"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class QualityRun:
    """One attempt. `grouping` is by the names of the question, then by those of its conditions."""

    def __init__(
        self,
        order: QualityOrder,
        *,
        decisions: LabelledDecisions,
        attempts: QualityAttempts,
        grouping: Grouping,
        scores: ScoreSink,
        most: int = MOST_DECISIONS,
    ) -> None:
        self._order = order
        self._question = order.question
        self._decisions = decisions
        self._attempts = attempts
        self._grouping = grouping
        self._scores = scores
        self._most = most
        self._good = good_truths(order.question.unlabelled)
        self._tally = QualityTally(order.question.group_by)

    async def run(self) -> AsyncGenerator[QualityNews, None]:
        """Tells how far it is. At the end the result is stored. Raises TaskFailure, SupersededError and MeshError."""
        order, question = self._order, self._question
        place = order.tenant_id, order.report_id, order.token
        if not await self._attempts.begin(*place):
            return
        period = DecidedPeriod(
            tenant_id=order.tenant_id, event_type=question.event_type, since=question.since, until=question.until,
            known_by=question.as_of, stored_before=question.stored_before,
        )  # fmt: skip
        total, done = await self._decisions.count(period), 0
        if total > self._most:
            words = f"the period has {total:,} decisions, more than {self._most:,}: choose a shorter one"
            raise TaskFailure("TooManyDecisions", words, retryable=False)
        yield QualityNews(0, total, READING)
        async with aclosing(self._decisions.pages(period)) as pages:
            async for page in pages:
                self._count(page)
                done += len(page)
                yield QualityNews(done, total, READING)
        group_scores: list[Mapping[str, ScoreQuality]] = []
        for number, name in enumerate(question.group_by):
            yield QualityNews(done, done, MEASURING)
            told = self._tally.groups(name).groups
            group_scores.append({value: self._scores.measure_group(number, value) for value in told})
        yield QualityNews(done, done, MEASURING)
        await self._attempts.finish(*place, QualityResult(question, self._tally, self._scores.measure(), group_scores))

    def _count(self, page: Sequence[LabelledDecision]) -> None:
        scored = []
        for past, labels in page:
            groups = self._grouping.groups(past)
            if groups is None:
                self._tally.unread += 1
            if past.answer is None or not self._is_asked_for(groups):
                continue
            truth = truth_of(labels[-1][2] if labels else None, past.event_time, self._question)
            told = (groups or ())[: len(self._question.group_by)]
            self._tally.count(self._judged(past, truth, told))
            scored.append(self._scored(past, truth, told))
        self._scores.add(scored)

    def _is_asked_for(self, groups: Sequence[Collection[str]] | None) -> bool:
        conditions, names = self._question.conditions, len(self._question.group_by)
        if groups is None:
            return not conditions
        return all(each.value in found for each, found in zip(conditions, groups[names:], strict=True))

    def _judged(self, past: PastDecision, truth: str, groups: Sequence[Collection[str]]) -> JudgedDecision:
        assert past.answer is not None
        return JudgedDecision(
            outcome=past.answer.outcome,
            truth=truth,
            mature=self._question.is_mature(past.event_time),
            amount=amount_of(past.fields),
            codes=len(past.answer.codes),
            groups=groups,
        )

    def _scored(self, past: PastDecision, truth: str, groups: Sequence[Collection[str]]) -> ScoredDecision:
        assert past.answer is not None
        return ScoredDecision(
            score=past.answer.score,
            time_ms=(past.event_time - _EPOCH) // _MILLISECOND,
            entity=entity_of(past, self._question.entity_field),
            model=model_of(past),
            truth=True if truth == FRAUD else False if truth in self._good else None,
            immature=truth == IMMATURE,
            groups=groups,
            model_score=past.model.score if past.model is not None else nan,
        )
