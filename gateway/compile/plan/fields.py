"""Describes request fields: their names in path, query and body, and the texts that set them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from protobuf import (
    DescField,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescMessage,
    Registry,
)

from gateway.compile.plan.texts import WRAPPERS, JsonValue, TextReader, text_reader, value_reader

__all__ = [
    "FieldError",
    "JsonValue",
    "Parameter",
    "behaviors",
    "element_message",
    "elements",
    "field_policy",
    "find",
    "is_field_mask",
    "is_well_known",
    "lookup",
    "parameters",
    "resolve",
]

MAX_QUERY_DEPTH = 5
"""Nested messages down to here are in the allow-list; below, a name is looked up when it comes."""
MAX_LOOKUP_DEPTH = 32
FIELD_POLICY = "rampart.mesh.v1.field"
FIELD_BEHAVIOR = "google.api.field_behavior"
_MAP_ENTRY = re.compile(r"([^\[\]]+)\[(.*)\]", re.DOTALL)
_SPECIAL = {"Any", "Duration", "Empty", "FieldMask", "ListValue", "Struct", "Timestamp", "Value"}
_WELL_KNOWN = {f"google.protobuf.{name}" for name in _SPECIAL} | set(WRAPPERS)


class FieldError(ValueError):
    """A binding names a field that does not exist or cannot be bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A field that a query parameter sets."""

    path: tuple[str, ...]
    """Names of the fields from the request message down, as in the proto; the last may be the key of a map."""
    field: DescField
    repeated: bool
    read: TextReader
    """Turns the text into a ProtoJSON value. Raises ValueError with what is wrong, without the text."""
    is_mask: bool = False
    """True for a FieldMask, whose text is a list of paths and no ProtoJSON."""

    @property
    def name(self) -> str:
        return ".".join(self.path)


def find(message: DescMessage, name: str) -> DescField | None:
    """Finds a field by its proto name or its JSON name."""
    return next((field for field in message.fields if name in (field.name, field.json_name)), None)


def resolve(message: DescMessage, path: Sequence[str]) -> list[DescField]:
    """Follows proto names from a message down. Raises FieldError."""
    fields: list[DescField] = []
    for name in path:
        field = next((field for field in message.fields if field.name == name), None)
        if field is None:
            raise FieldError(f"{message.type_name} has no field {name}")
        fields.append(field)
        if len(fields) < len(path):
            if not isinstance(field.value, DescFieldValueMessage):
                raise FieldError(f"{field.parent.type_name}.{name} is not a message")
            message = field.value.message
    return fields


def is_well_known(message: DescMessage) -> bool:
    """Tells whether ProtoJSON gives the type a form of its own."""
    return message.type_name in _WELL_KNOWN


def element_message(field: DescField) -> DescMessage | None:
    """Returns the message type of a field or of its elements, if it is one with ordinary fields."""
    value = field.value
    kind: object = None
    if isinstance(value, DescFieldValueMessage):
        kind = value.message
    elif isinstance(value, DescFieldValueList):
        kind = value.element
    elif isinstance(value, DescFieldValueMap):
        kind = value.value
    return kind if isinstance(kind, DescMessage) and not is_well_known(kind) else None


def elements(field: DescField, value: JsonValue) -> list[tuple[tuple[str | int, ...], JsonValue]]:
    """Returns the messages or elements in a field's value, each with the steps that lead to it."""
    match field.value:
        case DescFieldValueList() if isinstance(value, list):
            return [((index,), each) for index, each in enumerate(value)]
        case DescFieldValueMap() if isinstance(value, dict):
            return [((key,), each) for key, each in value.items()]
        case DescFieldValueMessage():
            return [((), value)]
    return []


def parameters(message: DescMessage, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, Parameter]]:
    """Yields every field that text can set, under each of its names: proto and JSON, dotted for nested messages."""
    for field in message.fields:
        names = (field.name,) if field.name == field.json_name else (field.name, field.json_name)
        path = (*prefix, field.name)
        parameter = _parameter(field, path)
        if parameter is not None:
            yield from ((name, parameter) for name in names)
        elif isinstance(field.value, DescFieldValueMessage) and _may_nest(field.value.message, len(path)):
            for below, parameter in parameters(field.value.message, path):
                yield from ((f"{name}.{below}", parameter) for name in names)


def lookup(message: DescMessage, name: str) -> Parameter | None:
    """Finds what a name sets that is not in the allow-list for its depth, or for its key: `labels[colour]`."""
    entry = _MAP_ENTRY.fullmatch(name)
    steps = (entry[1] if entry else name).split(".")
    path: list[str] = []
    for step in steps[:MAX_LOOKUP_DEPTH]:
        field = find(message, step)
        if field is None:
            return None
        path.append(field.name)
        if len(path) == len(steps):
            return _map_entry(field, path, entry[2]) if entry else _parameter(field, tuple(path))
        if not isinstance(field.value, DescFieldValueMessage) or is_well_known(field.value.message):
            return None
        message = field.value.message
    return None


def _parameter(field: DescField, path: tuple[str, ...]) -> Parameter | None:
    read = text_reader(field)
    if read is None:
        return None
    return Parameter(path, field, isinstance(field.value, DescFieldValueList), read, is_field_mask(field))


def _map_entry(field: DescField, path: Sequence[str], key: str) -> Parameter | None:
    if not isinstance(field.value, DescFieldValueMap):
        return None
    read = value_reader(field.value.value)
    return Parameter((*path, key), field, False, read) if read is not None else None


def is_field_mask(field: DescField) -> bool:
    value = field.value
    return isinstance(value, DescFieldValueMessage) and value.message.type_name == "google.protobuf.FieldMask"


def _may_nest(message: DescMessage, depth: int) -> bool:
    return depth < MAX_QUERY_DEPTH and not is_well_known(message)


def field_policy(options: Any, registry: Registry) -> Any | None:
    """Returns the `(rampart.mesh.v1.field)` of a field's options, None if there is none."""
    extension = registry.extension(FIELD_POLICY)
    if options is None or extension is None or extension.type not in options:
        return None
    return options[extension.type]


def behaviors(field: DescField, registry: Registry) -> Sequence[int]:
    """Returns the numbers of the `google.api.FieldBehavior` of a field (AIP-203)."""
    options, extension = field.proto.options, registry.extension(FIELD_BEHAVIOR)
    if options is None or extension is None or extension.type not in options:
        return ()
    return [int(each) for each in options[extension.type]]
