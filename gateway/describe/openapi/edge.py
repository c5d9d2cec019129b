"""What the edge answers itself, without a binding: the token endpoint and the probes."""

from __future__ import annotations

from http import HTTPStatus

from google.protobuf.descriptor import MethodDescriptor

from gateway.describe.comments import Comments
from gateway.describe.openapi.constraints import Schema
from gateway.describe.openapi.examples import Examples
from gateway.describe.openapi.headers import header
from gateway.describe.openapi.schemas import Schemas, Use

__all__ = ["HEALTH_TAG", "TOKEN_PATH", "probes", "token_operation"]

TOKEN_PATH = "/api/v1/oauth/token"
HEALTH_TAG: Schema = {"name": "health", "description": "Probes of the edge, without a token."}

_FAILURES = {
    400: "The request, the grant type or a scope is not valid.",
    401: "The client credentials are missing or wrong.",
    429: "Too many requests from this address.",
    500: "Something failed that should not.",
    503: "Tokens cannot be issued now.",
}
_ERRORS = [
    "invalid_client", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable",
    "unsupported_grant_type",
]  # fmt: skip
OAUTH_ERROR: Schema = {
    "type": "object",
    "description": "A failure in the words of RFC 6749, section 5.2.",
    "properties": {
        "error": {"type": "string", "enum": _ERRORS},
        "error_description": {"type": "string", "description": "What is wrong, in words for people."},
    },
    "required": ["error", "error_description"],
}


def token_operation(
    method: MethodDescriptor, tag: str, comments: Comments, schemas: Schemas, examples: Examples
) -> Schema:
    """Returns the operation of the token endpoint; its fields are those of the method behind it."""
    schemas.components["OAuthError"] = OAUTH_ERROR
    return {
        "operationId": "issueToken",
        "tags": [tag],
        "summary": "Issues an access token for client credentials",
        "description": (
            "OAuth 2.0 client credentials (RFC 6749, section 4.4). The credentials stand in the body or, better, "
            "in an `Authorization: Basic` header; never in both, never in the address."
        ),
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": _form(method, schemas, examples)},
        },
        "responses": {"200": _granted(method, comments, schemas, examples)}
        | {str(status): _failure(status, words) for status, words in _FAILURES.items()},
        "security": [],
    }


def _form(method: MethodDescriptor, schemas: Schemas, examples: Examples) -> Schema:
    grant = {"type": "string", "const": "client_credentials", "description": "The one grant type there is."}
    fields = {field.name: schemas.field(field, Use.REQUEST) for field in method.input_type.fields}
    fields["client_secret"]["format"] = "password"
    schema = {"type": "object", "properties": {"grant_type": grant} | fields, "required": ["grant_type"]}
    example = examples.of(method.input_type) or {}
    return {"schema": schema, "example": {"grant_type": "client_credentials"} | example}


def _granted(method: MethodDescriptor, comments: Comments, schemas: Schemas, examples: Examples) -> Schema:
    return {
        "description": comments.of(method.output_type.full_name),
        "headers": header("X-Request-Id", "RateLimit-Policy", "RateLimit"),
        "content": {
            "application/json": {
                "schema": schemas.message(method.output_type, Use.ANSWER),
                "example": examples.of(method.output_type),
            }
        },
    }


def _failure(status: int, words: str) -> Schema:
    names = ["X-Request-Id", *(["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else [])]
    names += ["Retry-After"] if status in (429, 503) else []
    return {
        "description": words,
        "headers": header(*names),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}},
    }


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
