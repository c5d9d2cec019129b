"""JSON Schemas of messages as ProtoJSON with the proto's own field names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.comments import Comments
from gateway.openapi.constraints import (
    FieldRules,
    Schema,
    conditions,
    field_rules,
    is_required,
    keywords,
    message_rules,
)
from gateway.openapi.well_known import WELL_KNOWN

__all__ = ["Schemas", "reachable"]

FieldPath = tuple[str, ...]
SET_BY_SERVICE = "Set by the service."

_INT64: Schema = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_UINT64: Schema = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
_INT32: Schema = {"type": "integer", "format": "int32"}
_UINT32: Schema = {"type": "integer", "format": "uint32", "minimum": 0}
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}


class Schemas:
    """Makes the schemas of messages and collects them as components.

    What a message says about itself depends on its use. In requests the edge refuses unknown fields; answers may gain
    fields, and they show every field without presence, so that an absent one appears with its zero value.
    """

    def __init__(self, comments: Comments, requests: Iterable[Descriptor], answers: Iterable[Descriptor]) -> None:
        self.components: dict[str, Schema] = {}
        self._comments = comments
        self._in_requests = reachable(requests)
        self._in_answers = reachable(answers)
        self._names: dict[str, str] = {}

    def message(self, message: Descriptor) -> Schema:
        """Returns a reference to the schema of a message."""
        well_known = WELL_KNOWN.get(message.full_name)
        if well_known is not None and message.file.package == "google.protobuf":
            return dict(well_known)
        name = self._names.get(message.full_name)
        if name is None:
            name = self._name(message)
            # A message may hold itself: its name is known before its schema is made.
            self.components[name] = {}
            self.components[name] = well_known or self._object(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def body(self, message: Descriptor, name: str, bound: Collection[FieldPath]) -> Schema:
        """Returns the schema of a request body without the fields that the path binds, kept under `name`."""
        if not bound:
            return self.message(message)
        self.components[name] = self._object(message, bound)
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor) -> Schema:
        """Returns the schema of a field's value, with its comment and constraints."""
        owner = field.containing_type
        answered = owner is not None and owner.full_name in self._in_answers
        return self._described(field, self._value(field, answered))

    def value(self, field: FieldDescriptor) -> Schema:
        """Returns the schema of a field's value where it stands alone: as a parameter or as a whole body."""
        return self._value(field, answered=False)

    def _object(self, message: Descriptor, bound: Collection[FieldPath] = ()) -> Schema:
        properties: Schema = {}
        required: list[str] = []
        for field in message.fields:
            below = [path[1:] for path in bound if path[0] == field.name]
            if () in below:
                continue
            properties[field.name] = self._property(field, below)
            if self._is_required(message, field):
                required.append(field.name)
        schema: Schema = {"type": "object", "description": self._words(message), "properties": properties}
        if required:
            schema["required"] = required
        if message.full_name not in self._in_answers or bound:
            schema["additionalProperties"] = False
        if _is_union(message):
            schema["maxProperties"] = 1
        return schema | conditions(message)

    def _property(self, field: FieldDescriptor, bound: Collection[FieldPath]) -> Schema:
        if bound and field.message_type is not None:
            return self._described(field, self._object(field.message_type, bound))
        return self.field(field)

    def _is_required(self, message: Descriptor, field: FieldDescriptor) -> bool:
        if message.full_name in self._in_requests:
            return is_required(field)
        return not field.has_presence

    def _words(self, message: Descriptor) -> str:
        parts = [self._comments.of(message.full_name)]
        for oneof in message.oneofs:
            # An optional field stands in a oneof of its own, which nobody wrote.
            if len(oneof.fields) > 1:
                members = ", ".join(f"`{field.name}`" for field in oneof.fields)
                comment = self._comments.of(f"{message.full_name}.{oneof.name}") or "At most one of these."
                parts.append(f"{comment.removesuffix('.')}: {members}.")
        parts += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in message_rules(message)]
        return "\n\n".join(part for part in parts if part)

    def _described(self, field: FieldDescriptor, schema: Schema) -> Schema:
        comment = self._comments.of(field.full_name)
        described = schema | {"description": comment} if comment else schema
        return described | {"readOnly": True} if SET_BY_SERVICE in comment else described

    def _value(self, field: FieldDescriptor, answered: bool) -> Schema:
        rules = field_rules(field)
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            value = entry.fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._single(value, rules.map.values, answered)}
            names = keywords(rules.map.keys)
            return schema | ({"propertyNames": names} if names else {}) | keywords(rules)
        if field.is_repeated:
            return {"type": "array", "items": self._single(field, rules.repeated.items, answered)} | keywords(rules)
        return self._single(field, rules, answered)

    def _single(self, field: FieldDescriptor, rules: FieldRules, answered: bool) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        words = keywords(rules)
        schema = dict(_SCALARS[field.type])
        if answered and words and rules.ignore and schema["type"] == "string":
            return schema | {"anyOf": [{"const": ""}, words]}
        return schema | words

    def _enum(self, enum: EnumDescriptor) -> Schema:
        lines = [f"- `{value.name}`: {self._comments.of(f'{enum.full_name}.{value.name}')}" for value in enum.values]
        description = "\n".join([self._comments.of(enum.full_name), "", *lines])
        return {"type": "string", "enum": [value.name for value in enum.values], "description": description}

    def _name(self, message: Descriptor) -> str:
        short = message.full_name.removeprefix(f"{message.file.package}.")
        name = message.full_name if short in self.components else short
        self._names[message.full_name] = name
        return name


def reachable(messages: Iterable[Descriptor]) -> frozenset[str]:
    """Returns the full names of messages and of all that they hold."""
    found: set[str] = set()
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found.add(message.full_name)
            waiting += _held(message)
    return frozenset(found)


def _held(message: Descriptor) -> Iterator[Descriptor]:
    return (field.message_type for field in message.fields if field.message_type is not None)


def _is_union(message: Descriptor) -> bool:
    """Tells whether a message is one oneof and nothing else."""
    return len(message.oneofs) == 1 and len(message.oneofs[0].fields) == len(message.fields) > 1
