"""Converts the fields of an event, which arrive as JSON, to the values that its type declares."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Struct, Value

from services.fraud import errors
from services.fraud.domain.event_values import MAX_EVENT_BYTES, EventReader, EventValues

__all__ = ["event_values_from_proto", "retired_values_from_proto"]


def event_values_from_proto(reader: EventReader, fields: Struct, currency: str) -> EventValues:
    """Returns the values of an event of a tenant whose currency is given.

    Raises VALIDATION_FAILED with every field that is not as declared, and for an event of more than 16 kB.
    """
    size = fields.ByteSize()
    if size > MAX_EVENT_BYTES:
        raise errors.event_too_large(size, MAX_EVENT_BYTES)
    values, faults = reader.read(_members(fields), currency)
    if faults:
        raise errors.fields_invalid(faults)
    return values


def retired_values_from_proto(reader: EventReader, fields: Struct, currency: str) -> EventValues:
    """Returns what the retired fields of an event would hold."""
    return reader.read_retired(_members(fields), currency)


def _members(fields: Struct) -> Mapping[str, object]:
    return {name: _plain(value) for name, value in fields.fields.items()}


def _plain(value: Value) -> object:
    """Returns what a value is. No field is a list, so what one holds means nothing."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return _members(value.struct_value)
    return () if kind == "list_value" else getattr(value, kind)
