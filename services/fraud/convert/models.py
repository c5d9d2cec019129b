"""Converts models, their versions, and what they were worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.fraud.v1 import model_pb2
from rampart.fraud.v1 import model_service_pb2 as pb

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions
from meshkit.tasks import WorkState
from meshkit.timestamps import time_from_proto, time_to_proto
from meshkit.updates import Updates
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scoring.drift import CERTAIN
from services.fraud.domain.scoring.settings import NewTraining, TrainingSettings, TrainingTarget
from services.fraud.domain.scoring.version import FraudModel, ModelOutcome, ModelUse, ModelVersion, NewModel
from services.fraud.ports.models import InspectionOrder, NewImport

__all__ = [
    "ChangingModels",
    "import_from_proto",
    "model_admits_from_proto",
    "model_change_from_proto",
    "model_check_from_proto",
    "model_request_from_proto",
    "model_to_proto",
    "model_version_to_proto",
    "new_model_from_proto",
    "training_from_proto",
    "use_from_proto",
]

ChangingModels: TypeAlias = (
    pb.CreateModelRequest
    | pb.UpdateModelRequest
    | pb.DeleteModelRequest
    | pb.TrainModelVersionRequest
    | pb.ImportModelVersionRequest
)
"""Requests that may have a name."""
_GIVEN = ("name", "description", "event_type")
_MODEL = Updates(
    "model",
    model_pb2.Model,
    identifier="name",
    mutable=["description"],
    fixed=["event_type", "create_time"],
    unversioned=["newest_version"],
)


def model_request_from_proto(message: ChangingModels) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: ChangingModels) -> None:
    if isinstance(content, pb.UpdateModelRequest):
        _MODEL.reduce(content.model, content.update_mask)
    elif isinstance(content, pb.CreateModelRequest):
        content.model.CopyFrom(model_pb2.Model(**{name: getattr(content.model, name) for name in _GIVEN}))


def new_model_from_proto(message: model_pb2.Model) -> NewModel:
    """Returns the model to create. What the service sets itself is not read."""
    return NewModel(message.name, message.description, message.event_type or PAYMENT.name)


def model_change_from_proto(message: model_pb2.Model, mask: FieldMask) -> str | None:
    """Returns the new description, None for none. Raises VALIDATION_FAILED for a mask that names no field."""
    return message.description if _MODEL.changes(message, mask) else None


def model_check_from_proto(message: model_pb2.Model, mask: FieldMask) -> Callable[[FraudModel], None] | None:
    """Returns what compares a model with what an update says of it besides its change, None if it says nothing."""
    claims = _MODEL.claims(message, mask)
    return (lambda known: _MODEL.check(claims, message, model_to_proto(known))) if claims else None


def model_admits_from_proto(
    request: pb.UpdateModelRequest | pb.DeleteModelRequest, etag: str
) -> Callable[[FraudModel], bool] | None:
    """Returns what tells which states a change is for, None for any. The quotes of the etag may be missing."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    wanted = f'"{etag.strip(chr(34))}"' if etag else ""
    if not (wanted or asked):
        return None
    return lambda known: wanted in ("", _etag(known.tag)) and asked.hold(_etag(known.tag))


def training_from_proto(message: model_pb2.TrainingSettings) -> NewTraining:
    usual = NewTraining(parameters={})
    parameters = {field.name: value for field, value in message.parameters.ListFields()}
    return NewTraining(
        features=tuple(message.features),
        since=time_from_proto(message.since) if message.HasField("since") else None,
        until=time_from_proto(message.until) if message.HasField("until") else None,
        days=message.days or usual.days,
        validation_days=message.validation_days,
        test_days=message.test_days if message.HasField("test_days") else usual.test_days,
        delay_days=message.delay_days if message.HasField("delay_days") else usual.delay_days,
        target=TrainingTarget(message.target) if message.target else usual.target,
        entity_field=message.entity_field,
        parameters=parameters,
    )


def import_from_proto(tenant_id: str, request: pb.ImportModelVersionRequest) -> NewImport:
    order = InspectionOrder(
        tenant_id=tenant_id,
        name=request.name,
        upload_id=UUID(request.upload_id),
        size=request.size,
        sha256=request.sha256,
        format=request.format,
        features=tuple(request.features),
    )
    return NewImport(
        order=order,
        valid_until=time_from_proto(request.valid_until) if request.HasField("valid_until") else None,
        most_missing=request.most_missing if request.HasField("most_missing") else None,
    )


