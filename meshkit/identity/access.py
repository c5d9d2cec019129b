"""Reads bearer tokens and checks scopes: who may call a method, in one place for the edge and for every service."""

from __future__ import annotations

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import Policy

__all__ = ["bearer_token", "require_scope", "token_missing"]


def bearer_token(header: str) -> str:
    """Returns the token of an `Authorization: Bearer` value (RFC 6750, section 2.1); empty if it holds none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def token_missing() -> MeshError:
    return MeshError(
        Kind.UNAUTHENTICATED, "TOKEN_MISSING", "an access token is required: Authorization: Bearer <token>"
    )


def require_scope(policy: Policy, principal: Principal) -> None:
    """Raises SCOPE_MISSING if the principal has none of the method's scopes."""
    if policy.scopes.isdisjoint(principal.scopes):
        scopes = sorted(policy.scopes)
        needed = " or ".join(scopes) or "that nobody has"
        raise MeshError(
            Kind.PERMISSION_DENIED,
            "SCOPE_MISSING",
            f"the access token lacks the scope {needed}",
            metadata={"scope": " ".join(scopes)},
        )
