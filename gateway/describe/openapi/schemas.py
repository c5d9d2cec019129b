"""Makes the JSON Schemas of messages as ProtoJSON, with the names of fields that answers have."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator

from buf.validate.validate_pb2 import IGNORE_IF_ZERO_VALUE
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.describe.comments import Comments
from gateway.describe.openapi.behavior import marks, needed
from gateway.describe.openapi.constraints import (
    FieldRules,
    Schema,
    field_rules,
    field_sentences,
    keywords,
    or_null,
    or_zero,
)
from gateway.describe.openapi.message_rules import conditions, groups, message_sentences
from gateway.describe.openapi.names import ComponentNames
from gateway.describe.openapi.well_known import ANY, STATUS, WELL_KNOWN

__all__ = ["KEPT_NAMES", "Schemas", "Use", "reachable"]

FieldPath = tuple[str, ...]
_KEPT = {STATUS: "Status", ANY: "TypedObject"}
"""Messages of which there is one component by that name, whatever the use."""
KEPT_NAMES = tuple(_KEPT.values())

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
_ZEROS: dict[int, object] = {
    FieldDescriptor.CPPTYPE_STRING: "",
    FieldDescriptor.CPPTYPE_BOOL: False,
    FieldDescriptor.CPPTYPE_INT64: "0",
    FieldDescriptor.CPPTYPE_UINT64: "0",
}


class Use(enum.Enum):
    """Where a message stands. The value is what its schema has behind its name, if it needs a name of its own."""

    REQUEST = "Input"
    ANSWER = ""


class Schemas:
    """Makes the schemas of messages and collects them as components.

    What a message says about itself depends on its use. In requests the edge refuses unknown fields; answers may gain
    fields, and they show every field without presence, so that an absent one appears with its zero value. A message
    that is used both ways has two schemas: that of requests has `Input` behind its name.
    """

    def __init__(
        self,
        comments: Comments,
        requests: Iterable[Descriptor],
        answers: Iterable[Descriptor],
        names: ComponentNames,
        *,
        json_names: bool = False,
        section: str = "schemas",
    ) -> None:
        """`section` is where the components stand below `components`."""
        self._json_names = json_names
        self.components: dict[str, Schema] = {}
        self._comments = comments
        self._in_both = reachable(requests) & reachable(answers)
        self._component_names = names
        self._names: dict[tuple[str, ...], str] = {}
        self._section = section

    def message(self, message: Descriptor, use: Use) -> Schema:
        """Returns a reference to the schema of a message."""
        well_known = WELL_KNOWN.get(message.full_name)
        if message.full_name in _KEPT and well_known is not None:
            return self.kept(_KEPT[message.full_name], well_known)
        if well_known is not None and message.file.package == "google.protobuf":
            return dict(well_known)
        key = (message.full_name, use.value if message.full_name in self._in_both else "")
        if key not in self._names:
            name = self._names[key] = self._name(message, key[1])
            # A message may hold itself: its name is known before its schema is made.
            self.components[name] = {}
            self.components[name] = well_known or self._object(message, use)
        return self._reference(self._names[key])

    def body(self, message: Descriptor, identifier: str, bound: Collection[FieldPath]) -> Schema:
        """Returns the schema of an operation's body without the fields that the path binds."""
        if not bound:
            return self.message(message, Use.REQUEST)
        key = (message.full_name, "body", *sorted(".".join(path) for path in bound))
        if key not in self._names:
            self._names[key] = self._component_names.give(f"{identifier[0].upper()}{identifier[1:]}Body")
            self.components[self._names[key]] = self._object(message, Use.REQUEST, bound)
        return self._reference(self._names[key])

    def frame(self, identifier: str, schema: Schema) -> Schema:
        """Returns a reference to the frame of an operation's stream, which holds a message of `schema` or a status."""
        name = self._component_names.give(f"{identifier[0].upper()}{identifier[1:]}Frame")
        self.components[name] = {
            "type": "object",
            "description": "One frame of the stream: a message, or the status that ends the stream. Code 0 is success.",
            "properties": {"result": schema, "status": self.kept(_KEPT[STATUS], WELL_KNOWN[STATUS])},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return self._reference(name)

    def kept(self, name: str, schema: Schema) -> Schema:
        """Returns a reference to a component whose name is its own."""
        self.components[name] = schema
        return self._reference(name)

    def _reference(self, name: str) -> Schema:
        return {"$ref": f"#/components/{self._section}/{name}"}

    def field(self, field: FieldDescriptor, use: Use) -> Schema:
        """Returns the schema of a field's value, with its comment and constraints."""
        return self._described(field, self.value(field, use))

    def name(self, field: FieldDescriptor) -> str:
        """Returns the name that a field has in answers: that of the proto, or the one of ProtoJSON."""
        return field.json_name if self._json_names else field.name

    def _object(self, message: Descriptor, use: Use, bound: Collection[FieldPath] = ()) -> Schema:
        properties: Schema = {}
        required: list[str] = []
        for field in message.fields:
            below = [path[1:] for path in bound if path[0] == field.name]
            if () in below:
                continue
            schema = self._property(field, use, below)
            if _is_required(field, use):
                required.append(self.name(field))
            elif use is Use.REQUEST:
                schema = or_null(schema)
            properties[self.name(field)] = schema
        whole: Schema = {"type": "object", "description": self._words(message), "properties": properties}
        if required:
            whole["required"] = required
        if use is Use.REQUEST:
            whole["additionalProperties"] = False
        # Rules between fields are told with the names of the proto alone.
        return whole if self._json_names else whole | conditions(message, [path[0] for path in bound])

    def _property(self, field: FieldDescriptor, use: Use, bound: Collection[FieldPath]) -> Schema:
        if bound and field.message_type is not None:
            return self._described(field, self._object(field.message_type, use, bound))
        return self.field(field, use)

    def _words(self, message: Descriptor) -> str:
        parts = [self._comments.of(message.full_name)]
        for full_name, names, required in groups(message):
            members = ", ".join(f"`{name}`" for name in names)
            comment = self._comments.of(full_name) or ("Exactly one of these." if required else "At most one of these.")
            parts.append(f"{comment.removesuffix('.')}: {members}.")
        parts += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in message_sentences(message)]
        return "\n\n".join(part for part in parts if part)

    def _described(self, field: FieldDescriptor, schema: Schema) -> Schema:
        comment = self.words(field)
        return schema | ({"description": comment} if comment else {}) | marks(field, comment)

    def words(self, field: FieldDescriptor) -> str:
        """Returns the comment of a field and those of its rules that a schema cannot tell."""
        return " ".join(part for part in (self._comments.of(field.full_name), *field_sentences(field)) if part)

    def value(self, field: FieldDescriptor, use: Use) -> Schema:
        """Returns the schema of a field's value where it stands alone: as a parameter or as a whole body."""
        rules = field_rules(field)
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            value = entry.fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._single(value, rules.map.values, use)}
            names = keywords(rules.map.keys)
            return schema | ({"propertyNames": names} if names else {}) | keywords(rules)
        if field.is_repeated:
            return {"type": "array", "items": self._single(field, rules.repeated.items, use)} | keywords(rules)
        return self._single(field, rules, use)

    def _single(self, field: FieldDescriptor, rules: FieldRules, use: Use) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type, use)
        if field.enum_type is not None:
            return self._enum(field.enum_type, rules)
        schema = dict(_SCALARS[field.type])
        return schema | _passing_zero(keywords(rules), rules, _ZEROS.get(field.cpp_type, 0))

    def _enum(self, enum: EnumDescriptor, rules: FieldRules) -> Schema:
        lines = [f"- `{value.name}`: {self._comments.of(f'{enum.full_name}.{value.name}')}" for value in enum.values]
        description = "\n".join([self._comments.of(enum.full_name), "", *lines])
        schema: Schema = {"type": "string", "enum": [value.name for value in enum.values], "description": description}
        words = keywords(rules, {value.number: value.name for value in enum.values})
        return schema | _passing_zero(words, rules, enum.values[0].name)

    def _name(self, message: Descriptor, suffix: str) -> str:
        short = message.full_name.removeprefix(f"{message.file.package}.") + suffix
        return self._component_names.give(short, f"{message.full_name}{suffix}", message=message.full_name)


def _passing_zero(words: Schema, rules: FieldRules, zero: object) -> Schema:
    return or_zero(words, zero) if rules.ignore == IGNORE_IF_ZERO_VALUE else words


def _is_required(field: FieldDescriptor, use: Use) -> bool:
    return needed(field) if use is Use.REQUEST else not field.has_presence


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
