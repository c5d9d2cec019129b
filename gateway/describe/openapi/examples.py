"""Makes the examples of operations from those in the comments of messages.

The example of a request is the whole request: a binding's share of it goes to the path, the query and the body. Where a
response has none of its own, it is made of the examples of the messages that it holds.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.compile.plan import Binding
from gateway.describe.comments import Comments

__all__ = ["Examples", "RequestExample"]

_IN_STRINGS = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_TEXTS = {FieldDescriptor.CPPTYPE_STRING}


@dataclass(frozen=True, slots=True)
class RequestExample:
    """The parts of an example request."""

    path: Mapping[int, str] = field(default_factory=dict)
    """Texts of the path variables by number."""
    query: Mapping[str, Any] = field(default_factory=dict)
    """Values of query parameters by name."""
    body: Any = None
    """None if there is no body or no example of one."""


class Examples:
    """Finds the examples of operations."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments

    def request(self, binding: Binding, message: Descriptor) -> RequestExample:
        """Splits the example of a request message as the binding puts it together."""
        whole = copy.deepcopy(self._comments.example(message.full_name))
        if not isinstance(whole, dict):
            return RequestExample()
        values = [_take(whole, variable.field_path) for variable in binding.variables]
        path = {number: str(value) for number, value in enumerate(values) if value is not None}
        body = whole if binding.body == "*" else whole.pop(binding.body, None) if binding.body else None
        found = {each.name: _get(whole, each.path) for each in binding.query.values()}
        return RequestExample(path, {name: value for name, value in found.items() if value is not None}, body)

    def response(self, binding: Binding, message: Descriptor) -> Any:
        """Returns an example of the response body, None if there is none."""
        if binding.response_field is None:
            return self.of(message)
        return self._value(message.fields_by_name[binding.response_field.name], frozenset())

    def of(self, message: Descriptor) -> Any:
        """Returns an example of a message: its own, else one made of those of its fields, None without any."""
        return self._of(message, frozenset())

    def _of(self, message: Descriptor, above: frozenset[str]) -> Any:
        own = self._comments.example(message.full_name)
        if own is not None or message.full_name in above:
            return own
        values = {each.name: self._value(each, above | {message.full_name}) for each in message.fields}
        if all(value is None for value in values.values()):
            return None
        plain = {each.name: _zero(each) for each in message.fields if not each.has_presence}
        return plain | {name: value for name, value in values.items() if value is not None}

    def _value(self, field: FieldDescriptor, above: frozenset[str]) -> Any:
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            return None
        value = self._of(field.message_type, above)
        return [value] if field.is_repeated and value is not None else value


def _take(value: dict[str, Any], path: tuple[str, ...]) -> Any:
    for name in path[:-1]:
        below = value.get(name)
        if not isinstance(below, dict):
            return None
        value = below
    return value.pop(path[-1], None)


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _zero(field: FieldDescriptor) -> Any:
    if field.is_repeated:
        return {} if field.message_type is not None and field.message_type.GetOptions().map_entry else []
    if field.enum_type is not None:
        return field.enum_type.values[0].name
    if field.cpp_type in _IN_STRINGS:
        return "0"
    if field.cpp_type in _TEXTS:
        return ""
    return False if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else 0
