"""Says failures in the words of OAuth (RFC 6749, section 5.2; RFC 8628, 3.5; RFC 9449, 5)."""

from __future__ import annotations

import math

from starlette.responses import JSONResponse, Response

from meshkit.errors import Kind, MeshError

__all__ = ["NO_STORE", "OAuthError", "failure", "from_mesh", "invalid_client", "invalid_request"]

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
GRANT_TYPES = frozenset(
    {
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    }
)
_BY_REASON = {
    "CLIENT_INVALID": (401, "invalid_client"),
    "SCOPE_INVALID": (400, "invalid_scope"),
    "GRANT_INVALID": (400, "invalid_grant"),
    "PROOF_INVALID": (400, "invalid_dpop_proof"),
    "CERTIFICATE_REQUIRED": (400, "invalid_request"),
    "AUTHORIZATION_PENDING": (400, "authorization_pending"),
    "SLOW_DOWN": (400, "slow_down"),
    "AUTHORIZATION_DENIED": (400, "access_denied"),
    "DEVICE_CODE_EXPIRED": (400, "expired_token"),
    "TENANT_SUSPENDED": (400, "unauthorized_client"),
    "VALIDATION_FAILED": (400, "invalid_request"),
    "RATE_LIMITED": (429, "temporarily_unavailable"),
}
_UNAVAILABLE = (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED)


class OAuthError(Exception):
    """A failure in the words of RFC 6749, section 5.2."""

    def __init__(self, status: int, error: str, description: str, retry_after: float | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.retry_after = retry_after


def invalid_request(description: str) -> OAuthError:
    return OAuthError(400, "invalid_request", description)


def invalid_client(description: str) -> OAuthError:
    return OAuthError(401, "invalid_client", description)


def from_mesh(error: MeshError) -> OAuthError:
    """Returns what the caller hears of an error of the mesh."""
    if error.reason == "GRANT_UNSUPPORTED":
        known = error.metadata.get("grant_type") in GRANT_TYPES
        return OAuthError(400, "unauthorized_client" if known else "unsupported_grant_type", error.message)
    if error.reason in _BY_REASON:
        status, code = _BY_REASON[error.reason]
        return OAuthError(status, code, error.message, error.retry_after if status == 429 else None)
    if error.kind in _UNAVAILABLE:
        return OAuthError(503, "temporarily_unavailable", "this cannot be answered now", error.retry_after or 1.0)
    if error.kind is Kind.INVALID_ARGUMENT:
        return invalid_request(error.message)
    return OAuthError(500, "server_error", "something failed that should not")


def failure(error: OAuthError) -> Response:
    """Returns the answer."""
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="rampart", charset="UTF-8"'
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, status_code=error.status, headers=headers)
