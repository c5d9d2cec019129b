"""Converts between messages and features."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from rampart.fraud.v1 import feature_pb2 as pb
from rampart.fraud.v1 import feature_service_pb2 as service_pb

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions, etag_from_revision, revision_from_etag
from meshkit.timestamps import time_to_proto
from meshkit.updates import Updates
from services.fraud import errors
from services.fraud.domain.declared.declaration import Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.known import KnownFeature
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.domain.scenarios.faults import ContentFault

__all__ = [
    "ChangingFeatures",
    "definition_from_proto",
    "feature_admits_from_proto",
    "feature_check_from_proto",
    "feature_request_from_proto",
    "feature_to_proto",
    "feature_words_from_proto",
]

ChangingFeatures: TypeAlias = (
    service_pb.CreateFeatureRequest | service_pb.UpdateFeatureRequest | service_pb.DeleteFeatureRequest
)
"""Requests that may have a name."""

_OF_AGGREGATES = (
    "counts", "key", "aggregate", "field", "window", "delay", "boundary", "include_current", "same_currency", "where",
)  # fmt: skip
_GIVEN = ("name", "description", "event_type", *_OF_AGGREGATES, "expression", "measure")
_FEATURE = Updates(
    "feature",
    pb.Feature,
    identifier="name",
    mutable=["description"],
    fixed=["event_type", *_OF_AGGREGATES, "expression", "measure", "built_in", "resolution"],
    unversioned=["state"],
    fixed_words="never changes: declare another feature",
)
_PARTS_OF_MILLISECOND = 1_000_000
_NO_MILLISECONDS = -1
"""What no window and no delay has."""


def feature_request_from_proto(message: ChangingFeatures) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: ChangingFeatures) -> None:
    if isinstance(content, service_pb.UpdateFeatureRequest):
        _FEATURE.reduce(content.feature, content.update_mask)
    elif isinstance(content, service_pb.CreateFeatureRequest):
        for field, _ in content.feature.ListFields():
            if field.name not in _GIVEN:
                content.feature.ClearField(field.name)


def definition_from_proto(message: pb.Feature) -> Definition:
    """Returns what is declared. Raises VALIDATION_FAILED for what is no aggregate, no expression and no measure."""
    if message.measure:
        _check_absent(message, {*_OF_AGGREGATES, "expression"} - {"key"}, "a measure")
        if len(message.key) != 1:
            fault = ContentFault("key", "key.one", "must name one field: whose entity is measured")
            raise errors.content_refused([fault], "feature.")
        measure = GraphMeasure(message.measure)
        return GraphFeature(name=message.name, event_type=message.event_type, key=message.key[0], measure=measure)
    if message.expression:
        _check_absent(message, _OF_AGGREGATES, "an expression")
        return DerivedFeature(name=message.name, event_type=message.event_type, expression=message.expression)
    if not message.aggregate:
        fault = ContentFault("aggregate", "aggregate.required", "must be said, or an expression or a measure")
        raise errors.content_refused([fault], "feature.")
    return Feature(
        name=message.name,
        event_type=message.event_type,
        key=tuple(message.key),
        aggregate=Aggregate(message.aggregate),
        window_ms=_milliseconds(message.window),
        counts=tuple(message.counts),
        field=message.field,
        delay_ms=_milliseconds(message.delay),
        boundary=Boundary(message.boundary) if message.boundary else Boundary.AFTER_START,
        include_current=message.include_current,
        same_currency=message.same_currency,
        where=message.where,
    )


def _check_absent(message: pb.Feature, names: Collection[str], beside: str) -> None:
    """Raises VALIDATION_FAILED for what does not go with something else."""
    given = {field.name for field, _ in message.ListFields()}
    words = f"must be absent from a feature that has {beside}"
    faults = [ContentFault(name, f"{name}.absent", words) for name in _GIVEN if name in names and name in given]
    if faults:
        raise errors.content_refused(faults, "feature.")


def feature_words_from_proto(message: pb.Feature, mask: FieldMask) -> str | None:
    """Returns the new description, None if it stays. Raises VALIDATION_FAILED for a mask that names no field."""
    return message.description if "description" in _FEATURE.changes(message, mask) else None


def feature_check_from_proto(message: pb.Feature, mask: FieldMask) -> Callable[[KnownFeature], None]:
    """Returns what compares a feature with what an update says of it besides its description.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _FEATURE.claims(message, mask)
    return lambda found: _FEATURE.check(claims, message, feature_to_proto(found))


def feature_admits_from_proto(
    request: service_pb.UpdateFeatureRequest | service_pb.DeleteFeatureRequest, etag: str
) -> Callable[[int], bool]:
    """Returns what tells which revisions a change is for."""
    named = revision_from_etag(etag)
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    return lambda revision: named in (None, revision) and asked.hold(etag_from_revision(revision))


def feature_to_proto(known: KnownFeature) -> pb.Feature:
    declared = known.declared
    definition = declared.definition
    message = pb.Feature(
        name=declared.name,
        description=declared.description,
        event_type=definition.event_type,
        state="ready" if known.is_read else "filling",
        built_in=known.built_in,
        create_time=time_to_proto(declared.created_at) if declared.created_at is not None else None,
        update_time=time_to_proto(declared.updated_at) if declared.updated_at is not None else None,
        etag=etag_from_revision(declared.revision),
    )
    if isinstance(definition, DerivedFeature):
        message.expression = definition.expression
    elif isinstance(definition, GraphFeature):
        message.key.append(definition.key)
        message.measure = definition.measure.value
    else:
        _aggregate_to_proto(definition, message)
    return message


def _aggregate_to_proto(feature: Feature, message: pb.Feature) -> None:
    message.counts.extend(feature.counted)
    message.key.extend(feature.key)
    message.aggregate, message.field = feature.aggregate.value, feature.field
    message.window.FromMilliseconds(feature.window_ms)
    message.delay.FromMilliseconds(feature.delay_ms)
    message.boundary = feature.boundary.value
    message.include_current, message.same_currency = feature.include_current, feature.same_currency
    message.where = feature.where
    message.resolution = "day" if feature.by_day else "exact"


def _milliseconds(duration: Duration) -> int:
    if duration.nanos % _PARTS_OF_MILLISECOND:
        return _NO_MILLISECONDS
    return duration.seconds * 1000 + duration.nanos // _PARTS_OF_MILLISECOND
