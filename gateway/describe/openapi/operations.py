"""Describes one operation for each binding: what the proto says about its method, and what its policy adds."""

from __future__ import annotations

import re

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.compile.creation import creation
from gateway.compile.plan import Binding, Plan
from gateway.describe.comments import Comments
from gateway.describe.openapi.content import Contents
from gateway.describe.openapi.examples import Examples
from gateway.describe.openapi.headers import (
    answer_headers,
    header,
    header_parameters,
    is_limited,
    is_tagged,
    takes_condition,
)
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.paths import Paths
from gateway.describe.openapi.responses import Responses
from gateway.describe.openapi.schemas import Schemas, Use
from gateway.describe.openapi.security import SecurityRequirements
from meshkit.identity.policy import Policy

__all__ = ["COMMON_REASONS", "Operations", "descriptor", "reasons_of", "sentences"]

_OF_ALL = ("MALFORMED_REQUEST", "VALIDATION_FAILED", "OVERLOADED", "INTERNAL", "URI_TOO_LONG", "HEADERS_TOO_LARGE")
_OF_LIMITS = ("RATE_LIMITED",)
_OF_CALLS = ("DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED")
_OF_TOKENS = ("TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_REVOKED", "SCOPE_MISSING")
_OF_BODIES = ("BODY_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "REQUEST_TIMEOUT")
COMMON_REASONS = (*_OF_ALL, *_OF_LIMITS, *_OF_CALLS, *_OF_TOKENS, *_OF_BODIES)
"""Reasons that the comments of methods need not name, because the edge gives them to all alike."""

_OF_KEYS = ("IDEMPOTENCY_KEY_IN_USE", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_INVALID")
_REASONS = re.compile(r"\s*Reasons: ([A-Z_]+(?:, [A-Z_]+)*)\.")
_REPEATS = {
    MethodOptions.NO_SIDE_EFFECTS: "Safe: it changes nothing and can be repeated at will.",
    MethodOptions.IDEMPOTENT: "Idempotent: the same request sent again has the effect of one.",
    MethodOptions.IDEMPOTENCY_UNKNOWN: "Not idempotent: the same request sent again is another request.",
}
_WITH_KEY = "Not idempotent without an `Idempotency-Key`: with one, the same request sent again gets the same answer."
_SOCKET = (
    'Over a WebSocket at this path (`GET`): a text frame for each message, `{"result": …}` and at last `{"status": …}`.'
)
_UPGRADE = {"101": {"description": "The WebSocket is open (RFC 6455)."}}


class Operations:
    """Makes operations. Their identifiers are unique within the document."""

    def __init__(
        self,
        plan: Plan,
        comments: Comments,
        schemas: Schemas,
        sockets: Schemas,
        responses: Responses,
        security: SecurityRequirements,
    ) -> None:
        """`sockets` makes the schemas of messages that only WebSockets carry."""
        self._plan = plan
        self._comments = comments
        self._schemas = schemas
        self._sockets = sockets
        self._responses = responses
        self._security = security
        self._paths = Paths(schemas)
        self._contents = Contents(schemas)
        self._examples = Examples(comments)

    def of(self, binding: Binding, identifier: str, tag: str) -> tuple[str, Schema]:
        """Returns the path of a binding and its operation."""
        method = descriptor(self._plan, binding.method.full_name)
        example = self._examples.request(binding, method.input_type)
        path, parameters = self._paths.of(binding, method.input_type, example)
        parameters += header_parameters(binding, method)
        text, reasons = reasons_of(self._comments.of(method.full_name))
        summary, rest = sentences(text)
        operation: Schema = {
            "operationId": identifier,
            "tags": [tag],
            "summary": summary or method.name,
            "description": "\n\n".join(part for part in (rest, _facts(method, binding.method.policy)) if part),
        }
        if method.GetOptions().deprecated:
            operation["deprecated"] = True
        if parameters:
            operation["parameters"] = parameters
        if binding.body and not method.client_streaming:
            operation["requestBody"] = {
                "description": self._comments.of(_body_name(binding, method)),
                "required": True,
                "content": self._contents.request(binding, method, identifier, example.body),
            }
        operation["responses"] = self._answers(binding, method, identifier) | self._errors(binding, method, reasons)
        operation["security"] = self._security.of(binding.method.policy)
        if method.client_streaming or method.server_streaming:
            operation["x-websocket"] = self._socket(binding, method)
        return path, operation

    def _answers(self, binding: Binding, method: MethodDescriptor, identifier: str) -> Schema:
        if method.client_streaming:
            return dict(_UPGRADE)
        example = self._examples.response(binding, method.output_type)
        answer: Schema = {
            "description": self._comments.of(method.output_type.full_name) or "The answer.",
            "headers": answer_headers(binding, method),
            "content": self._contents.answer(binding, method, identifier, example),
        }
        made = creation(binding, self._plan)
        found: Schema = {"200": answer} if made is None or made.told is not None else {}
        if made is not None:
            found["201"] = answer | {"headers": answer["headers"] | header("Location")}
        if is_tagged(binding, method):
            found["304"] = {
                "description": "What the caller has is current (RFC 9110, section 15.4.5).",
                "headers": header("X-Request-Id", "ETag"),
            }
        return found

    def _socket(self, binding: Binding, method: MethodDescriptor) -> Schema:
        message: Descriptor = method.output_type
        field = message.fields_by_name[binding.response_field.name] if binding.response_field is not None else None
        # Over HTTP a method that takes a stream answers nothing.
        schemas = self._sockets if method.client_streaming else self._schemas
        received = schemas.value(field, Use.ANSWER) if field is not None else schemas.message(message, Use.ANSWER)
        takes = method.client_streaming or binding.body
        sent = {"send": self._sockets.message(method.input_type, Use.REQUEST)} if takes else {}
        return {"subprotocol": "rampart.v1", **sent, "receive": received}

    def _errors(self, binding: Binding, method: MethodDescriptor, reasons: list[str]) -> dict[str, Schema]:
        policy = binding.method.policy
        names = [*_OF_ALL, *_OF_CALLS, *reasons]
        names += _OF_LIMITS if is_limited(policy) else ()
        names += () if policy.public else _OF_TOKENS
        names += _OF_BODIES if binding.body and not method.client_streaming else ()
        names += _OF_KEYS if policy.idempotency_key else ()
        names += ("ETAG_MISMATCH",) if takes_condition(binding) else ()
        names += ("NOT_ACCEPTABLE",) if method.server_streaming else ()
        names += ("UPGRADE_REQUIRED",) if method.client_streaming else ()
        return self._responses.of(names)


def descriptor(plan: Plan, method: str) -> MethodDescriptor:
    """Returns the descriptor of a method "/package.Service/Method". Raises KeyError for one that is not served."""
    service, _, name = method[1:].partition("/")
    return plan.pool.FindServiceByName(service).methods_by_name[name]


def reasons_of(comment: str) -> tuple[str, list[str]]:
    """Splits the reasons that the comment of a method names from the rest of it."""
    found = _REASONS.search(comment)
    return _REASONS.sub("", comment), found[1].split(", ") if found is not None else []


def sentences(text: str) -> tuple[str, str]:
    """Splits a comment into its first sentence, without the full stop, and the rest."""
    first, _, rest = text.partition("\n\n")
    head, stop, tail = first.partition(". ")
    return (head if stop else first.removesuffix(".")), "\n\n".join(part for part in (tail, rest) if part)


def _body_name(binding: Binding, method: MethodDescriptor) -> str:
    name: str = method.input_type.full_name
    return name if binding.body == "*" else f"{name}.{binding.body}"


def _facts(method: MethodDescriptor, policy: Policy) -> str:
    level = method.GetOptions().idempotency_level
    keyed = policy.idempotency_key and level == MethodOptions.IDEMPOTENCY_UNKNOWN
    lines = [_WITH_KEY if keyed else _REPEATS[level]]
    if is_limited(policy):
        units = "1 unit" if policy.cost == 1 else f"{policy.cost} units"
        units += f" for each of `{policy.items}`," if policy.items else ""
        lines.append(f"Rate limit: {units} of the class `{policy.rate_class}`.")
    if method.client_streaming or method.server_streaming:
        lines += [f"Ends after {policy.deadline:g} s at the latest.", _SOCKET]
    else:
        lines.append(f"Answers within {policy.deadline:g} s, or with 504.")
    if policy.cache:
        lines.append(
            f"Answers are stored for up to {policy.cache:g} s, or until a change is known. "
            "`Cache-Control: no-cache` asks for a new one."
        )
    if policy.elevated_scope:
        lines.append(f"The scope `{policy.elevated_scope}` is needed in addition for what the fields say needs it.")
    return "\n".join(f"- {line}" for line in lines)