def use_from_proto(request: pb.UpdateModelVersionRequest) -> Callable[[ModelUse], ModelUse]:
    """Returns what changes how a version may be used."""

    def change(use: ModelUse) -> ModelUse:
        valid_until = time_from_proto(request.valid_until) if request.HasField("valid_until") else use.valid_until
        most_missing = request.most_missing if request.HasField("most_missing") else use.most_missing
        return ModelUse(None if request.valid_forever else valid_until, most_missing)

    return change


def model_to_proto(model: FraudModel) -> model_pb2.Model:
    return model_pb2.Model(
        name=model.name,
        description=model.description,
        event_type=model.event_type,
        newest_version=model.newest,
        create_time=time_to_proto(model.created_at),
        update_time=time_to_proto(model.updated_at),
        etag=_etag(model.tag),
    )


def model_version_to_proto(version: ModelVersion, state: WorkState, *, whole: bool = True) -> model_pb2.ModelVersion:
    """Returns a version; not as a whole, it is without thresholds and bins."""
    message = model_pb2.ModelVersion(
        name=version.name,
        version=version.number,
        origin=version.origin.value,
        event_type=version.event_type,
        state=state.state,
        error=state.error,
        features=version.settings.features if version.settings is not None else (),
        most_missing=version.use.most_missing,
        created_by=version.created_by,
        create_time=time_to_proto(version.created_at),
    )
    if state.total:
        message.progress.CopyFrom(model_pb2.ModelProgress(done=state.done, total=state.total, message=state.message))
    if version.settings is not None:
        message.training.CopyFrom(_settings(version.settings))
    if version.use.valid_until is not None:
        message.valid_until.CopyFrom(time_to_proto(version.use.valid_until))
    if state.finished_at is not None:
        message.finish_time.CopyFrom(time_to_proto(state.finished_at))
    if version.outcome is not None:
        _tell(message, version.outcome, whole=whole)
    return message


def _tell(message: model_pb2.ModelVersion, outcome: ModelOutcome, *, whole: bool) -> None:
    del message.features[:]
    message.features.extend(outcome.features)
    message.fingerprint = outcome.fingerprint
    message.libraries.update(outcome.libraries)
    message.data_fingerprint = outcome.data_fingerprint
    message.onnx_bytes = outcome.onnx_bytes
    message.takes_missing = outcome.takes_missing
    message.explains = outcome.explains
    if outcome.evaluation is not None:
        message.metrics.CopyFrom(_metrics(outcome, outcome.evaluation, whole=whole))
    if outcome.validation is not None:
        message.validation_metrics.CopyFrom(_metrics(outcome, outcome.validation, whole=whole))


def _metrics(outcome: ModelOutcome, measured: Mapping[str, Any], *, whole: bool) -> model_pb2.ModelMetrics:
    thresholds = [model_pb2.ModelThreshold(**each) for each in measured["thresholds"]]
    bins = [
        model_pb2.ReliabilityBin(
            start=each["start"], end=each["end"], rows=each["count"], mean_score=each["mean_score"],
            observed=each["observed"],
        )
        for each in measured["reliability"]
    ]  # fmt: skip
    numbers = (
        "rows", "frauds", "auc_roc", "average_precision", "card_precision", "recall_at_1_percent", "calibration_error",
    )  # fmt: skip
    return model_pb2.ModelMetrics(
        **{name: measured[name] for name in numbers},
        learned_rows=outcome.learned_rows,
        learned_frauds=outcome.learned_frauds,
        unreadable=outcome.unreadable,
        certain=next((each for each in thresholds if each.threshold == CERTAIN), None),
        thresholds=thresholds if whole else (),
        reliability=bins if whole else (),
    )


def _settings(settings: TrainingSettings) -> model_pb2.TrainingSettings:
    return model_pb2.TrainingSettings(
        features=settings.features,
        since=time_to_proto(settings.since),
        until=time_to_proto(settings.until),
        days=(settings.until - settings.since).days,
        validation_days=settings.validation_days,
        test_days=settings.test_days,
        delay_days=settings.delay_days,
        target=settings.target.value,
        entity_field=settings.entity_field,
        parameters=model_pb2.TrainingParameters(**settings.parameters),
    )


def _etag(tag: UUID) -> str:
    return f'"{tag.hex}"'
