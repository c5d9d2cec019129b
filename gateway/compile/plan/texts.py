"""Converts texts of paths and queries into ProtoJSON values. Errors never repeat the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    ScalarType,
)

from meshkit.json import JsonValue

__all__ = ["WRAPPERS", "JsonValue", "TextReader", "snake_case", "text_reader", "value_reader"]

TextReader = Callable[[str], JsonValue]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?|-?Infinity|NaN")
_MASK_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_NOT_INTEGERS = {ScalarType.BOOL, ScalarType.BYTES, ScalarType.DOUBLE, ScalarType.FLOAT, ScalarType.STRING}
WRAPPERS = {
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


def text_reader(field: DescField) -> TextReader | None:
    """Returns how text becomes the ProtoJSON value of a field or of one element; None if text cannot set it."""
    match field.value:
        case DescFieldValueScalar(scalar=kind) | DescFieldValueList(element=ScalarType() as kind):
            return value_reader(kind)
        case DescFieldValueEnum(enum=kind) | DescFieldValueList(element=DescEnum() as kind):
            return value_reader(kind)
        case DescFieldValueMessage(message=kind) | DescFieldValueList(element=DescMessage() as kind):
            return value_reader(kind)
    return None


def value_reader(kind: ScalarType | DescEnum | DescMessage) -> TextReader | None:
    """Returns how text becomes a value of a type; None if text cannot."""
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
    return _scalar_reader(WRAPPERS[type_name]) if type_name in WRAPPERS else None


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
