"""Answers that are not a success: one problem document, its headers, and which reasons each operation can give."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby

from gateway.catalogue import Reason, phrase, slug
from gateway.openapi.constraints import Schema
from gateway.problems import MEDIA_TYPE, problem

__all__ = ["HEADERS", "PROBLEM", "Responses", "header"]

EXAMPLE_REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Identifier of the request in every log line: as sent in `X-Request-Id`, else assigned.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "example": EXAMPLE_REQUEST_ID,
    },
    "RateLimit-Policy": {
        "description": "The limit that the request counts against: units `q` in a window of `w` seconds.",
        "schema": {"type": "string"},
        "example": '"decision";q=100;w=1',
    },
    "RateLimit": {
        "description": "What is left of the limit: units `r`, and the seconds `t` until it is full again.",
        "schema": {"type": "string"},
        "example": '"decision";r=99;t=1',
    },
    "Retry-After": {
        "description": "Seconds after which to send the request again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "schema": {"type": "string"},
        "example": 'Bearer error="invalid_token"',
    },
}

_TEXT: Schema = {"type": "string"}
_VIOLATION: Schema = {
    "type": "object",
    "description": "One thing that is wrong with the request, and where.",
    "properties": {
        "in": _TEXT | {"enum": ["path", "query", "body"], "description": "Part of the request."},
        "name": _TEXT | {"description": "Name of the path variable or query parameter."},
        "pointer": _TEXT | {"description": "JSON Pointer (RFC 6901) into the body. Empty means the whole body."},
        "reason": _TEXT | {"description": "Rule that is broken, for example `string.min_len`."},
        "message": _TEXT | {"description": "What is wrong, in words."},
    },
    "required": ["reason", "message"],
}
PROBLEM: Schema = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "properties": {
        "type": _TEXT | {"format": "uri-reference", "description": "`/problems/` and the reason: a page about it."},
        "title": _TEXT | {"description": "The words of the HTTP status."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": _TEXT | {"description": "What is wrong this time, in words for people."},
        "reason": _TEXT | {"description": "Stable name of the reason, for programs. More may be added."},
        "request_id": _TEXT | {"description": "The identifier to name when asking for help."},
        "errors": {
            "type": "array",
            "items": _VIOLATION,
            "description": "Every violation, if the request is wrong.",
        },
        "metadata": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "Every variable of `detail`, by name.",
        },
    },
    "required": ["type", "title", "status", "detail", "reason", "request_id"],
}
_ERRORS = [{"in": "body", "pointer": "/transaction_amount", "reason": "double.gte", "message": "must be 0 or more"}]


def header(*names: str) -> Schema:
    """Returns references to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


class Responses:
    """Makes the error responses of operations and collects them as components, one for each set of reasons."""

    def __init__(self, reasons: Mapping[str, Reason], common: Iterable[str]) -> None:
        """`common` are the reasons that go without saying: the others are part of a component's name."""
        self.components: dict[str, Schema] = {}
        self._reasons = reasons
        self._common = frozenset(common)

    def of(self, names: Iterable[str]) -> dict[str, Schema]:
        """Returns the responses for reasons, by HTTP status. Reasons that are not in the catalogue are a KeyError."""
        found = sorted({self._reasons[name] for name in names}, key=lambda reason: (reason.status, reason.name))
        return {
            str(status): self._reference(status, list(group))
            for status, group in groupby(found, key=lambda reason: reason.status)
        }

    def _reference(self, status: int, reasons: list[Reason]) -> Schema:
        own = [slug(reason.name).title().replace("-", "") for reason in reasons if reason.name not in self._common]
        name = phrase(status).title().replace(" ", "") + "".join(own)
        self.components.setdefault(name, _response(status, reasons))
        return {"$ref": f"#/components/responses/{name}"}


def _response(status: int, reasons: list[Reason]) -> Schema:
    lines = [f"- [`{reason.name}`](/problems/{reason.slug}): {reason.words}" for reason in reasons]
    examples = {reason.name: {"summary": reason.words, "value": _example(reason)} for reason in reasons}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {
        "description": "\n".join([f"{phrase(status)}.", "", *lines]),
        "headers": header(*_headers(status)),
        "content": {MEDIA_TYPE.decode(): content},
    }


def _headers(status: int) -> list[str]:
    names = ["X-Request-Id"]
    if status == 401:
        names.append("WWW-Authenticate")
    if status == 429:
        names += ["RateLimit-Policy", "RateLimit"]
    return [*names, "Retry-After"] if status in (429, 503) else names


def _example(reason: Reason) -> Schema:
    _, _, body = problem(reason.error(), EXAMPLE_REQUEST_ID)
    example: Schema = json.loads(body) | {"title": phrase(reason.status)}
    return example | {"errors": _ERRORS} if reason.name == "VALIDATION_FAILED" else example
