"""A report counts what was known at its time, as a computation by hand does, and nothing that came later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rampart.fraud.v1 import quality_pb2 as pb

from meshkit.tasks import TaskFailure
from services.fraud.adapters.memory_labelled import MemoryLabelledDecisions
from services.fraud.adapters.memory_quality import MemoryQualityAttempts, MemoryQualityRows
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.check import Decided
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.quality.question import Condition, QualityQuestion, Unlabelled
from services.fraud.models.score_quality import ScoreTable
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.quality import QualityNews, QualityOrder
from services.fraud.service.quality.grouping import Grouping
from services.fraud.service.quality.run import QualityRun
from tests.support.labels import label
from tests.support.quality import NOW, PaidHistory, quality_report, question, read_result

TENANT = "t"
NAMES = ("rule", "scenario", "model", "outcome", "merchant_id", "currency")
FIVE = NAMES[:5]
NINE = timedelta(days=9)


class Reporter:
    """Makes reports of a history."""

    def __init__(self, history: PaidHistory) -> None:
        self.history = history
        self.rows = MemoryQualityRows()
        self.report = quality_report(TENANT)
        self.rows.reports[TENANT, self.report.report_id] = self.report

    async def run(self, asked: QualityQuestion, token: int = 1, most: int = 1_000) -> QualityRun:
        store, labels = await self.history.stored()
        order = QualityOrder(tenant_id=TENANT, report_id=self.report.report_id, token=token, question=asked)
        return QualityRun(
            order, decisions=MemoryLabelledDecisions(store, labels), attempts=MemoryQualityAttempts(self.rows),
            grouping=Grouping(asked.names, PAYMENT, BUILT_IN_SETS), scores=ScoreTable(asked.review_capacity), most=most,
        )  # fmt: skip

    async def news(self, asked: QualityQuestion, **more: Any) -> Sequence[QualityNews]:
        return [each async for each in (await self.run(asked, **more)).run()]


async def record(history: PaidHistory, **changed: Any) -> bytes:
    """Returns what a report says, byte for byte."""
    reporter = Reporter(history)
    await reporter.news(question(**changed))
    found = reporter.rows.reports[TENANT, reporter.report.report_id].result
    assert found is not None
    return found


async def result(history: PaidHistory, **changed: Any) -> pb.QualityResult:
    return pb.QualityResult.FromString(await record(history, **changed))


def truth(history: PaidHistory, made: Decided, asked: QualityQuestion) -> str:
    """Returns by hand what is known of a decision."""
    known = history.known(made, asked)
    if known is None:
        return "unlabelled" if made.features.event_time <= asked.as_of - asked.label_delay else "immature"
    return "fraud" if known.value in ("fraud", "chargeback") else "legitimate"


def groups_of(made: Decided, name: str) -> Collection[str]:
    model = made.facts.model
    by_hand: dict[str, Collection[str]] = {
        "rule": [factor.code for factor in made.verdict.factors],
        "scenario": [str(made.scenario)],
        "model": [str(model.ref) if model is not None else ""],
        "outcome": [made.verdict.outcome],
        "merchant_id": [made.check.merchant],
        "currency": [made.check.currency],
    }
    return by_hand[name]


def seen(history: PaidHistory, asked: QualityQuestion) -> Sequence[Decided]:
    return [
        made
        for made in history.decisions
        if asked.since <= made.features.event_time < asked.until and made.create_time < asked.stored_before
    ]


@pytest.mark.parametrize("days_ago", [0, 4, 25])
@pytest.mark.parametrize("names", [FIVE, NAMES[5:]])
async def test_groups_are_counted_as_by_hand(days_ago: int, names: tuple[str, ...]) -> None:
    history = PaidHistory(TENANT)
    as_of = NOW - timedelta(days=days_ago)
    asked = question(as_of=as_of, until=as_of, stored_before=as_of + timedelta(days=2 if days_ago else 0))
    found = await result(history, **{name: getattr(asked, name) for name in ("as_of", "until", "stored_before")},
                         group_by=names)  # fmt: skip
    made = seen(history, asked)
    assert found.total.decisions == len(made) and len(made) > 100
    for breakdown, name in zip(found.breakdowns, names, strict=True):
        assert breakdown.name == name
        told = {group.value: group for group in breakdown.groups}
        assert set(told) == {value for each in made for value in groups_of(each, name)}
        for value, group in told.items():
            check_group(group, history, asked, [each for each in made if value in groups_of(each, name)], made)
            assert group.scores.known == group.fraud + group.legitimate + group.unlabelled
            assert group.scores.fraud == group.fraud
    check_group(found.total, history, asked, made, made)


def check_group(
    group: pb.QualityGroup,
    history: PaidHistory,
    asked: QualityQuestion,
    own: Sequence[Decided],
    made: Sequence[Decided],
) -> None:
    """Compares a group with what is counted by hand."""
    truths = Counter(truth(history, each, asked) for each in own)
    for name in ("fraud", "legitimate", "unlabelled", "immature"):
        assert getattr(group, name) == truths[name]
    assert group.mature == sum(each.features.event_time + asked.label_delay <= asked.as_of for each in own)
    assert sum(each.fraud for each in group.outcomes) == truths["fraud"]
    alone = [each for each in own if len(each.verdict.factors) == 1]
    assert group.alone.fraud == sum(truth(history, each, asked) == "fraud" for each in alone)
    good = [each for each in own if truth(history, each, asked) in ("legitimate", "unlabelled")]
    frauds = [each for each in own if truth(history, each, asked) == "fraud"]
    for rates, outcomes in ((group.declined, ("decline",)), (group.flagged, ("decline", "review"))):
        hits, wrong = (sum(each.verdict.outcome in outcomes for each in some) for some in (frauds, good))
        assert (rates.precision.hits, rates.precision.of) == (hits if hits + wrong else 0, hits + wrong)
        assert (rates.recall.hits, rates.recall.of) == (hits if frauds else 0, len(frauds))
    every = sum(truth(history, each, asked) == "fraud" for each in made)
    assert (group.membership.recall.hits, group.membership.recall.of) == (len(frauds), every)
    for money in group.money:
        saved = sum(
            each.check.amount_minor
            for each in frauds
            if each.verdict.outcome == "decline" and each.check.currency == money.currency
        )
        digits = 0 if money.currency == "JPY" else 2
        assert money.fraud_declined == f"{saved / 10**digits:.{digits}f}"


async def test_what_becomes_known_or_is_stored_behind_the_horizon_changes_no_byte() -> None:
    history = PaidHistory(TENANT)
    horizon = NOW - timedelta(days=15)
    asked = {"as_of": horizon, "until": horizon - timedelta(days=2), "group_by": FIVE}
    before = await record(history, **asked)
    decisions = {made.check.transaction_id: made.decision_id for made in history.decisions}
    for name, labels in history.labels.items():
        kept = [each for each in labels if each.known_at <= horizon]
        later = [replace(each, known_at=NOW, created_at=NOW) for each in labels if each.known_at > horizon]
        made = label(
            len(labels) + 1, "fraud", known=horizon + timedelta(milliseconds=1), transaction_id=name,
            decision_id=decisions[name],
        )  # fmt: skip
        history.labels[name] = [*kept, *later, made]
    assert await record(history, **asked) == before
    assert await record(history, **asked | {"as_of": NOW}) != before


async def test_what_is_stored_later_and_says_that_it_was_known_before_is_left_out_by_its_storing() -> None:
    history = PaidHistory(TENANT)
    asked = {"stored_before": NOW - timedelta(days=1), "until": NOW - timedelta(days=2), "group_by": FIVE}
    before = await record(history, **asked)
    for made in history.decisions:
        backdated = label(99, "fraud", known=made.create_time, created_at=NOW - timedelta(hours=1),
                          transaction_id=made.check.transaction_id, decision_id=made.decision_id)  # fmt: skip
        history.labels[made.check.transaction_id].append(backdated)
    assert await record(history, **asked) == before
    assert await record(history, **asked | {"stored_before": NOW}) != before


async def test_what_is_not_known_yet_is_never_counted_as_good() -> None:
    history = PaidHistory(TENANT)
    for labels in history.labels.values():
        labels[:] = [each for each in labels if each.kind.is_fraud]
    young = await result(history, since=NOW - NINE)
    assert young.total.unlabelled == young.total.legitimate == 0 < young.total.immature
    assert (young.total.declined.precision.share, young.total.mature) == (1.0, 0), "of what is known"
    (score,) = [each for each in young.scores if not each.model]
    assert (score.known, score.entity_days, score.HasField("auc_roc")) == (score.fraud, 0, False)
    days = {made.features.event_time.date() for made in history.decisions if made.features.event_time >= NOW - NINE}
    assert score.entity_days_left_out == len(days)
    old = await result(history, until=NOW - timedelta(days=10))
    assert old.total.immature == 0 < old.total.unlabelled
    assert old.total.declined.precision.share < 1.0
    strict = await result(history, until=NOW - timedelta(days=10), unlabelled=Unlabelled.UNKNOWN)
    assert strict.total.declined.precision.share == 1.0
    assert strict.total.unlabelled == old.total.unlabelled
    assert [each.good_declined for each in old.total.money] == ["0.00", "0", "0.00"], "good is what a label says"


async def test_conditions_leave_out_what_they_do_not_hold_of() -> None:
    history = PaidHistory(TENANT)
    conditions = (Condition("currency", "EUR"), Condition("rule", "TOR"))
    found = await result(history, conditions=conditions, group_by=("merchant_id",))
    own = [
        made
        for made in history.decisions
        if made.check.currency == "EUR" and "TOR" in [factor.code for factor in made.verdict.factors]
    ]
    assert found.total.decisions == len(own) > 0
    assert [each.currency for each in found.total.money] == ["EUR"]
    assert sum(each.decisions for each in found.breakdowns[0].groups) == len(own)


async def test_reviews_cost_what_they_do_exactly() -> None:
    history = PaidHistory(TENANT)
    found = await result(history, review_cost=Money(10, "USD"))
    reviews = sum(made.verdict.outcome == "review" for made in history.decisions)
    assert found.total.review_costs == f"{reviews // 10}.{reviews % 10}0"
    assert (await result(history)).total.review_costs == ""


async def test_features_are_groups_as_rules_see_them_and_what_cannot_be_read_is_counted() -> None:
    history = PaidHistory(TENANT, count=20)
    found = await result(history, group_by=("user_new_device", "amount", "ip.country"))
    devices, amounts, countries = found.breakdowns
    assert [(each.value, each.decisions) for each in devices.groups] == [("false", 20)]
    assert {each.value for each in amounts.groups} == {
        f"{made.check.amount_minor / (1 if made.check.currency == 'JPY' else 100):.6g}" for made in history.decisions
    }
    assert [(each.value, each.decisions) for each in countries.groups] == [("", 20)]
    reporter = Reporter(history)
    run = await reporter.run(question(group_by=("user_new_device",)))
    run._grouping = Grouping(("user_new_device",), PAYMENT, {})
    _ = [each async for each in run.run()]
    unread = read_result(reporter.rows.reports[TENANT, reporter.report.report_id])
    assert (unread.unread, unread.total.decisions, list(unread.breakdowns[0].groups)) == (20, 20, [])


async def test_an_attempt_tells_how_far_it_is_and_stores_once() -> None:
    reporter = Reporter(PaidHistory(TENANT, count=25))
    told = await reporter.news(question(), token=2)
    assert [(each.done, each.total) for each in told] == [(0, 25), (10, 25), (20, 25), (25, 25), (25, 25)]
    assert [each.message for each in told][-1] == "measuring scores"
    assert await reporter.news(question(), token=3) == [], "there is a result"
    overtaken = Reporter(PaidHistory(TENANT, count=25))
    run = await overtaken.run(question())
    told_first = run.run()
    await anext(told_first)
    await overtaken.news(question(), token=2)
    with pytest.raises(SupersededError):
        _ = [each async for each in told_first]


async def test_more_decisions_than_fit_are_refused_in_words() -> None:
    reporter = Reporter(PaidHistory(TENANT, count=25))
    with pytest.raises(TaskFailure, match="25 decisions, more than 24") as caught:
        await reporter.news(question(), most=24)
    assert not caught.value.retryable
