"""Converts the drift of models, and what they said of decisions."""

from __future__ import annotations

from datetime import datetime

from rampart.fraud.v1 import decision_pb2, model_pb2

from meshkit.timestamps import time_to_proto
from services.fraud.domain.scoring.drift import DayDrift, InputDrift, LabelledAlerts, ModelDrift
from services.fraud.domain.scoring.model import ModelRef

__all__ = ["drift_to_proto", "model_score_from_record"]


def model_score_from_record(inputs: bytes) -> tuple[ModelRef, float]:
    """Returns what a model said of a stored decision; a reference to nothing if none was asked."""
    said = decision_pb2.DecisionInputs.FromString(inputs).model
    return ModelRef(said.name, said.version), said.score


def drift_to_proto(ref: ModelRef, since: datetime, drift: ModelDrift, labelled: LabelledAlerts) -> model_pb2.ModelDrift:
    return model_pb2.ModelDrift(
        name=ref.name,
        version=ref.number,
        since_time=time_to_proto(since),
        rows=drift.rows,
        alert_rate=drift.alert_rate,
        usual_alert_rate=drift.usual_alert_rate,
        score=_input(drift.score) if drift.score is not None else None,
        inputs=map(_input, drift.inputs),
        days=map(_day, drift.days),
        labelled=_labelled(labelled),
    )


def _input(drift: InputDrift) -> model_pb2.DriftedInput:
    return model_pb2.DriftedInput(
        name=drift.name,
        stability_index=drift.index,
        state=drift.state.value,
        missing=drift.missing,
        usually_missing=drift.usually_missing,
    )


def _day(drift: DayDrift) -> model_pb2.DriftDay:
    return model_pb2.DriftDay(
        day=drift.day.isoformat(),
        rows=drift.rows,
        alert_rate=drift.alert_rate,
        score_index=drift.score_index,
        worst_input=drift.worst.name if drift.worst is not None else "",
        worst_index=drift.worst.index if drift.worst is not None else 0.0,
    )


def _labelled(found: LabelledAlerts) -> model_pb2.LabelledAlerts:
    return model_pb2.LabelledAlerts(alerts=found.labelled, frauds=found.frauds, precision=found.precision)
