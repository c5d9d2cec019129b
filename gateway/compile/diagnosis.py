"""Finds what is wrong with a JSON value, and where, after a codec has refused it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protobuf import (
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    ScalarType,
)

from gateway.compile.plan.fields import JsonValue, element_message, elements, find, is_well_known

__all__ = ["DecodeError", "Path", "locate"]

Accepts = Callable[[DescMessage, JsonValue], bool]
Path = tuple[str | int, ...]

_NEED = {
    ScalarType.BOOL: "must be true or false",
    ScalarType.BYTES: "must be base64",
    ScalarType.DOUBLE: "must be a number",
    ScalarType.FLOAT: "must be a number",
    ScalarType.STRING: "must be a string",
}
_WELL_KNOWN_NEED = {
    "google.protobuf.Duration": 'must be a duration such as "1.5s"',
    "google.protobuf.FieldMask": "must be field names in lowerCamelCase separated by commas",
    "google.protobuf.Timestamp": "must be an RFC 3339 timestamp",
}


class DecodeError(ValueError):
    """A value cannot be read. `path` leads to it; the message never shows it."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def locate(message: DescMessage, value: JsonValue, accepts: Accepts, path: Path = ()) -> DecodeError:
    """Finds the first value below `value`, whose names are good, that the codec does not accept on its own."""
    if is_well_known(message):
        return DecodeError(path, _WELL_KNOWN_NEED.get(message.type_name, "is not valid"))
    if not isinstance(value, dict):
        return DecodeError(path, "must be an object")
    for key, field in _known(message, value):
        if not accepts(message, {key: value[key]}):
            return _locate_in_field(field, value[key], accepts, (*path, key))
    return DecodeError(path, "is not valid")


def _locate_in_field(field: DescField, value: JsonValue, accepts: Accepts, path: Path) -> DecodeError:
    below = element_message(field)
    expected = {DescFieldValueList: list, DescFieldValueMap: dict}.get(type(field.value))
    if expected is not None and not isinstance(value, expected):
        return DecodeError(path, "must be a list" if expected is list else "must be an object")
    for step, each in elements(field, value):
        if below is not None and not accepts(below, each):
            return locate(below, each, accepts, (*path, *step))
        if expected is not None and below is None and not accepts(field.parent, {field.name: _only(step[0], each)}):
            return DecodeError((*path, *step), _need(field))
    return DecodeError(path, _need(field))


def _known(message: DescMessage, value: dict[str, JsonValue]) -> list[tuple[str, DescField]]:
    return [(key, field) for key in value if (field := find(message, key)) is not None]


def _only(step: str | int, value: JsonValue) -> JsonValue:
    return [value] if isinstance(step, int) else {step: value}


def _need(field: DescField) -> str:
    kind: Any = None
    match field.value:
        case DescFieldValueScalar(scalar=kind) | DescFieldValueMessage(message=kind) | DescFieldValueEnum(enum=kind):
            pass
        case DescFieldValueList(element=kind) | DescFieldValueMap(value=kind):
            pass
    if isinstance(kind, ScalarType):
        return _NEED.get(kind, f"must be an integer in the range of {kind.name.lower()}")
    if isinstance(kind, DescMessage):
        return _WELL_KNOWN_NEED.get(kind.type_name, "is not valid" if is_well_known(kind) else "must be an object")
    return "must be one of the names of the enumeration"
