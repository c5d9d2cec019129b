"""Infers field masks from the keys of a body (AIP-134), and reads them from queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from protobuf import DescFieldValueMessage, DescMessage

from gateway.compile.plan.fields import JsonValue, element_message, find
from gateway.compile.plan.texts import snake_case

__all__ = ["LateMask", "infer", "resolve_paths", "text_of"]

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_OPEN = {"google.protobuf.Struct", "google.protobuf.Value"}


class LateMask(NamedTuple):
    """A FieldMask that is to be set in the message: where it is, and its paths in names of the proto."""

    field_path: tuple[str, ...]
    paths: list[str]


def infer(message: DescMessage, value: JsonValue, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yields the paths of the fields that an object names, by proto name, down to scalars, lists and maps.

    An object in a `Struct` or `Value` is gone into as well: a caller who names one member means that one.
    """
    if not isinstance(value, dict):
        return
    for key, below in value.items():
        field = find(message, key)
        if field is None:
            continue
        path = (*prefix, field.name)
        if not isinstance(field.value, DescFieldValueMessage) or not isinstance(below, dict) or not below:
            yield path
        elif field.value.message.type_name in _OPEN:
            yield from _members(below, path)
        elif (nested := element_message(field)) is not None:
            yield from infer(nested, below, path)
        else:
            yield path


def _members(value: JsonValue, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A name that a path cannot hold, such as one with a dot, could mean another member: then all of them are meant."""
    if isinstance(value, dict) and value and all(map(_NAME.fullmatch, value)):
        for key, below in value.items():
            yield from _members(below, (*prefix, key))
    else:
        yield prefix


def resolve_paths(message: DescMessage | None, paths: JsonValue) -> list[str]:
    """Returns paths in names of the proto. Names that the message does not have are taken for those of JSON."""
    assert isinstance(paths, list)
    return [_resolve(message, str(path)) for path in paths]


def _resolve(message: DescMessage | None, path: str) -> str:
    names: list[str] = []
    for step in path.split("."):
        field = find(message, step) if message is not None else None
        names.append(field.name if field is not None else snake_case(step))
        message = element_message(field) if field is not None else None
    return ".".join(names)


def text_of(paths: list[str]) -> str:
    """Writes paths as ProtoJSON writes a FieldMask."""
    return ",".join(re.sub(r"_([a-z])", lambda match: match[1].upper(), path) for path in paths)
