"""Describes the OAuth endpoints in the OpenAPI document, and the security scheme by which tokens are had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from gateway.describe.openapi.extension import OperationParts, OwnOperation
from gateway.describe.openapi.headers import header
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.security import SecurityScheme
from gateway.product.oauth.discovery import AUTHORIZATION_PATH
from gateway.product.oauth.endpoints import (
    DEVICE_PATH,
    INTROSPECTION_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    USERINFO_PATH,
)
from gateway.product.oauth.routes import (
    AUTHORIZE_DEVICE,
    GET_USER_INFO,
    GRANT_TOKEN,
    INTROSPECT_TOKEN,
    REVOKE_TOKEN,
)
from gateway.product.oauth.schemas import COMPONENTS, DEVICE_FORM, TOKEN_FORM, TOKEN_TO_LOOK_AT_FORM, USER_INFO

__all__ = ["OAUTH", "OAUTH_OPERATIONS"]

_FAILURES = {
    400: "The request, the grant, a scope or a proof is not valid.",
    401: "The client credentials are missing or wrong.",
    429: "Too many requests from this address.",
    500: "Something failed that should not.",
    503: "This cannot be answered now.",
}
_TOKEN_EXAMPLE = {
    "access_token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "scope": "decision:create decision:read",
}
_CLIENT_EXAMPLE = {"client_id": "shop", "client_secret": "the-secret-of-the-client"}
_DEVICE_EXAMPLE = {
    "device_code": "rdc_HvDeRpC3CvNGjhB5dmKfLE7r9MkB3Z1pRwuLGhGJzSg",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://api.example.com/device",
    "expires_in": 600,
    "interval": 5,
}


def _form_operation(
    summary: str, words: str, form: Schema, example: Schema, answer: str, answer_example: Schema
) -> Callable[[OperationParts], Schema]:
    """Returns what describes an endpoint that takes a form; without an answer its body is empty."""

    def describe(parts: OperationParts) -> Schema:
        granted: Schema = {"description": summary, "headers": header("X-Request-Id", "RateLimit-Policy", "RateLimit")}
        if answer:
            content = {"schema": {"$ref": f"#/components/schemas/{answer}"}, "example": answer_example}
            granted["content"] = {"application/json": content}
        body = {"application/x-www-form-urlencoded": {"schema": form, "example": example}}
        return {
            "operationId": parts.identifier,
            "tags": [parts.tag],
            "summary": summary,
            "description": words,
            "requestBody": {"required": True, "content": body},
            "responses": {"200": granted} | _failures(),
            "security": [],
        }

    return describe


def _user_info(parts: OperationParts) -> Schema:
    example = {"sub": "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1", "tenant_id": "01a1fc5a-3c5b-7001-bc8a-22bbe467f00c"}
    content = {"schema": {"$ref": f"#/components/schemas/{USER_INFO}"}, "example": example}
    return {
        "operationId": parts.identifier,
        "tags": [parts.tag],
        "summary": "Returns claims about the person of an access token",
        "description": "OpenID Connect Core 1.0, section 5.3. The token must have the scope `openid`.",
        "responses": {
            "200": {
                "description": "Claims.",
                "headers": header("X-Request-Id", "RateLimit-Policy", "RateLimit"),
                "content": {"application/json": content},
            }
        }
        | _failures({403: "The token was not given for this."}),
        "security": [{"oauth2": []}],
    }


def _failures(more: Mapping[int, str] | None = None) -> Schema:
    return {str(status): _failure(status, words) for status, words in sorted((_FAILURES | dict(more or {})).items())}


def _failure(status: int, words: str) -> Schema:
    names = ["X-Request-Id", *(["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else [])]
    names += ["Retry-After"] if status in (429, 503) else []
    return {
        "description": words,
        "headers": header(*names),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}},
    }


def _oauth(scopes: Mapping[str, str], url: str) -> Schema:
    named = dict(scopes)
    code = {
        "authorizationUrl": f"{url}{AUTHORIZATION_PATH}",
        "tokenUrl": f"{url}{TOKEN_PATH}",
        "refreshUrl": f"{url}{TOKEN_PATH}",
        "scopes": named,
    }
    return {
        "type": "oauth2",
        "description": "Programs act for themselves by client credentials, and for people by an authorization code "
        "with PKCE. Without a choice of scopes the token has all that may be had.",
        "flows": {
            "authorizationCode": code,
            "clientCredentials": {"tokenUrl": f"{url}{TOKEN_PATH}", "scopes": named},
        },
    }


def _api_key(_: Mapping[str, str], __: str) -> Schema:
    words = "An API key, for programs that are too simple to ask for access tokens. It may be a bearer token as well."
    return {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": words}


OAUTH_OPERATIONS: Final = (
    OwnOperation(
        "post",
        TOKEN_PATH,
        GRANT_TOKEN,
        COMPONENTS,
        _form_operation(
            "Grants tokens",
            "OAuth 2.0 token endpoint (RFC 6749, section 3.2). Credentials of the client stand in the body or, better, "
            "in an `Authorization: Basic` header; never in both, never in the address. A `DPoP` header binds the "
            "tokens to a key (RFC 9449); those of a client with the sender constraint `mtls` are bound to its "
            "certificate (RFC 8705).",
            TOKEN_FORM,
            {"grant_type": "client_credentials", **_CLIENT_EXAMPLE, "scope": "decision:create decision:read"},
            "OAuthTokens",
            _TOKEN_EXAMPLE,
        ),
    ),
    OwnOperation(
        "post",
        REVOCATION_PATH,
        REVOKE_TOKEN,
        {},
        _form_operation(
            "Ends the use of a token",
            "RFC 7009. All that came of the same grant ends with it, everywhere within five seconds. A token that is "
            "not the client's, or none, is no error.",
            TOKEN_TO_LOOK_AT_FORM,
            {"token": "rrt_the-refresh-token", **_CLIENT_EXAMPLE},
            "",
            {},
        ),
    ),
    OwnOperation(
        "post",
        INTROSPECTION_PATH,
        INTROSPECT_TOKEN,
        {},
        _form_operation(
            "Says whether a token is good",
            "RFC 7662. For clients of the tenant that the token is of; into a refresh token its own client looks.",
            TOKEN_TO_LOOK_AT_FORM,
            {"token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl", **_CLIENT_EXAMPLE},
            "OAuthIntrospection",
            {"active": False},
        ),
    ),
    OwnOperation(
        "post",
        DEVICE_PATH,
        AUTHORIZE_DEVICE,
        {},
        _form_operation(
            "Begins to let in a device",
            "RFC 8628. Show the code and the address to a person, then ask the token endpoint at the interval.",
            DEVICE_FORM,
            {"client_id": "rampart-cli", "scope": "openid case:read"},
            "OAuthDevice",
            _DEVICE_EXAMPLE,
        ),
    ),
    OwnOperation("get", USERINFO_PATH, GET_USER_INFO, {}, _user_info),
)
OAUTH: Final = SecurityScheme("oauth2", _oauth, (SecurityScheme("api_key", _api_key),))
