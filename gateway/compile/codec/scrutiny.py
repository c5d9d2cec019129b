"""Checks JSON values before a codec reads them: names, and values that codecs read too freely.

Every check answers two questions. `plain` is asked of every request and quick to say that nothing needs attention;
`explain` is asked only when it does not, refuses what is wrong, and returns the value as the codec shall see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

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

from gateway.compile.codec.values import MAP_KEYS, ValueTest, as_float32, nonzero, test_of
from gateway.compile.diagnosis import DecodeError, Path
from gateway.compile.plan.fields import JsonValue, field_policy, is_well_known

__all__ = ["JsonCheck", "scrutiny"]

_ANY = "google.protobuf.Any"
_EMPTY = "google.protobuf.Empty"


class JsonCheck(Protocol):
    """Looks at the value of a field, or at a whole message."""

    def plain(self, value: JsonValue) -> bool: ...

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        """Returns the value for the codec. Raises DecodeError."""
        ...


def scrutiny(message: DescMessage, registry: Registry | None) -> JsonCheck | None:
    """Returns the check of a message type; None if it needs none. The registry knows the types in an `Any`."""
    return _Maker(registry).of_kind(message)


class _Maker:
    def __init__(self, registry: Registry | None) -> None:
        self._registry = registry
        self._made: dict[str, _Object] = {}

    def of_kind(self, kind: ScalarType | DescEnum | DescMessage) -> JsonCheck | None:
        if isinstance(kind, DescMessage) and kind.type_name == _ANY:
            return _Any(self, self._registry)
        if isinstance(kind, DescMessage) and not is_well_known(kind):
            return self._object(kind)
        test = test_of(kind)
        return _Leaf(test) if test is not None else None

    def _object(self, message: DescMessage) -> _Object:
        found = self._made.get(message.type_name)
        if found is None:
            found = self._made[message.type_name] = _Object(message, self._registry)
            found.add({field.name: check for field in message.fields if (check := self._of_field(field)) is not None})
        return found

    def _of_field(self, field: DescField) -> JsonCheck | None:
        match field.value:
            case DescFieldValueScalar(scalar=kind) if self._is_nonzero(field) and (number := test_of(kind)) is not None:
                return _Leaf(nonzero(number))
            case (
                DescFieldValueScalar(scalar=kind) | DescFieldValueEnum(enum=kind) | DescFieldValueMessage(message=kind)
            ):
                return self.of_kind(kind)
            case DescFieldValueList(element=kind):
                each = self.of_kind(kind)
                return _List(each) if each is not None else None
            case DescFieldValueMap(key=key, value=kind):
                each, test = self.of_kind(kind), MAP_KEYS.get(key)
                return _Map(test, each) if each is not None or test is not None else None
        return None

    def _is_nonzero(self, field: DescField) -> bool:
        policy = field_policy(field.proto.options, self._registry) if self._registry is not None else None
        return policy is not None and bool(policy.nonzero)


class _Leaf:
    """A value that is looked at as a whole."""

    def __init__(self, test: ValueTest) -> None:
        self.plain = test.passes
        self._need = test.need

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        if not self.plain(value) and not self.plain(value := as_float32(value)):
            raise DecodeError(path, self._need)
        return value


class _List:
    def __init__(self, each: JsonCheck) -> None:
        self._each = each

    def plain(self, value: JsonValue) -> bool:
        return not isinstance(value, list) or all(map(self._each.plain, value))

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        if not isinstance(value, list):
            return value
        return [self._each.explain(each, (*path, index)) for index, each in enumerate(value)]


class _Map:
    def __init__(self, key: Callable[[str], bool] | None, each: JsonCheck | None) -> None:
        self._key = key
        self._each = each

    def plain(self, value: JsonValue) -> bool:
        if not isinstance(value, dict):
            return True
        if self._key is not None and not all(map(self._key, value)):
            return False
        return self._each is None or all(map(self._each.plain, value.values()))

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        if not isinstance(value, dict):
            return value
        for key in value:
            if self._key is not None and not self._key(key):
                raise DecodeError(_step(path, key), "is no key of the map")
        each = self._each
        return value if each is None else {key: each.explain(below, (*path, key)) for key, below in value.items()}


class _Object:
    """A message: an object that names no unknown field, no field twice, no two of a oneof, and every required field."""

    def __init__(self, message: DescMessage, registry: Registry | None) -> None:
        self._message = message
        self._registry = registry
        self._names = frozenset(field.name for field in message.fields)
        self._required = frozenset(field.name for field in message.fields if _is_required(field))
        self._oneofs = tuple(frozenset(field.name for field in oneof.fields) for oneof in message.oneofs)
        self._canonical = {field.json_name: field.name for field in message.fields}
        self._canonical |= {name: name for name in self._names}
        self._checks: dict[str, JsonCheck] = {}
        self._tests: tuple[tuple[str, Callable[[JsonValue], bool]], ...] = ()

    def add(self, checks: dict[str, JsonCheck]) -> None:
        """Adds the checks of the fields, which may lead back to this one."""
        self._checks = checks
        self._tests = tuple((name, check.plain) for name, check in checks.items())

    def plain(self, value: JsonValue) -> bool:
        if not isinstance(value, dict):
            return True
        keys = value.keys()
        if not keys <= self._names:
            return self._plain_in_json_names(value)
        for oneof in self._oneofs:
            if len(oneof & keys) > 1:
                return False
        for name, test in self._tests:
            if name in value and not test(value[name]):
                return False
        return not self._required or all(value.get(name) is not None for name in self._required)

    def _plain_in_json_names(self, value: dict[str, JsonValue]) -> bool:
        canonical = {self._canonical.get(key, ""): below for key, below in value.items()}
        return len(canonical) == len(value) and "" not in canonical and self.plain(canonical)

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        if not isinstance(value, dict):
            return value
        self._check_names(value, path)
        return {key: self._explain_field(key, below, path) for key, below in value.items()}

    def _explain_field(self, key: str, value: JsonValue, path: Path) -> JsonValue:
        check = self._checks.get(self._canonical.get(key, ""))
        return value if check is None or value is None else check.explain(value, (*path, key))

    def _check_names(self, value: dict[str, JsonValue], path: Path) -> None:
        given: dict[str, JsonValue] = {}
        for key, below in value.items():
            name = self._canonical.get(key) or self._extension(key)
            if name is None:
                raise DecodeError(_step(path, key), "is not a known field")
            if name in given:
                raise DecodeError((*path, name), "is named twice, as in the proto and as in JSON")
            given[name] = below
        for oneof in self._oneofs:
            if sum(given.get(name) is not None for name in oneof) > 1:
                raise DecodeError(path, f"sets more than one of {', '.join(sorted(oneof))}")
        for name in sorted(self._required):
            if given.get(name) is None:
                raise DecodeError((*path, name), "is required")

    def _extension(self, key: str) -> str | None:
        """Returns the name in brackets of an extension of this message, None for any other key."""
        if self._registry is None or not (key.startswith("[") and key.endswith("]")):
            return None
        found = self._registry.extension(key[1:-1])
        return key if found is not None and found.extendee.type_name == self._message.type_name else None


class _Any:
    """A message of a type that the value names."""

    def __init__(self, maker: _Maker, registry: Registry | None) -> None:
        self._maker = maker
        self._registry = registry

    def plain(self, value: JsonValue) -> bool:
        return not value

    def explain(self, value: JsonValue, path: Path) -> JsonValue:
        if not isinstance(value, dict) or not value:
            return value
        kind = self._type(value.get("@type"), (*path, "@type"))
        if kind is None:
            return value
        rest = {key: below for key, below in value.items() if key != "@type"}
        check = self._maker.of_kind(kind)
        if not is_well_known(kind) or kind.type_name == _EMPTY:
            return value if check is None else _merged(value, check.explain(rest, path))
        for key in rest:
            if key != "value":
                raise DecodeError(_step(path, key), "is not a known field")
        return value if check is None else _merged(value, {"value": check.explain(rest.get("value"), (*path, "value"))})

    def _type(self, url: JsonValue, path: Path) -> DescMessage | None:
        prefix, slash, name = url.rpartition("/") if isinstance(url, str) else ("", "", "")
        if not prefix or not slash or not name:
            raise DecodeError(path, 'must be the URL of a type, such as "type.googleapis.com/package.Message"')
        if self._registry is None:
            return None
        kind = self._registry.message(name)
        if kind is None:
            raise DecodeError(path, "is not a known type")
        return kind


def _merged(value: dict[str, JsonValue], read: JsonValue) -> JsonValue:
    return {**value, **read} if isinstance(read, dict) else value


def _is_required(field: DescField) -> bool:
    return field.presence.name == "LEGACY_REQUIRED"


def _step(path: Path, key: str) -> Path:
    """Adds a key that may be anything, unless it is too odd to be shown."""
    return (*path, key) if len(key) <= 64 and key.isascii() and key.isprintable() else path
