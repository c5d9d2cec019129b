"""Converts between messages and event types."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.fraud.v1 import event_type_pb2 as pb
from rampart.fraud.v1 import event_type_service_pb2

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions, etag_from_revision, revision_from_etag
from meshkit.timestamps import time_to_proto
from meshkit.updates import Updates
from services.fraud.domain.declaring import DeclaredType, TypeChange
from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType

__all__ = [
    "ChangingTypes",
    "declared_type_to_proto",
    "event_type_from_proto",
    "type_admits_from_proto",
    "type_change_from_proto",
    "type_check_from_proto",
    "type_request_from_proto",
]

ChangingTypes = event_type_service_pb2.CreateEventTypeRequest | event_type_service_pb2.UpdateEventTypeRequest
"""Requests that may have a name."""

_TYPE = Updates(
    "event_type",
    pb.EventType,
    identifier="name",
    mutable=["description", "fields"],
    fixed=["built_in", "create_time"],
)


def type_request_from_proto(message: ChangingTypes) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: ChangingTypes) -> None:
    if isinstance(content, event_type_service_pb2.UpdateEventTypeRequest):
        _TYPE.reduce(content.event_type, content.update_mask)
    else:
        _TYPE.reduce(content.event_type, FieldMask())
        content.event_type.etag = ""


def event_type_from_proto(message: pb.EventType) -> EventType:
    """Returns the event type to declare. What the service sets itself is not read."""
    return EventType(message.name, tuple(map(_field, message.fields)), description=message.description)


def type_change_from_proto(message: pb.EventType, mask: FieldMask) -> TypeChange:
    """Raises VALIDATION_FAILED for a mask that names what is no field of an event type."""
    named = _TYPE.changes(message, mask)
    return TypeChange(
        description=message.description if "description" in named else None,
        fields=[_field(each) for each in message.fields] if "fields" in named else None,
    )


def type_check_from_proto(message: pb.EventType, mask: FieldMask) -> Callable[[DeclaredType], None]:
    """Returns what compares an event type with what an update says of it besides its changes.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _TYPE.claims(message, mask)
    return lambda found: _TYPE.check(claims, message, declared_type_to_proto(found))


def type_admits_from_proto(request: event_type_service_pb2.UpdateEventTypeRequest) -> Callable[[int], bool]:
    """Returns what tells which versions a change is for."""
    named = revision_from_etag(request.event_type.etag)
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    return lambda version: named in (None, version) and asked.hold(etag_from_revision(version))


def declared_type_to_proto(declared: DeclaredType) -> pb.EventType:
    event_type = declared.event_type
    return pb.EventType(
        name=event_type.name,
        description=event_type.description,
        fields=map(_field_to_proto, event_type.fields),
        version=event_type.version,
        built_in=event_type.name in BUILT_IN,
        create_time=time_to_proto(declared.created_at) if declared.created_at is not None else None,
        update_time=time_to_proto(declared.updated_at) if declared.updated_at is not None else None,
        etag=etag_from_revision(event_type.version),
    )


def _field(message: pb.EventField) -> Field:
    return Field(
        name=message.name,
        type=FieldType(message.type),
        required=message.required,
        personal=message.personal,
        key=message.key,
        retired=message.retired,
        description=message.description,
        entity=message.entity,
    )


def _field_to_proto(field: Field) -> pb.EventField:
    return pb.EventField(
        name=field.name,
        type=field.type.value,
        required=field.required,
        personal=field.personal,
        key=field.key,
        retired=field.retired,
        description=field.description,
        entity=field.entity,
    )
