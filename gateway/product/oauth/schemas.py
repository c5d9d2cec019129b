"""Describes the forms and answers of the OAuth endpoints for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from gateway.describe.openapi.logic import Schema
from gateway.product.oauth.forms import CLIENT_ASSERTION_TYPE

__all__ = ["COMPONENTS", "DEVICE_FORM", "TOKEN_FORM", "TOKEN_TO_LOOK_AT_FORM", "USER_INFO"]

_ERRORS = [
    "access_denied", "authorization_pending", "expired_token", "insufficient_scope", "invalid_client",
    "invalid_dpop_proof", "invalid_grant", "invalid_request", "invalid_scope", "invalid_token", "server_error",
    "slow_down", "temporarily_unavailable", "unauthorized_client", "unsupported_grant_type",
]  # fmt: skip


def _text(description: str, longest: int, **more: Any) -> Schema:
    return {"type": "string", "maxLength": longest, "description": description} | more


def _object(description: str, properties: Schema, *required: str) -> Schema:
    return {"type": "object", "description": description, "properties": properties, "required": list(required)}


_CLIENT: Schema = {
    "client_id": _text("Identifier of the client; not beside an `Authorization: Basic` header.", 128),
    "client_secret": _text("Secret of the client.", 256, format="password"),
    "client_assertion_type": _text("How `client_assertion` is to be read.", 64, const=CLIENT_ASSERTION_TYPE),
    "client_assertion": _text("Assertion that the client has signed (RFC 7523).", 8192, format="password"),
}
_SCOPE: Schema = {"scope": _text("Scopes asked for, separated by spaces. Without it, all that may be had.", 1024)}

TOKEN_FORM: Final = _object(
    "A request for tokens (RFC 6749).",
    {
        "grant_type": {
            "type": "string",
            "enum": [
                "client_credentials",
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "description": "For what tokens are asked.",
        },
        **_CLIENT,
        **_SCOPE,
        "code": _text("Authorization code.", 128, format="password"),
        "redirect_uri": _text("As in the authorization request.", 2048, format="uri"),
        "code_verifier": _text("What the challenge was made of (RFC 7636).", 128, format="password"),
        "refresh_token": _text("Refresh token.", 128, format="password"),
        "device_code": _text("Device code (RFC 8628).", 128, format="password"),
    },
    "grant_type",
)
TOKEN_TO_LOOK_AT_FORM: Final = _object(
    "A token, and who asks.",
    {
        "token": _text("Refresh or access token.", 8192, format="password"),
        "token_type_hint": _text("Of no use: tokens say what they are.", 64),
        **_CLIENT,
    },
    "token",
)
DEVICE_FORM: Final = _object("A device that wants to be let in.", {**_CLIENT, **_SCOPE})
USER_INFO: Final = "OAuthUserInfo"

COMPONENTS: Final[Schema] = {
    "OAuthError": _object(
        "A failure in the words of RFC 6749, section 5.2, and of what extends it.",
        {
            "error": {"type": "string", "enum": _ERRORS},
            "error_description": {"type": "string", "description": "What is wrong, in words for people."},
        },
        "error",
        "error_description",
    ),
    "OAuthTokens": _object(
        "Tokens (RFC 6749, section 5.1).",
        {
            "access_token": {"type": "string", "description": "Access token."},
            "token_type": {"type": "string", "enum": ["Bearer", "DPoP"]},
            "expires_in": {"type": "integer", "minimum": 0, "description": "Life of the access token, in seconds."},
            "scope": {"type": "string", "description": "Scopes granted, separated by spaces."},
            "refresh_token": {"type": "string", "description": "Good once; its successor comes with the next tokens."},
            "id_token": {"type": "string", "description": "Who has signed in (OpenID Connect Core 1.0, section 2)."},
        },
        "access_token",
        "token_type",
        "expires_in",
        "scope",
    ),
    "OAuthIntrospection": _object(
        "What a token says (RFC 7662, section 2.2); of one that is not good, no more than that.",
        {
            "active": {"type": "boolean", "description": "Whether the token is good now."},
            "scope": {"type": "string", "description": "Scopes, separated by spaces."},
            "client_id": {"type": "string", "description": "Client that it was given to."},
            "sub": {"type": "string", "description": "Whom it is about."},
            "tenant_id": {"type": "string", "description": "Tenant."},
            "token_type": {"type": "string", "enum": ["Bearer", "DPoP", "refresh_token"]},
            "exp": {"type": "integer", "description": "When it expires, in Unix seconds."},
            "iat": {"type": "integer", "description": "When it was issued, in Unix seconds."},
            "aud": {"type": "string", "description": "Audience."},
            "iss": {"type": "string", "description": "Issuer."},
            "jti": {"type": "string", "description": "Identifier of the token."},
            "roles": {"type": "array", "items": {"type": "string"}, "description": "Roles of the subject."},
            "cnf": {"type": "object", "description": "What it is bound to (RFC 7800).", "additionalProperties": True},
        },
        "active",
    ),
    "OAuthDevice": _object(
        "What a device shows to people, and asks with (RFC 8628, section 3.2).",
        {
            "device_code": {"type": "string", "description": "What the device asks with."},
            "user_code": {"type": "string", "description": "What the person types."},
            "verification_uri": {"type": "string", "format": "uri", "description": "Where."},
            "verification_uri_complete": {"type": "string", "format": "uri", "description": "The same with the code."},
            "expires_in": {"type": "integer", "description": "How long both are good, in seconds."},
            "interval": {"type": "integer", "description": "Least time between two questions, in seconds."},
        },
        "device_code",
        "user_code",
        "verification_uri",
        "expires_in",
        "interval",
    ),
    USER_INFO: _object(
        "Claims about the person (OpenID Connect Core 1.0, section 5.1).",
        {
            "sub": {"type": "string", "description": "Identifier of the person."},
            "tenant_id": {"type": "string", "description": "Tenant."},
            "name": {"type": "string", "description": "Display name, with the scope `profile`."},
            "email": {"type": "string", "description": "E-mail address, with the scope `email`."},
            "email_verified": {"type": "boolean", "description": "Whether a link sent to the address was used."},
        },
        "sub",
        "tenant_id",
    ),
}
