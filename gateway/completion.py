"""Identifiers that the edge gives before the first attempt, so that retries inside the mesh are one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protobuf import DescFieldValueList, DescFieldValueMessage, DescMessage, Registry

from gateway.plan.fields import element_message, field_policy
from meshkit.ids import uuid7_text

__all__ = ["Completer", "completer"]

Completer = Callable[[Any], None]
"""Sets the absent fields of a message that the edge assigns."""


def completer(message: DescMessage, registry: Registry) -> Completer | None:
    """Returns what completes messages of a type, or None if no field below it asks for that."""
    return _completer(message, registry, frozenset())


def _completer(message: DescMessage, registry: Registry, above: frozenset[str]) -> Completer | None:
    own = [field.local_name for field in message.fields if _assigned(field.proto.options, registry)]
    nested: list[tuple[str, bool, Completer]] = []
    for field in message.fields:
        below = element_message(field)
        if below is None or below.type_name in above or not isinstance(field.value, _NESTING):
            continue
        inner = _completer(below, registry, above | {message.type_name})
        if inner is not None:
            nested.append((field.local_name, isinstance(field.value, DescFieldValueList), inner))
    if not own and not nested:
        return None

    def complete(found: Any) -> None:
        for name in own:
            if not getattr(found, name):
                setattr(found, name, uuid7_text())
        for name, repeated, inner in nested:
            value = getattr(found, name)
            for each in value if repeated else (value,):
                if each is not None:
                    inner(each)

    return complete


_NESTING = (DescFieldValueList, DescFieldValueMessage)


def _assigned(options: Any, registry: Registry) -> bool:
    policy = field_policy(options, registry)
    return policy is not None and bool(policy.assign_id)
