"""Renders what versions in the shadow would have answered."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import scenario_pb2 as pb

from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.shadows import ShadowReport

__all__ = ["shadow_report_to_proto"]


def shadow_report_to_proto(ref: VersionRef, report: ShadowReport) -> pb.ShadowReport:
    """Returns a report, what is most frequent first."""
    message = pb.ShadowReport(
        version=pb.VersionRef(scenario_id=ref.scenario_id, version=ref.number),
        decisions=report.decisions,
        missed=report.missed,
        failed=report.failed,
        outcomes=[
            pb.ShadowOutcome(answered=answered, shadowed=shadowed, decisions=count)
            for (answered, shadowed), count in sorted(report.outcomes.items(), key=lambda each: (-each[1], each[0]))
        ],
        rules=[
            pb.ShadowRule(code=code, only_answered=counts.answered, only_shadowed=counts.shadowed, both=counts.both)
            for code, counts in sorted(
                report.rules.items(), key=lambda each: (-each[1].answered - each[1].shadowed, each)
            )
        ],
        errors=report.errors,
        not_enough_data=report.not_enough_data,
        examples=[pb.ShadowExample(**each._asdict()) for each in report.examples],
    )
    for name, at in (("start_time", report.since), ("end_time", report.until)):
        if at is not None:
            stamp: Timestamp = getattr(message, name)
            stamp.FromDatetime(at)
    return message
