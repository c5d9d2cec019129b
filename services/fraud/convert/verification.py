"""Reads decisions to be verified as they are stored, and tells what was found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import feature_service_pb2 as pb
from rampart.fraud.v1 import feature_verification_pb2 as told_pb

from services.fraud.convert.events import fields_from_record
from services.fraud.convert.signals import address_from_proto
from services.fraud.domain.backtests.past import StoredVector
from services.fraud.domain.check import FEATURES
from services.fraud.domain.verification.recorded import LAWFUL, Cause, RecordedCheck, ValueDifference
from services.fraud.ports.verification import VerificationNews, VerificationProgress

__all__ = ["recorded_check_from_record", "value_to_text", "verification_news_to_proto", "verified_period_from_proto"]


def recorded_check_from_record(row: Any) -> RecordedCheck:
    """Returns a decision of its columns, by name."""
    inputs = decision_pb2.DecisionInputs.FromString(row["inputs"])
    vector = inputs.vector
    return RecordedCheck(
        str(row["decision_id"]),
        row["transaction_id"],
        row["event_type"],
        row["event_time"],
        row["create_time"],
        fields_from_record(row["event"]),
        inputs.arrival,
        inputs.unlogged,
        any(name.startswith(FEATURES) for name in inputs.degraded),
        StoredVector(vector.version, [*vector.values], [*vector.numbers], [*vector.missing]),
        {each.currency: each.amount_minor for each in inputs.user_elsewhere_24h},
        address_from_proto(inputs.address).place,
    )


def verified_period_from_proto(request: pb.VerifyFeaturesRequest, latest: datetime) -> tuple[datetime, datetime]:
    """Returns from when until when, `latest` at most."""
    until = request.until.ToDatetime(UTC) if request.HasField("until") else latest
    return request.since.ToDatetime(UTC), min(until, latest)


def verification_news_to_proto(news: VerificationNews, since: datetime, until: datetime) -> pb.VerifyFeaturesResponse:
    """`since` and `until` are of the period that is verified."""
    if isinstance(news, VerificationProgress):
        return pb.VerifyFeaturesResponse(progress=told_pb.VerificationProgress(**news._asdict()))
    if isinstance(news, ValueDifference):
        return pb.VerifyFeaturesResponse(difference=_difference_to_proto(news))
    lawful = sum(count for cause, count in news.causes.items() if Cause(cause) in LAWFUL)
    summary = told_pb.VerificationSummary(
        decisions=news.decisions,
        skipped=news.skipped,
        values=news.values,
        different=news.different,
        causes=[told_pb.DifferenceCount(cause=each, count=news.causes[each]) for each in sorted(news.causes)],
        unlisted=news.unlisted,
        unlawful=sum(news.causes.values()) - lawful,
    )
    summary.since.FromDatetime(since)
    summary.until.FromDatetime(until)
    return pb.VerifyFeaturesResponse(summary=summary)


def value_to_text(value: object) -> str:
    """Writes a value exactly: empty if it is missing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{each} {value[each]}" for each in sorted(value))
    return repr(value)


def _difference_to_proto(found: ValueDifference) -> told_pb.FeatureDifference:
    made = told_pb.FeatureDifference(
        decision_id=found.decision_id,
        transaction_id=found.transaction_id,
        feature=found.feature,
        stored=value_to_text(found.stored),
        recomputed=value_to_text(found.recomputed),
        cause=found.cause.value,
        lawful=found.cause in LAWFUL,
    )
    made.event_time.FromDatetime(found.event_time)
    return made
