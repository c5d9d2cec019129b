"""What is wrong with a JSON value, and where: run only after a codec has refused it, so it may take its time."""

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

from gateway.plan.fields import JsonValue, element_message, elements, find, is_well_known

__all__ = ["DecodeError", "NameCheck", "locate"]

Accepts = Callable[[DescMessage, JsonValue], bool]

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

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class NameCheck:
    """Refuses an object that names an unknown field, one field by both its names, or two members of a oneof.

    An object with proto names only can do neither of the first two, so that an ordinary request costs one comparison of
    key sets. Codecs would take a name in brackets for an extension and let the later of two names win.
    """

    __slots__ = ("_message", "_names", "_nested", "_oneofs")

    def __init__(self, message: DescMessage) -> None:
        self._message = message
        self._names = frozenset(field.name for field in message.fields)
        self._oneofs = [frozenset(field.name for field in oneof.fields) for oneof in message.oneofs]
        self._nested: list[tuple[DescField, NameCheck]] = []

    @classmethod
    def of(cls, message: DescMessage, made: dict[str, NameCheck] | None = None) -> NameCheck:
        made = {} if made is None else made
        if message.type_name not in made:
            check = made[message.type_name] = cls(message)
            for field in message.fields:
                below = element_message(field)
                if below is not None:
                    check._nested.append((field, cls.of(below, made)))
        return made[message.type_name]

    def check(self, value: JsonValue) -> None:
        """Raises DecodeError."""
        if not self._plain(value):
            _check_names(self._message, value, ())

    def _plain(self, value: JsonValue) -> bool:
        """Tells whether there is nothing below to look at more closely."""
        if not isinstance(value, dict):
            return True
        if self._oneofs or not value.keys() <= self._names:
            return False
        return all(
            below._plain(each)
            for field, below in self._nested
            if field.name in value
            for _, each in elements(field, value[field.name])
        )


def _check_names(message: DescMessage, value: JsonValue, path: tuple[str | int, ...]) -> None:
    if not isinstance(value, dict):
        return
    for key in value:
        if find(message, key) is None:
            raise DecodeError((*path, key) if _printable(key) else path, "is not a known field")
    for field in message.fields:
        if field.json_name != field.name and field.json_name in value and field.name in value:
            raise DecodeError((*path, field.name), "is named twice, as in the proto and as in JSON")
    for oneof in message.oneofs:
        named = [
            name for field in oneof.fields for name in {field.name, field.json_name} if value.get(name) is not None
        ]
        if len(named) > 1:
            raise DecodeError(path, f"sets more than one of {', '.join(sorted(field.name for field in oneof.fields))}")
    for key, field in _known(message, value):
        below = element_message(field)
        if below is not None:
            for step, each in elements(field, value[key]):
                _check_names(below, each, (*path, key, *step))


def locate(message: DescMessage, value: JsonValue, accepts: Accepts, path: tuple[str | int, ...] = ()) -> DecodeError:
    """Finds the first value below `value`, whose names are good, that the codec does not accept on its own."""
    if not isinstance(value, dict):
        return DecodeError(path, "must be an object")
    for key, field in _known(message, value):
        if not accepts(message, {key: value[key]}):
            return _locate_in_field(field, value[key], accepts, (*path, key))
    return DecodeError(path, "is not valid")


def _locate_in_field(field: DescField, value: JsonValue, accepts: Accepts, path: tuple[str | int, ...]) -> DecodeError:
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


def _printable(key: str) -> bool:
    return len(key) <= 64 and key.isascii() and key.isprintable()
