"""Paths of field masks: which ones the keys of a body stand for, what callers write, and whether a body holds them.

A mask stops at what has no fields of its own: scalars, lists, maps, `Struct`, `Value`, `Any`. What is below is named by
callers, and no name of theirs becomes part of an inferred path.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from protobuf import DescField, DescFieldValueList, DescFieldValueMap, DescFieldValueMessage, DescMessage

from gateway.compile.plan.fields import JsonValue, element_message, find
from gateway.compile.plan.texts import snake_case

__all__ = ["LateMask", "infer", "is_lacking", "is_speakable", "resolve_paths", "text_of"]

EVERYTHING = "*"
# What is the same after it was written as ProtoJSON and read again.
_ENTRY = re.compile(r"[a-z](?:[a-z0-9]|_[a-z])*|\*")


class LateMask(NamedTuple):
    """A FieldMask that is to be set in the message: where it is, and its paths in names of the proto."""

    field_path: tuple[str, ...]
    paths: list[str]


def infer(
    message: DescMessage,
    value: JsonValue,
    prefix: tuple[str, ...] = (),
    left_out: Collection[DescField] = frozenset(),
) -> Iterator[tuple[str, ...]]:
    """Yields the paths of the fields that an object names, by proto name, as far down as a mask goes."""
    if not isinstance(value, dict):
        return
    for key, below in value.items():
        field = find(message, key)
        if field is None or field in left_out:
            continue
        path = (*prefix, field.name)
        nested = _nested(field)
        if nested is None or not isinstance(below, dict) or not below:
            yield path
        else:
            yield from infer(nested, below, path, left_out)


def resolve_paths(message: DescMessage | None, paths: JsonValue) -> list[str]:
    """Returns paths in names of the proto. Names that the message does not have are taken for those of JSON."""
    assert isinstance(paths, list)
    return [_resolve(message, str(path)) for path in paths]


def _resolve(message: DescMessage | None, path: str) -> str:
    names: list[str] = []
    steps = path.split(".")
    for index, step in enumerate(steps):
        field = find(message, step) if message is not None else None
        names.append(field.name if field is not None else snake_case(step))
        message = element_message(field) if field is not None else None
        if field is not None and message is None:
            # What follows are names of the caller's.
            return ".".join([*names, *steps[index + 1 :]])
    return ".".join(names)


def is_speakable(message: DescMessage, path: str) -> bool:
    """Tells whether the names in a path that are no fields, such as keys of a map, can stand in a mask in any form."""
    at: DescMessage | None = message
    for step in path.split("."):
        if at is None and not _ENTRY.fullmatch(step):
            return False
        field = find(at, step) if at is not None else None
        at = _nested(field) if field is not None else None
    return True


def is_lacking(message: DescMessage, value: JsonValue, path: str) -> bool:
    """Tells whether an object does not say what becomes of a path. Null, zero and empty are values like others."""
    return path != EVERYTHING and _lacks(message, value, path.split("."))


def _lacks(message: DescMessage, value: JsonValue, steps: Sequence[str]) -> bool:
    if value is None:
        # All of it is cleared.
        return False
    field = find(message, steps[0])
    if field is None or not isinstance(value, dict):
        return True
    key = next((name for name in (field.name, field.json_name) if name in value), None)
    if key is None:
        return True
    rest = steps[1:]
    nested = _nested(field)
    if nested is not None and rest:
        return _lacks(nested, value[key], rest)
    return bool(rest) and _lacks_entry(field, value[key], rest)


def _lacks_entry(field: DescField, value: JsonValue, steps: Sequence[str]) -> bool:
    """Follows the keys of a map or of a `Struct`; elements of a list have no names."""
    if value is None or isinstance(field.value, DescFieldValueList):
        return False
    below = steps[:1] if isinstance(field.value, DescFieldValueMap) else steps
    for step in below:
        if not isinstance(value, dict) or (step not in value and step != EVERYTHING):
            return not isinstance(value, list)
        value = value.get(step)
    return False


def _nested(field: DescField) -> DescMessage | None:
    """Returns the type of a single message with ordinary fields: what a mask goes into."""
    return element_message(field) if isinstance(field.value, DescFieldValueMessage) else None


def text_of(paths: list[str]) -> str:
    """Writes paths as ProtoJSON writes a FieldMask."""
    return ",".join(re.sub(r"_([a-z])", lambda match: match[1].upper(), path) for path in paths)
