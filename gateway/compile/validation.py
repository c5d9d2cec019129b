"""Validates requests against `buf.validate`; each violation names its HTTP place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from protobuf import DescField, DescMessage, Registry
from protovalidate import Validator, Violation

from gateway.compile.plan import Binding
from gateway.compile.plan.fields import element_message, field_policy, find
from gateway.errors.places import HttpViolation
from meshkit.errors import validation_failed
from meshkit.identity.policy import why_required
from meshkit.violations import violation_words

__all__ = ["RequestValidator"]


class RequestValidator:
    """Checks messages of every type with one shared engine."""

    def __init__(self) -> None:
        self._validator = Validator()
        self._required: dict[str, Sequence[tuple[str, str, str, str]]] = {}

    def warm(self, message: DescMessage, registry: Registry) -> None:
        """Compiles the rules of a type, which takes milliseconds. Raises CompilationError if they make no sense."""
        self._validator.collect_violations(message.type())
        self._required[message.type_name] = tuple(_required(message, registry))

    def check(self, message: Any, binding: Binding) -> None:
        """Raises MeshError VALIDATION_FAILED with every violation."""
        found = self._validator.collect_violations(message)
        missing = [
            binding.violation((name,), "required_unless", why_required(other, value, absent, actual))
            for name, other, value, absent in self._required[binding.method.input.type_name]
            if not getattr(message, name) and (actual := getattr(message, other)) != value
        ]
        if found or missing:
            raise validation_failed(*[_violation(each, binding) for each in found], *missing)


def _required(message: DescMessage, registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    """Yields the fields that are required unless another has a value, as (field, other, value, absent)."""
    for field in message.fields:
        policy = field_policy(field.proto.options, registry)
        if policy is not None and policy.required_unless is not None:
            rule = policy.required_unless
            yield field.local_name, rule.field, rule.value, rule.absent


def _violation(violation: Violation, binding: Binding) -> HttpViolation:
    proto = violation.proto
    path = tuple(_steps(proto.field.elements)) if proto.field is not None else ()
    field = _named_by_rule(binding.method.input, path, proto.rule_id)
    if field is not None:
        path = (*path, field.name)
    return binding.violation(path, proto.rule_id, violation_words(violation))


def _steps(elements: Sequence[Any]) -> Iterator[str | int]:
    for element in elements:
        yield element.field_name
        if element.subscript is not None:
            value = element.subscript.value
            yield value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else int(value)


def _named_by_rule(message: DescMessage, path: Sequence[str | int], rule_id: str) -> DescField | None:
    """A rule of a whole message with the id "<field>.<rule>" is about that field."""
    found: DescMessage | None = message
    for step in path:
        field = find(found, step) if found is not None and isinstance(step, str) else None
        if field is not None:
            found = element_message(field)
        elif isinstance(step, str):
            return None
    name, dot, _ = rule_id.partition(".")
    return find(found, name) if found is not None and dot else None
