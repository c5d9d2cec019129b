"""Tests for scalar values that codecs read more freely than ProtoJSON allows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from protobuf import DescEnum, DescMessage, ScalarType

from gateway.compile.plan.fields import JsonValue

__all__ = ["MAP_KEYS", "ValueTest", "as_float32", "nonzero", "test_of"]

Test = Callable[[JsonValue], bool]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DURATION = re.compile(r"-?[0-9]+(?:\.[0-9]{1,9})?s")
_NAME = r"[A-Za-z][A-Za-z0-9]*"
_MASK = re.compile(rf"(?:\*|{_NAME}(?:\.{_NAME})*)(?:,{_NAME}(?:\.{_NAME})*)*|")
_WHOLE_KEY = re.compile(r"0|-?[1-9][0-9]{0,18}")
_POSITIVE_KEY = re.compile(r"0|[1-9][0-9]{0,19}")
_FLOAT_MAX = 3.4028234663852886e38
_FLOAT_LIMIT = 3.4028235677973366e38
"""From here on a number rounds to infinity as a float."""


class ValueTest(NamedTuple):
    """What a value must pass before the codec sees it, and what to say if it does not."""

    passes: Test
    need: str


def test_of(kind: ScalarType | DescEnum | DescMessage) -> ValueTest | None:
    """Returns the test of a scalar, an enumeration, a wrapper or another well-known type; None if it needs none."""
    if isinstance(kind, DescEnum):
        return _ENUM
    return _BY_TYPE.get(kind.type_name if isinstance(kind, DescMessage) else kind)


def nonzero(test: ValueTest) -> ValueTest:
    """Returns the test of a number whose zero would be read as its absence: null says that, and zero must not."""
    return ValueTest(
        lambda value: test.passes(value) and (value is None or _number(value) != 0),
        f"{test.need} other than zero: leave it out to have its default",
    )


def as_float32(value: JsonValue) -> JsonValue:
    """Returns the largest float for what rounds to it: printed with few digits it is beyond its own range."""
    number = _number(value)
    return math.copysign(_FLOAT_MAX, number) if _FLOAT_MAX < abs(number) < _FLOAT_LIMIT else value


def _number(value: JsonValue) -> float:
    """Returns what a number or its text is worth as a double; zero for anything else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else 0.0
    if isinstance(value, int):
        return float(value) if value.bit_length() <= 1023 else 0.0
    return value if isinstance(value, float) else 0.0


def _is_integer(value: JsonValue) -> bool:
    return type(value) is not str or _NUMBER.fullmatch(value) is not None


def _is_number(value: JsonValue) -> bool:
    if type(value) is not str or value in _NOT_FINITE:
        return value is not True and value is not False
    return _NUMBER.fullmatch(value) is not None and math.isfinite(float(value))


def _is_float(value: JsonValue) -> bool:
    if type(value) is float and -_FLOAT_MAX <= value <= _FLOAT_MAX:
        return True
    return _is_number(value) and abs(_number(value)) <= _FLOAT_MAX


def _is_enum(value: JsonValue) -> bool:
    return type(value) is str or value is None or (type(value) is int and -0x80000000 <= value <= 0x7FFFFFFF)


def _is_mask(value: JsonValue) -> bool:
    return type(value) is not str or _MASK.fullmatch(value) is not None


def _is_duration(value: JsonValue) -> bool:
    return type(value) is not str or _DURATION.fullmatch(value) is not None


def _finite(value: JsonValue) -> bool:
    """Tells whether no number in a `Value` is beyond the range of a double."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _in_range(pattern: re.Pattern[str], low: int, high: int) -> Callable[[str], bool]:
    return lambda key: pattern.fullmatch(key) is not None and low <= int(key) <= high


_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_ENUM = ValueTest(_is_enum, "must be one of the names of the enumeration, or a number of 32 bits")
_DOUBLE = ValueTest(_is_number, "must be a number")
_FLOAT = ValueTest(_is_float, "must be a number")
_OPEN = ValueTest(_finite, "must not hold a number beyond the range of a double")
_32_BITS = {ScalarType.INT32, ScalarType.SINT32, ScalarType.SFIXED32}
_64_BITS = {ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64}
_UNSIGNED_32 = {ScalarType.UINT32, ScalarType.FIXED32}
_UNSIGNED_64 = {ScalarType.UINT64, ScalarType.FIXED64}
_INTEGERS: dict[ScalarType | str, ValueTest] = {
    kind: ValueTest(_is_integer, f"must be an integer in the range of {kind.name.lower()}")
    for kind in _32_BITS | _64_BITS | _UNSIGNED_32 | _UNSIGNED_64
}
_BY_TYPE: dict[ScalarType | str, ValueTest] = {
    **_INTEGERS,
    ScalarType.DOUBLE: _DOUBLE,
    ScalarType.FLOAT: _FLOAT,
    "google.protobuf.DoubleValue": _DOUBLE,
    "google.protobuf.FloatValue": _FLOAT,
    "google.protobuf.Int32Value": _INTEGERS[ScalarType.INT32],
    "google.protobuf.Int64Value": _INTEGERS[ScalarType.INT64],
    "google.protobuf.UInt32Value": _INTEGERS[ScalarType.UINT32],
    "google.protobuf.UInt64Value": _INTEGERS[ScalarType.UINT64],
    "google.protobuf.Duration": ValueTest(_is_duration, 'must be a duration such as "1.5s"'),
    "google.protobuf.FieldMask": ValueTest(_is_mask, "must be field names in lowerCamelCase separated by commas"),
    "google.protobuf.ListValue": _OPEN,
    "google.protobuf.Struct": _OPEN,
    "google.protobuf.Value": _OPEN,
}
MAP_KEYS: dict[ScalarType, Callable[[str], bool]] = {
    **dict.fromkeys(_32_BITS, _in_range(_WHOLE_KEY, -(1 << 31), (1 << 31) - 1)),
    **dict.fromkeys(_64_BITS, _in_range(_WHOLE_KEY, -(1 << 63), (1 << 63) - 1)),
    **dict.fromkeys(_UNSIGNED_32, _in_range(_POSITIVE_KEY, 0, (1 << 32) - 1)),
    **dict.fromkeys(_UNSIGNED_64, _in_range(_POSITIVE_KEY, 0, (1 << 64) - 1)),
}
"""The keys of maps: whole numbers in the one form in which no two texts are the same number."""
