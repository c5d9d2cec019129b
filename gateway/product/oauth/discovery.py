"""Describes the authorization server to programs (RFC 8414; OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.product.oauth.endpoints import (
    DEVICE_PATH,
    INTROSPECTION_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    USERINFO_PATH,
)
from meshkit.identity.dpop import ALGORITHMS

__all__ = ["AUTHORIZATION_PATH", "DEVICE_PAGE", "OAUTH_METADATA_PATH", "OPENID_METADATA_PATH", "Discovery", "metadata"]

OAUTH_METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
OPENID_METADATA_PATH: Final = "/.well-known/openid-configuration"
AUTHORIZATION_PATH: Final = "/oauth/authorize"
DEVICE_PAGE: Final = "/device"
JWKS_PATH: Final = "/.well-known/jwks.json"
MAX_AGE = 3600

_CLIENT_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_ADDRESSES = {
    "authorization_endpoint": AUTHORIZATION_PATH,
    "token_endpoint": TOKEN_PATH,
    "revocation_endpoint": REVOCATION_PATH,
    "introspection_endpoint": INTROSPECTION_PATH,
    "device_authorization_endpoint": DEVICE_PATH,
    "userinfo_endpoint": USERINFO_PATH,
    "jwks_uri": JWKS_PATH,
}
_IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")


class Discovery:
    """Answers with the document, which is the same for everybody and changes with releases alone."""

    def __init__(self, issuer: str, scopes: Collection[str], *, certificates: bool = False) -> None:
        self._document = metadata(issuer, scopes, certificates=certificates)

    async def respond(self, _: Request) -> Response:
        """Answers with the document."""
        return JSONResponse(self._document, headers={"cache-control": f"public, max-age={MAX_AGE}"})


def metadata(issuer: str, scopes: Collection[str], *, certificates: bool = False) -> dict[str, Any]:
    """Returns the document of the issuer, whose URL is that of the gateway (RFC 8414, section 3.3).

    `certificates` says that the gateway learns those of clients, so that tokens can be bound to them.
    """
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in _ADDRESSES.items()},
        "scopes_supported": [*_IDENTITY_SCOPES, *sorted(scopes)],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*_CLIENT_METHODS, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "revocation_endpoint_auth_methods_supported": [*_CLIENT_METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": sorted(ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": certificates,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "tenant_id",
            "name", "email", "email_verified",
        ],
        "prompt_values_supported": ["none", "login", "consent"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }  # fmt: skip
