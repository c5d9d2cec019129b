"""Reads `google.api.field_behavior` (AIP-203) of a field as keywords of JSON Schema."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor

from gateway.describe.openapi.constraints import Schema, is_required

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FieldOptions
    from google.protobuf.internal.containers import RepeatedScalarFieldContainer
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["marks", "needed"]

SET_BY_SERVICE = "Set by the service."
ETAG = "etag"

_BEHAVIOR = cast(
    "_ExtensionFieldDescriptor[FieldOptions, RepeatedScalarFieldContainer[int]]", field_behavior_pb2.field_behavior
)


def marks(field: FieldDescriptor, comment: str) -> Schema:
    """Returns the keywords for fields that only one side sets, and for those that nobody should."""
    found = _behavior(field)
    # The service sets an etag, and who changes something sends it back (AIP-154).
    by_service = SET_BY_SERVICE in comment and field.name != ETAG
    words = {
        "readOnly": by_service or field_behavior_pb2.OUTPUT_ONLY in found,
        "writeOnly": field_behavior_pb2.INPUT_ONLY in found,
        "deprecated": field.GetOptions().deprecated,
    }
    return {word: True for word, holds in words.items() if holds}


def needed(field: FieldDescriptor) -> bool:
    """Tells whether a request has to set a field."""
    return is_required(field) or field_behavior_pb2.REQUIRED in _behavior(field)


def _behavior(field: FieldDescriptor) -> Collection[int]:
    return field.GetOptions().Extensions[_BEHAVIOR]
