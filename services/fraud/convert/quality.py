"""Converts reports of quality, and what they are asked."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from rampart.fraud.v1 import quality_pb2 as pb
from rampart.fraud.v1 import quality_service_pb2 as service_pb

from meshkit.tasks import WorkState
from meshkit.timestamps import time_from_proto, time_to_proto
from services.fraud.convert.amounts import money_from_amount, money_to_amount
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.quality.question import Condition, NewQualityReport, QualityQuestion, Unlabelled
from services.fraud.domain.quality.report import QualityReport

__all__ = ["quality_report_to_proto", "quality_request_from_proto"]


def quality_request_from_proto(request: service_pb.CreateQualityReportRequest) -> NewQualityReport:
    """Raises VALIDATION_FAILED for a cost that its currency does not have."""
    given = {name: time_from_proto(getattr(request, name)) for name in ("until", "as_of", "stored_before")
             if request.HasField(name)}  # fmt: skip
    cost = request.review_cost, request.review_cost_currency
    return NewQualityReport(
        event_type=request.event_type or PAYMENT.name,
        since=time_from_proto(request.since),
        **given,
        label_delay=_delay(request.label_delay) if request.HasField("label_delay") else None,
        unlabelled=Unlabelled(request.unlabelled or Unlabelled.LEGITIMATE.value),
        group_by=tuple(request.group_by),
        conditions=tuple(Condition(each.name, each.value) for each in request.conditions),
        entity_field=request.entity_field,
        review_capacity=request.review_capacity,
        review_cost=money_from_amount(*cost, "review_cost", "review_cost_currency"),
    )


def quality_report_to_proto(report: QualityReport, state: WorkState) -> pb.QualityReport:
    message = _asked(report.question)
    message.report_id = report.report_id
    message.state, message.error = state.state, state.error
    message.progress.CopyFrom(pb.QualityProgress(done=state.done, total=state.total, message=state.message))
    message.created_by = report.created_by
    message.create_time.CopyFrom(time_to_proto(report.created_at))
    if state.finished_at is not None:
        message.finish_time.CopyFrom(time_to_proto(state.finished_at))
    if report.result is not None:
        message.result.ParseFromString(report.result)
    return message


def _asked(question: QualityQuestion) -> pb.QualityReport:
    delay = Duration()
    delay.FromTimedelta(question.label_delay)
    cost = question.review_cost
    return pb.QualityReport(
        event_type=question.event_type,
        since=time_to_proto(question.since),
        until=time_to_proto(question.until),
        as_of=time_to_proto(question.as_of),
        stored_before=time_to_proto(question.stored_before),
        label_delay=delay,
        unlabelled=question.unlabelled.value,
        group_by=question.group_by,
        conditions=[pb.QualityCondition(name=each.name, value=each.value) for each in question.conditions],
        entity_field=question.entity_field,
        review_capacity=question.review_capacity,
        review_cost=money_to_amount(cost) if cost is not None else 0.0,
        review_cost_currency=cost.currency if cost is not None else "",
        mature_time=time_to_proto(question.mature_at),
    )


def _delay(message: Duration) -> timedelta:
    return timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
