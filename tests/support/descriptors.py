"""Small descriptor sets made in code, for plans that no compiler need read."""

from __future__ import annotations

from collections.abc import Mapping

from google.api import annotations_pb2
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

__all__ = ["service_of"]

_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_IMPORTS = ["google/api/annotations.proto", "google/protobuf/field_mask.proto", "google/protobuf/struct.proto"]


def service_of(rules: Mapping[str, str], **fields: str) -> FileDescriptorSet:
    """Returns a service whose methods, by name, take and return `Thing` and carry the given HttpRule in text format.

    `fields` are the fields of `Thing`: "string", ".package.Message", "repeated int32", or "key: string" in oneof `key`.
    """
    file = FileDescriptorProto(name="thing.proto", package="things.v1", syntax="proto3", dependency=_IMPORTS)
    thing = file.message_type.add(name="Thing")
    for number, (name, kind) in enumerate((fields or {"a": "string", "b": "string"}).items(), 1):
        _add_field(thing.field.add(name=name, number=number), kind)
    if any(field.HasField("oneof_index") for field in thing.field):
        thing.oneof_decl.add(name="key")
    things = file.service.add(name="Things")
    for name, rule in rules.items():
        method = things.method.add(name=name, input_type=".things.v1.Thing", output_type=".things.v1.Thing")
        text_format.Parse(rule, method.options.Extensions[annotations_pb2.http])
    return FileDescriptorSet(file=[file])


def _add_field(field: FieldDescriptorProto, kind: str) -> None:
    in_oneof, _, kind = kind.rpartition(": ")
    if in_oneof:
        field.oneof_index = 0
    repeated = kind.startswith("repeated ")
    field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    kind = kind.removeprefix("repeated ")
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = kind
