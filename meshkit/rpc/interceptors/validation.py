"""Refuses requests that break the constraints written beside their fields (buf.validate)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import protovalidate
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from meshkit.errors import Violation, validation_failed
from meshkit.identity.policy import field_policy, why_required
from meshkit.rpc.interceptors.chain import Call, Handler
from meshkit.violations import violation_words

__all__ = ["validate", "validation", "violation_path", "warm"]

_validator = protovalidate.Validator()


async def validation(request: Message, call: Call, handler: Handler) -> Message:
    validate(request)
    return await handler(request, call)


def validate(request: Message) -> None:
    """Raises VALIDATION_FAILED with every violation of the request."""
    violations = [_violation(found) for found in _validator.collect_violations(request)]
    for name, other, value, absent in _required(request.DESCRIPTOR):
        if not getattr(request, name) and (actual := getattr(request, other)) != value:
            violations.append(Violation(name, "required_unless", why_required(other, value, absent, actual)))
    if violations:
        raise validation_failed(*violations)


def warm(messages: Iterable[Descriptor]) -> None:
    """Compiles the rules of message types at start: at their first request it would cost that request milliseconds."""
    for message in messages:
        _validator.collect_violations(GetMessageClass(message)())


@lru_cache(maxsize=1024)
def _required(message: Descriptor) -> tuple[tuple[str, str, str, str], ...]:
    """Returns the fields that are required unless another has a value, as (field, other, value, absent)."""
    rules = [(field.name, field_policy(field).required_unless) for field in message.fields]
    return tuple((name, rule.field, rule.value, rule.absent) for name, rule in rules if rule.field)


def _violation(found: protovalidate.Violation) -> Violation:
    return Violation(violation_path(found.proto), found.proto.rule_id, violation_words(found))


def violation_path(found: protovalidate.ViolationPb) -> str:
    """Returns the field's path, for example `user.email` or `attributes["a"]`.

    A rule over several fields has no path of its own; its id starts with the field that it is about.
    """
    if found.field is None:
        return found.rule_id.partition(".")[0]
    parts = []
    for element in found.field.elements:
        part = element.field_name
        if element.subscript is not None:
            value = element.subscript.value
            part += f'["{value}"]' if isinstance(value, str) else f"[{value}]"
        parts.append(part)
    return ".".join(parts)
