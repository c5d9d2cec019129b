"""Reads decisions of the past as they are stored."""

from __future__ import annotations

from typing import Any

from rampart.fraud.v1 import decision_pb2

from services.fraud.convert.decisions import facts_from_record
from services.fraud.convert.events import fields_from_record
from services.fraud.convert.signals import geo_point_from_record
from services.fraud.domain.backtests.past import PastAnswer, PastDecision, StoredVector
from services.fraud.domain.scenarios.scenario import VersionRef

__all__ = ["past_from_record", "vector_version_from_record"]


def past_from_record(row: Any) -> PastDecision:
    """Returns a decision of its columns, by name; where `answer` is null the event alone.

    Where it was is told if there are `inputs`.
    """
    fields = fields_from_record(row["event"])
    past = PastDecision(
        str(row["decision_id"]),
        row["transaction_id"],
        row["event_type"],
        row["event_time"],
        row["create_time"],
        fields,
    )
    if row["answer"] is None:
        return past if row["inputs"] is None else past._replace(place=geo_point_from_record(row["inputs"]))
    answer = decision_pb2.Decision.FromString(row["answer"])
    inputs = decision_pb2.DecisionInputs.FromString(row["inputs"])
    vector = inputs.vector
    versions = answer.versions
    told = PastAnswer(
        answer.outcome,
        answer.confidence_score,
        [*answer.risk_factors],
        [*answer.snoozed_rules],
        [*inputs.degraded],
        VersionRef(versions.scenario, versions.scenario_version) if versions.scenario else None,
    )
    stored = StoredVector(vector.version, [*vector.values], [*vector.numbers], [*vector.missing])
    facts = facts_from_record(inputs, fields, None)
    place = facts.ip.place if facts.ip is not None else None
    return past._replace(answer=told, facts=facts, vector=stored, place=place)


def vector_version_from_record(inputs: bytes) -> str:
    """Returns the version of the features of stored inputs."""
    return decision_pb2.DecisionInputs.FromString(inputs).vector.version
