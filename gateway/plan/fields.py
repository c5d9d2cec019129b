"""Fields of a request message as the edge sees them: what text can set them, and under which names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Registry,
    ScalarType,
)

__all__ = [
    "FieldError",
    "JsonValue",
    "Parameter",
    "element_message",
    "elements",
    "field_policy",
    "find",
    "is_field_mask",
    "is_well_known",
    "lookup",
    "parameters",
    "resolve",
    "snake_case",
    "text_reader",
]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
TextReader = Callable[[str], JsonValue]

MAX_QUERY_DEPTH = 5
"""Nested messages down to here are in the allow-list; below, a name is looked up when it comes."""
MAX_LOOKUP_DEPTH = 32
FIELD_POLICY = "rampart.mesh.v1.field"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?|-?Infinity|NaN")
_MAP_ENTRY = re.compile(r"([^\[\]]+)\[(.*)\]", re.DOTALL)
_MASK_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_NOT_INTEGERS = {ScalarType.BOOL, ScalarType.BYTES, ScalarType.DOUBLE, ScalarType.FLOAT, ScalarType.STRING}
_WRAPPERS = {
    "google.protobuf.BoolValue": ScalarType.BOOL,
    "google.protobuf.BytesValue": ScalarType.BYTES,
    "google.protobuf.DoubleValue": ScalarType.DOUBLE,
    "google.protobuf.FloatValue": ScalarType.FLOAT,
    "google.protobuf.Int32Value": ScalarType.INT32,
    "google.protobuf.Int64Value": ScalarType.INT64,
    "google.protobuf.StringValue": ScalarType.STRING,
    "google.protobuf.UInt32Value": ScalarType.UINT32,
    "google.protobuf.UInt64Value": ScalarType.UINT64,
}
_SPECIAL = {"Any", "Duration", "Empty", "FieldMask", "ListValue", "Struct", "Timestamp", "Value"}
_WELL_KNOWN = {f"google.protobuf.{name}" for name in _SPECIAL} | set(_WRAPPERS)


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
    read = _value_reader(field.value.value)
    return Parameter((*path, key), field, False, read) if read is not None else None


def is_field_mask(field: DescField) -> bool:
    value = field.value
    return isinstance(value, DescFieldValueMessage) and value.message.type_name == "google.protobuf.FieldMask"


def _may_nest(message: DescMessage, depth: int) -> bool:
    return depth < MAX_QUERY_DEPTH and not is_well_known(message)


def text_reader(field: DescField) -> TextReader | None:
    """Returns how text becomes the ProtoJSON value of a field or of one element; None if text cannot set it."""
    match field.value:
        case DescFieldValueScalar(scalar=kind) | DescFieldValueList(element=ScalarType() as kind):
            return _value_reader(kind)
        case DescFieldValueEnum(enum=kind) | DescFieldValueList(element=DescEnum() as kind):
            return _value_reader(kind)
        case DescFieldValueMessage(message=kind) | DescFieldValueList(element=DescMessage() as kind):
            return _value_reader(kind)
    return None


def _value_reader(kind: ScalarType | DescEnum | DescMessage) -> TextReader | None:
    if isinstance(kind, DescMessage):
        return _message_reader(kind.type_name)
    return _scalar_reader(kind) if isinstance(kind, ScalarType) else _read_enum


def _scalar_reader(kind: ScalarType) -> TextReader:
    if kind is ScalarType.BOOL:
        return _read_bool
    if kind in (ScalarType.DOUBLE, ScalarType.FLOAT):
        return _read_number
    return _read_text if kind in _NOT_INTEGERS else _read_integer


def _message_reader(type_name: str) -> TextReader | None:
    if type_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        return _read_text
    if type_name == "google.protobuf.FieldMask":
        return _read_mask
    return _scalar_reader(_WRAPPERS[type_name]) if type_name in _WRAPPERS else None


def _read_text(text: str) -> JsonValue:
    return text


def _read_bool(text: str) -> JsonValue:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _read_integer(text: str) -> JsonValue:
    if _INTEGER.fullmatch(text):
        return int(text)
    # "1e3" is an integer too, as in ProtoJSON; what it is worth, and whether it fits, the codec says.
    if text[-1:].isdigit() and _NUMBER.fullmatch(text):
        return text
    raise ValueError("must be an integer")


def _read_number(text: str) -> JsonValue:
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    return text


def _read_enum(text: str) -> JsonValue:
    return int(text) if _INTEGER.fullmatch(text) else text


def _read_mask(text: str) -> JsonValue:
    """Returns the paths as they are: their names may be those of the proto or of JSON."""
    paths = text.split(",") if text else []
    if not all(path == "*" or _MASK_PATH.fullmatch(path) for path in paths):
        raise ValueError("must be field paths separated by commas")
    return list(paths)


def snake_case(path: str) -> str:
    """Writes a field path of ProtoJSON as the proto does."""
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", path)


def field_policy(options: Any, registry: Registry) -> Any | None:
    """Returns the `(rampart.mesh.v1.field)` of a field's options, None if there is none."""
    extension = registry.extension(FIELD_POLICY)
    if options is None or extension is None or extension.type not in options:
        return None
    return options[extension.type]
