"""One operation for each binding of the plan: what the proto says about its method, and what its policy adds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.comments import Comments
from gateway.openapi.constraints import Schema
from gateway.openapi.responses import Responses, header
from gateway.openapi.schemas import Schemas
from gateway.plan import Binding, Plan
from meshkit.policy import Policy

__all__ = ["COMMON_REASONS", "OAUTH2", "Operations", "sentences"]

OAUTH2 = "oauth2"
"""Name of the security scheme."""

_OF_ALL = ("MALFORMED_REQUEST", "VALIDATION_FAILED", "RATE_LIMITED", "OVERLOADED", "INTERNAL")
_OF_CALLS = ("DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED")
_OF_TOKENS = ("TOKEN_MISSING", "TOKEN_INVALID", "SCOPE_MISSING")
_OF_BODIES = ("BODY_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "REQUEST_TIMEOUT")
COMMON_REASONS = (*_OF_ALL, *_OF_CALLS, *_OF_TOKENS, *_OF_BODIES)
"""Reasons that the comments of methods need not name, because the edge gives them to all alike."""

_REASONS = re.compile(r"\s*Reasons: ([A-Z_]+(?:, [A-Z_]+)*)\.")
_REPEATS = {
    MethodOptions.NO_SIDE_EFFECTS: "Safe: it changes nothing and can be repeated at will.",
    MethodOptions.IDEMPOTENT: "Idempotent: the same request sent again has the effect of one.",
    MethodOptions.IDEMPOTENCY_UNKNOWN: "Not idempotent: the same request sent again is another request.",
}


class Operations:
    """Makes operations. Their identifiers are unique within the document."""

    def __init__(
        self,
        plan: Plan,
        comments: Comments,
        schemas: Schemas,
        responses: Responses,
        examples: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._plan = plan
        self._comments = comments
        self._schemas = schemas
        self._responses = responses
        self._examples = examples
        self._taken: set[str] = set()

    def of(self, binding: Binding, parameters: list[Schema]) -> Schema:
        """Returns the operation of a binding. `parameters` are those of its path and query."""
        method = descriptor(self._plan, binding)
        text, reasons = _without_reasons(self._comments.of(method.full_name))
        summary, rest = sentences(text)
        operation: Schema = {
            "operationId": self._identifier(method.name),
            "tags": [binding.method.service],
            "summary": summary,
            "description": "\n\n".join(part for part in (rest, _facts(method, binding.method.policy)) if part),
        }
        if parameters:
            operation["parameters"] = parameters
        if binding.body:
            operation["requestBody"] = self._request_body(binding, method)
        operation["responses"] = {"200": self._answer(binding, method)} | self._errors(binding, reasons)
        operation["security"] = _security(binding.method.policy)
        return operation

    def _identifier(self, name: str) -> str:
        stem = f"{name[0].lower()}{name[1:]}"
        identifier, number = stem, 1
        while identifier in self._taken:
            number += 1
            identifier = f"{stem}{number}"
        self._taken.add(identifier)
        return identifier

    def _request_body(self, binding: Binding, method: MethodDescriptor) -> Schema:
        bound = [variable.field_path for variable in binding.variables]
        message: Descriptor = method.input_type
        comment = self._comments.of(message.full_name)
        if binding.body == "*":
            schema = self._schemas.body(message, f"{method.name}Body", bound)
        else:
            field = message.fields_by_name[binding.body]
            comment = self._comments.of(field.full_name)
            below = [path[1:] for path in bound if path[0] == field.name]
            if below and field.message_type is not None:
                schema = self._schemas.body(field.message_type, f"{method.name}Body", below)
            else:
                schema = self._schemas.value(field)
        return {"description": comment, "required": True, "content": self._content(method, "request", schema)}

    def _answer(self, binding: Binding, method: MethodDescriptor) -> Schema:
        message: Descriptor = method.output_type
        field = message.fields_by_name[binding.response_field.name] if binding.response_field is not None else None
        schema = self._schemas.value(field) if field is not None else self._schemas.message(message)
        return {
            "description": self._comments.of(message.full_name),
            "headers": header("X-Request-Id", "RateLimit-Policy", "RateLimit"),
            "content": self._content(method, "response", schema),
        }

    def _content(self, method: MethodDescriptor, part: str, schema: Schema) -> Schema:
        example = self._examples.get(method.full_name, {}).get(part)
        return {"application/json": {"schema": schema} | ({} if example is None else {"example": example})}

    def _errors(self, binding: Binding, reasons: list[str]) -> dict[str, Schema]:
        names = [*_OF_ALL, *_OF_CALLS, *reasons]
        if not binding.method.policy.public:
            names += _OF_TOKENS
        if binding.body:
            names += _OF_BODIES
        return self._responses.of(names)


def descriptor(plan: Plan, binding: Binding) -> MethodDescriptor:
    """Returns the descriptor of a binding's method."""
    service, _, name = binding.method.full_name[1:].partition("/")
    return plan.pool.FindServiceByName(service).methods_by_name[name]


def sentences(text: str) -> tuple[str, str]:
    """Splits a comment into its first sentence, without the full stop, and the rest."""
    first, _, rest = text.partition("\n\n")
    head, stop, tail = first.partition(". ")
    return (head if stop else first.removesuffix(".")), "\n\n".join(part for part in (tail, rest) if part)


def _without_reasons(comment: str) -> tuple[str, list[str]]:
    found = _REASONS.search(comment)
    return _REASONS.sub("", comment), found[1].split(", ") if found is not None else []


def _facts(method: MethodDescriptor, policy: Policy) -> str:
    units = "1 unit" if policy.cost == 1 else f"{policy.cost} units"
    lines = [
        _REPEATS[method.GetOptions().idempotency_level],
        f"Rate limit: {units} of the class `{policy.rate_class}`.",
        f"Answers within {policy.deadline:g} s, or with 504.",
    ]
    if policy.elevated_scope:
        lines.append(f"The scope `{policy.elevated_scope}` is needed in addition for what the fields say needs it.")
    return "\n".join(f"- {line}" for line in lines)


def _security(policy: Policy) -> list[Schema]:
    """The token must carry one of the scopes, so each is an alternative. An empty list means that none is needed."""
    if policy.public:
        return []
    return [{OAUTH2: [scope]} for scope in sorted(policy.scopes)] or [{OAUTH2: []}]
