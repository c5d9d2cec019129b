"""Defines the schemas of problem documents, as `gateway.errors.problem` writes them."""

from __future__ import annotations

from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.well_known import ANY, WELL_KNOWN
from meshkit.errors import Kind

__all__ = ["PROBLEM_SCHEMAS"]

_TEXT: Schema = {"type": "string"}
_VIOLATION: Schema = {
    "type": "object",
    "description": "One thing that is wrong with the request, and where.",
    "properties": {
        "field": _TEXT | {"description": "Path of the field in the request message."},
        "in": _TEXT | {"description": "Part of the request: `path`, `query`, `header` or `body`."},
        "name": _TEXT | {"description": "Name of the path variable or query parameter."},
        "pointer": _TEXT | {"description": "JSON Pointer (RFC 6901) into the body. Empty means the whole body."},
        "reason": _TEXT | {"description": "Rule that is broken, for example `string.min_len`."},
        "message": _TEXT | {"description": "What is wrong, in words."},
        "localized": {"$ref": "#/components/schemas/LocalizedMessage"},
    },
    "required": ["field", "reason", "message"],
}
_LOCALIZED: Schema = {
    "type": "object",
    "description": "What is wrong, in the words of a language.",
    "properties": {
        "locale": _TEXT | {"description": "The language, as BCP 47 names it."},
        "message": _TEXT | {"description": "What is wrong, in that language."},
    },
    "required": ["locale", "message"],
}
_PROBLEM: Schema = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "properties": {
        "type": _TEXT | {"format": "uri-reference", "description": "`/problems/` and the reason: a page about it."},
        "title": _TEXT | {"description": "The words of the HTTP status."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": _TEXT | {"description": "What is wrong this time, in words for people."},
        "code": _TEXT | {"enum": [kind.name for kind in Kind], "description": "Canonical code (`google.rpc.Code`)."},
        "reason": _TEXT | {"description": "Stable name of the reason, for programs. More may be added."},
        "domain": _TEXT | {"description": "Who defines the reason, if not Rampart. Empty means that nobody does."},
        "request_id": _TEXT | {"description": "The identifier to name when asking for help."},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Violation"},
            "description": "Every violation, if the request is wrong.",
        },
        "metadata": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "Every variable of `detail`, by name.",
        },
        "retry_after": {
            "type": "number",
            "minimum": 0,
            "description": "Seconds after which to try again; `Retry-After` has them rounded up.",
        },
        "details": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/TypedObject"},
            "description": "Further typed details (`google.rpc.Status.details`).",
        },
    },
    "required": ["type", "title", "status", "detail", "code", "reason", "request_id"],
}
PROBLEM_SCHEMAS: dict[str, Schema] = {
    "Problem": _PROBLEM,
    "Violation": _VIOLATION,
    "LocalizedMessage": _LOCALIZED,
    "TypedObject": WELL_KNOWN[ANY],
}
"""Components by name."""
