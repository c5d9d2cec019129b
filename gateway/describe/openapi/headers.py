"""Describes the headers that operations take and give, from the binding and its policy."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from rampart.mesh.v1 import policy_pb2

from gateway.compile.plan import Binding
from gateway.describe.openapi.logic import Schema
from gateway.edge.headers.conditional import conditions, tagger
from meshkit.identity.policy import Policy, field_policy

__all__ = ["HEADERS", "answer_headers", "header", "header_parameters", "is_limited", "is_tagged", "takes_condition"]

EXAMPLE_REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

_CLASS = policy_pb2.RateClass.Name(1).removeprefix("RATE_CLASS_").lower()
_TAG = '(W/)?"[!#-~]*"'

HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "required": True,
        "description": "Identifier of the request in every log line: as sent in `X-Request-Id`, else assigned.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "example": EXAMPLE_REQUEST_ID,
    },
    "RateLimit-Policy": {
        "required": True,
        "description": "The limits that the request counts against: units `q` in a window of `w` seconds.",
        "schema": {"type": "string"},
        "example": f'"{_CLASS}";q=100;w=1',
    },
    "RateLimit": {
        "required": True,
        "description": "What is left of the limits: units `r`, and the seconds `t` until it is full again.",
        "schema": {"type": "string"},
        "example": f'"{_CLASS}";r=99;t=1',
    },
    "Retry-After": {
        "description": "Seconds after which to send the request again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750, RFC 9449).",
        "schema": {"type": "string"},
        "example": 'Bearer error="invalid_token"',
    },
    "Location": {
        "required": True,
        "description": "Where what was created is (RFC 9110, section 10.2.2): a path on the same server.",
        "schema": {"type": "string", "format": "uri-reference", "pattern": "^/[^/]"},
        "example": "/api/v1/things/7",
    },
    "Age": {
        "description": "Seconds since the answer was made, if it was stored meanwhile (RFC 9111, section 5.1).",
        "schema": {"type": "integer", "minimum": 0},
        "example": 3,
    },
    "Idempotency-Replayed": {
        "description": "`true` on an answer that was given before, to a request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "required": True,
        "description": "Entity tag of the answer (RFC 9110, section 8.8.3); for a resource with an `etag`, that one.",
        "schema": {"type": "string", "pattern": f"^{_TAG}$"},
        "example": '"5f0c8e2b9d7a4c31"',
    },
}

_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Names the request among its retries (draft-ietf-httpapi-idempotency-key-header). The same key with the same "
        "request gets the stored answer."
    ),
    # Bare, or as a string of RFC 9651.
    "schema": {"type": "string", "pattern": r'^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$'},
}
_IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "description": "The `etag` of the state to change, or several. If it is in another, nothing happens: 412.",
    "schema": {"type": "string", "pattern": f"^(\\*|{_TAG}([ ,]+{_TAG})*)$"},
    "example": "*",
}
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Entity tags of answers that the caller has: if one of them is current, the answer is 304.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH_OF_CHANGES: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Entity tags of states not to change. If the resource is in one of them, nothing happens: 412.",
    "schema": {"type": "string"},
}
_LAST_EVENT_ID: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The `id` of the last event received: the stream goes on after it.",
    "schema": {"type": "string"},
}


def header(*names: str) -> Schema:
    """Returns references to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def header_parameters(binding: Binding, method: MethodDescriptor) -> Iterator[Schema]:
    """Yields the header parameters of an operation."""
    if binding.method.policy.idempotency_key:
        yield _IDEMPOTENCY_KEY
    if is_tagged(binding, method):
        yield _IF_NONE_MATCH
    if takes_condition(binding):
        yield _IF_MATCH
        yield _IF_NONE_MATCH_OF_CHANGES
    if method.server_streaming and _resumes(method.input_type):
        yield _LAST_EVENT_ID


def answer_headers(binding: Binding, method: MethodDescriptor) -> Schema:
    """Returns the headers of a good answer."""
    policy = binding.method.policy
    found = {
        "X-Request-Id": True,
        "RateLimit-Policy": is_limited(policy),
        "RateLimit": is_limited(policy),
        "ETag": not method.server_streaming and tagger(binding) is not None,
        "Age": policy.cache > 0,
        "Idempotency-Replayed": policy.idempotency_key,
    }
    return header(*(name for name, is_there in found.items() if is_there))


def is_limited(policy: Policy) -> bool:
    """Tells whether calls count against a rate limit."""
    return f"RATE_CLASS_{policy.rate_class.upper()}" in policy_pb2.RateClass.DESCRIPTOR.values_by_name


def is_tagged(binding: Binding, method: MethodDescriptor) -> bool:
    """Tells whether the caller of a read can say what it has."""
    return binding.http_method == "GET" and not method.server_streaming and tagger(binding) is not None


def takes_condition(binding: Binding) -> bool:
    """Tells whether a change can be made on the condition of a state."""
    found = conditions(binding)
    return found is not None and found.versioned and not found.creates


def _resumes(message: Descriptor) -> bool:
    return any(field_policy(field).resume_after for field in message.fields)
