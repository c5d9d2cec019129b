"""Describes the token endpoint in the OpenAPI document, and the security scheme by which its tokens are had."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from gateway.describe.openapi.extension import OperationParts, OwnOperation
from gateway.describe.openapi.headers import header
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.schemas import Use
from gateway.describe.openapi.security import SecurityScheme
from gateway.product.oauth import ASSERTION_TYPE, ISSUE_TOKEN, TOKEN_PATH

__all__ = ["CLIENT_CREDENTIALS", "TOKEN_OPERATION"]

_FAILURES = {
    400: "The request, the grant type or a scope is not valid.",
    401: "The client credentials are missing or wrong.",
    429: "Too many requests from this address.",
    500: "Something failed that should not.",
    503: "Tokens cannot be issued now.",
}
_ERRORS = [
    "invalid_client", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable",
    "unauthorized_client", "unsupported_grant_type",
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


def _token_operation(parts: OperationParts) -> Schema:
    """Returns the operation of the token endpoint; its fields are those of the method behind it."""
    return {
        "operationId": parts.identifier,
        "tags": [parts.tag],
        "summary": "Issues an access token for client credentials",
        "description": (
            "OAuth 2.0 client credentials (RFC 6749, section 4.4). The credentials stand in the body or, better, "
            "in an `Authorization: Basic` header; never in both, never in the address. A client with keys sends a "
            "signed assertion instead (RFC 7523)."
        ),
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": _form(parts)}},
        "responses": {"200": _granted(parts)}
        | {str(status): _failure(status, words) for status, words in _FAILURES.items()},
        "security": [],
    }


def _form(parts: OperationParts) -> Schema:
    request = parts.method.input_type
    grant = {"type": "string", "const": "client_credentials", "description": "The one grant type there is."}
    fields = {field.name: parts.schemas.field(field, Use.REQUEST) for field in request.fields}
    fields["client_secret"]["format"] = "password"
    fields["client_assertion_type"] = {
        "type": "string", "const": ASSERTION_TYPE, "description": "Required beside an assertion."
    }  # fmt: skip
    schema = {"type": "object", "properties": {"grant_type": grant} | fields, "required": ["grant_type"]}
    example = parts.examples.of(request) or {}
    return {"schema": schema, "example": {"grant_type": "client_credentials"} | example}


def _granted(parts: OperationParts) -> Schema:
    answer = parts.method.output_type
    return {
        "description": parts.comments.of(answer.full_name),
        "headers": header("X-Request-Id", "RateLimit-Policy", "RateLimit"),
        "content": {
            "application/json": {
                "schema": parts.schemas.message(answer, Use.ANSWER),
                "example": parts.examples.of(answer),
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


def _client_credentials(scopes: Mapping[str, str], url: str) -> Schema:
    return {
        "type": "oauth2",
        "description": "Client credentials. Without a choice of scopes the token has all scopes of the client.",
        "flows": {"clientCredentials": {"tokenUrl": f"{url}{TOKEN_PATH}", "scopes": dict(scopes)}},
    }


def _api_key(_: Mapping[str, str], __: str) -> Schema:
    words = "An API key, for programs that are too simple to ask for access tokens. It may be a bearer token as well."
    return {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": words}


TOKEN_OPERATION = OwnOperation("post", TOKEN_PATH, ISSUE_TOKEN, {"OAuthError": OAUTH_ERROR}, _token_operation)


CLIENT_CREDENTIALS = SecurityScheme("oauth2", _client_credentials, (SecurityScheme("api_key", _api_key),))
