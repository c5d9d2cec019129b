"""Reads and sets message fields of protobuf-py messages, in a oneof or not."""

from __future__ import annotations

from typing import Any

from protobuf import DescField, DescFieldValueMessage, Oneof

__all__ = ["made_member", "member"]


def member(message: Any, field: DescField) -> Any | None:
    """Returns the message in a field, None if it is absent."""
    assert isinstance(field.value, DescFieldValueMessage)
    oneof = field.value.oneof
    if oneof is None:
        return getattr(message, field.local_name)
    held: Oneof[Any, Any] | None = getattr(message, oneof.local_name)
    return held.value if held is not None and held.field == field.local_name else None


def made_member(message: Any, field: DescField) -> Any:
    """Returns the message in a field, made if absent."""
    found = member(message, field)
    if found is not None:
        return found
    assert isinstance(field.value, DescFieldValueMessage)
    oneof, made = field.value.oneof, field.value.message.type()
    if oneof is None:
        setattr(message, field.local_name, made)
    else:
        setattr(message, oneof.local_name, Oneof(field=field.local_name, value=made))
    return member(message, field)
