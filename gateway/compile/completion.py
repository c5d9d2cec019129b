"""Assigns the identifiers that a request lacks, so that retries inside the mesh are one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protobuf import DescFieldValueList, DescFieldValueMessage, DescFieldValueScalar, DescMessage, Registry, ScalarType

from gateway.compile.plan.fields import element_message, field_policy
from meshkit.ids import uuid7_text

__all__ = ["Completer", "NewId", "completer", "namer", "random_id"]

NewId = Callable[[str], str]
"""Gives an identifier for the field at a place of the request, for example "requests.3.order_id"."""
Completer = Callable[[Any, NewId], None]
"""Sets the absent fields of a message that the edge assigns."""
_Below = Callable[[Any, NewId, str], None]


def random_id(_: str) -> str:
    """Gives a new UUIDv7, whatever the place."""
    return uuid7_text()


def completer(message: DescMessage, registry: Registry) -> Completer | None:
    """Returns what completes messages of a type, or None if no field below it asks for that."""
    below = _completer(message, registry, frozenset())
    if below is None:
        return None

    def complete(found: Any, new_id: NewId) -> None:
        below(found, new_id, "")

    return complete


def namer(message: DescMessage, registry: Registry) -> Completer | None:
    """Returns what sets the absent field that names a request among its retries, None if the type has none."""
    for field in message.fields:
        policy = field_policy(field.proto.options, registry)
        if policy is not None and policy.request_id:
            value = field.value
            if not isinstance(value, DescFieldValueScalar) or value.scalar is not ScalarType.STRING:
                raise TypeError(f"{message.type_name}.{field.name} names a request but is no string")
            return _setter(field.local_name)
    return None


def _setter(name: str) -> Completer:
    def complete(found: Any, new_id: NewId) -> None:
        if not getattr(found, name):
            setattr(found, name, new_id(name))

    return complete


def _completer(message: DescMessage, registry: Registry, above: frozenset[str]) -> _Below | None:
    own = [field.local_name for field in message.fields if _assigned(field.proto.options, registry)]
    nested: list[tuple[str, bool, _Below]] = []
    for field in message.fields:
        below = element_message(field)
        if below is None or below.type_name in above or not isinstance(field.value, _NESTING):
            continue
        inner = _completer(below, registry, above | {message.type_name})
        if inner is not None:
            nested.append((field.local_name, isinstance(field.value, DescFieldValueList), inner))
    if not own and not nested:
        return None

    def complete(found: Any, new_id: NewId, place: str) -> None:
        for name in own:
            if not getattr(found, name):
                setattr(found, name, new_id(place + name))
        for name, repeated, inner in nested:
            value = getattr(found, name)
            for index, each in enumerate(value) if repeated else ((None, value),):
                if each is not None:
                    inner(each, new_id, f"{place}{name}." if index is None else f"{place}{name}.{index}.")

    return complete


_NESTING = (DescFieldValueList, DescFieldValueMessage)


def _assigned(options: Any, registry: Registry) -> bool:
    policy = field_policy(options, registry)
    return policy is not None and bool(policy.assign_id)
