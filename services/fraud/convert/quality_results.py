"""Renders what a report of quality says, once: it is stored as it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rampart.fraud.v1 import model_pb2
from rampart.fraud.v1 import quality_pb2 as pb

from services.fraud.convert.amounts import units_from_minor
from services.fraud.domain.event import Money
from services.fraud.domain.quality.rates import CountedRate, wilson_interval
from services.fraud.domain.quality.report import QualityResult
from services.fraud.domain.quality.scores import ScoreQuality
from services.fraud.domain.quality.tally import ALL, FLAGGED, GroupTally, ToldGroups
from services.fraud.domain.quality.truth import FRAUD, IMMATURE, LEGITIMATE, TRUTHS, UNLABELLED, good_truths
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW

__all__ = ["quality_result_to_record"]


def quality_result_to_record(result: QualityResult) -> bytes:
    """Returns a serialised `QualityResult`: of the same counts the same bytes."""
    tally, groups = result.tally, _Groups(result)
    message = pb.QualityResult(
        total=groups.told("", tally.total),
        breakdowns=[
            pb.QualityBreakdown(name=name, groups=groups.all_told(tally.groups(name), scores))
            for name, scores in zip(tally.names, result.group_scores, strict=True)
        ],
        scores=[_scores(each) for each in result.scores],
        unread=tally.unread,
    )
    return message.SerializeToString(deterministic=True)


class _Groups:
    """Tells groups of a report."""

    def __init__(self, result: QualityResult) -> None:
        self._good: Collection[str] = good_truths(result.question.unlabelled)
        self._frauds = result.tally.total.number(truths=(FRAUD,))
        self._cost = result.question.review_cost

    def all_told(self, found: ToldGroups, scores: Mapping[str, ScoreQuality]) -> list[pb.QualityGroup]:
        told = [self.told(value, group) for value, group in found.groups.items()]
        for each in told:
            each.scores.CopyFrom(_scores(scores[each.value]))
        if found.others is not None:
            others = self.told("", found.others)
            others.others = True
            told.append(others)
        return told

    def told(self, value: str, group: GroupTally) -> pb.QualityGroup:
        frauds = group.number(truths=(FRAUD,))
        return pb.QualityGroup(
            value=value,
            decisions=group.number(),
            mature=group.mature,
            fraud=frauds,
            legitimate=group.number(truths=(LEGITIMATE,)),
            unlabelled=group.number(truths=(UNLABELLED,)),
            immature=group.number(truths=(IMMATURE,)),
            outcomes=[_outcome(group, each) for each in ALL if group.number((each,))],
            declined=self._rates(group, (DECLINE,), frauds),
            flagged=self._rates(group, FLAGGED, frauds),
            membership=self._rates(group, ALL, self._frauds),
            money=[_money(group.money, currency) for currency in sorted({currency for currency, *_ in group.money})],
            alone=pb.QualityCounts(**{truth: group.alone[truth] for truth in TRUTHS}),
            review_costs=_costs(self._cost, group.number((REVIEW,))),
        )

    def _rates(self, group: GroupTally, outcomes: Collection[str], frauds: int) -> pb.QualityRates:
        precision, recall = group.precision(outcomes, self._good), group.recall(outcomes, frauds)
        return pb.QualityRates(precision=_rate(precision), recall=_rate(recall))


def _outcome(group: GroupTally, outcome: str) -> pb.QualityOutcome:
    return pb.QualityOutcome(outcome=outcome, **{truth: group.number((outcome,), (truth,)) for truth in TRUTHS})


def _rate(rate: CountedRate) -> pb.QualityRate | None:
    if rate.share is None:
        return None
    low, high = wilson_interval(*rate)
    return pb.QualityRate(share=rate.share, hits=rate.hits, of=rate.of, low=low, high=high)


def _costs(cost: Money | None, reviews: int) -> str:
    return units_from_minor(cost.minor * reviews, cost.currency) if cost is not None else ""


def _money(money: Mapping[tuple[str, str, str], int], currency: str) -> pb.QualityMoney:
    def told(outcomes: Collection[str], truths: Collection[str]) -> str:
        total = sum(
            minor
            for (of, outcome, truth), minor in money.items()
            if of == currency and outcome in outcomes and truth in truths
        )
        return units_from_minor(total, currency)

    return pb.QualityMoney(
        currency=currency,
        decided=told(ALL, TRUTHS),
        fraud_declined=told((DECLINE,), (FRAUD,)),
        fraud_reviewed=told((REVIEW,), (FRAUD,)),
        fraud_approved=told((APPROVE,), (FRAUD,)),
        good_declined=told((DECLINE,), (LEGITIMATE,)),
        good_reviewed=told((REVIEW,), (LEGITIMATE,)),
        unlabelled_declined=told((DECLINE,), (UNLABELLED,)),
        immature_declined=told((DECLINE,), (IMMATURE,)),
        immature=told(ALL, (IMMATURE,)),
    )


def _scores(quality: ScoreQuality) -> pb.QualityScores:
    bins = [model_pb2.ReliabilityBin(**each._asdict()) for each in quality.reliability]
    return pb.QualityScores(
        model=quality.model,
        known=quality.known,
        fraud=quality.frauds,
        auc_roc=quality.auc,
        average_precision=quality.average_precision,
        calibration_error=quality.calibration_error,
        thresholds=[model_pb2.ModelThreshold(**each._asdict()) for each in quality.thresholds],
        reliability=bins,
        entity_precision=quality.entity_precision,
        entity_days=quality.days,
        entity_days_left_out=quality.days_left_out,
    )
