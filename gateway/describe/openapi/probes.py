"""Describes the probes of the gateway: /health and /ready."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.describe.openapi.headers import header
from gateway.describe.openapi.logic import Schema

__all__ = ["HEALTH_TAG", "PROBE_IDENTIFIERS", "PROBE_SCHEMAS", "probes"]

HEALTH_TAG: Schema = {"name": "health", "description": "Probes of the edge, without a token."}
PROBE_IDENTIFIERS = ("health", "ready")
PROBE_SCHEMAS: dict[str, Schema] = {
    "Health": {
        "type": "object",
        "description": "Says that the process is alive.",
        "properties": {"status": {"type": "string", "enum": ["ok"], "description": "Always the same."}},
        "required": ["status"],
    },
    "Readiness": {
        "type": "object",
        "description": "Says whether the edge should get traffic.",
        "properties": {
            "ready": {"type": "boolean", "description": "True if nothing is missing."},
            "missing": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "What is missing, by name, in words.",
            },
        },
        "required": ["ready", "missing"],
    },
}
"""Components by name."""


def probes(errors: Mapping[str, Schema]) -> dict[str, Schema]:
    """Returns the operations of the probes by path. `errors` are responses that any request can get."""
    health = {"200": ("It is.", "Health")}
    ready = {"200": ("It should.", "Readiness"), "503": ("It should not.", "Readiness")}
    return {
        "/health": _probe(
            PROBE_IDENTIFIERS[0],
            "Tells that the process is alive",
            "For who restarts it if it is not. It looks at nothing else.",
            _answers(health) | dict(errors),
        ),
        "/ready": _probe(
            PROBE_IDENTIFIERS[1],
            "Tells whether the edge should get traffic, and what is missing if not",
            "For who sends it traffic, and for people who want to know what is down.",
            _answers(ready) | dict(errors),
        ),
    }


def _answers(answers: Mapping[str, tuple[str, str]]) -> Schema:
    return {
        status: {
            "description": words,
            "headers": header("X-Request-Id"),
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        }
        for status, (words, schema) in answers.items()
    }


def _probe(identifier: str, summary: str, description: str, responses: Schema) -> Schema:
    return {
        "operationId": identifier,
        "tags": [HEALTH_TAG["name"]],
        "summary": summary,
        "description": description,
        "responses": dict(sorted(responses.items())),
        "security": [],
    }
