"""Describes the probes of the gateway: /health and /ready."""

from __future__ import annotations

from gateway.describe.openapi.constraints import Schema
from gateway.describe.openapi.headers import header

__all__ = ["HEALTH_TAG", "probes"]

HEALTH_TAG: Schema = {"name": "health", "description": "Probes of the edge, without a token."}


def probes() -> dict[str, Schema]:
    """Returns the paths of the probes."""
    state: Schema = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    missing: Schema = {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "What is missing, by name, in words.",
    }
    ready: Schema = {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}, "missing": missing},
        "required": ["ready", "missing"],
    }
    return {
        "/health": _probe("health", "Tells that the process is alive", {"200": ("It is.", state)}),
        "/ready": _probe(
            "ready",
            "Tells whether the edge should get traffic, and what is missing if not",
            {"200": ("It should.", ready), "503": ("It should not.", ready)},
        ),
    }


def _probe(name: str, summary: str, answers: dict[str, tuple[str, Schema]]) -> Schema:
    responses = {
        status: {
            "description": words,
            "headers": header("X-Request-Id"),
            "content": {"application/json": {"schema": schema}},
        }
        for status, (words, schema) in answers.items()
    }
    operation = {"operationId": name, "tags": [HEALTH_TAG["name"]], "summary": summary}
    return {"get": operation | {"responses": responses, "security": []}}
