"""Reads bearer tokens and checks scopes: who may call a method, in one place for the edge and for every service."""

from __future__ import annotations

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import Policy

__all__ = ["bearer_token", "credentials", "require_scope", "token_missing"]


def bearer_token(header: str) -> str:
    """Returns the token of an `Authorization: Bearer` value (RFC 6750, section 2.1); empty if it holds none."""
    return credentials(header, "bearer")


def credentials(header: str, scheme: str) -> str:
    """Returns what an `Authorization` value says after its scheme (RFC 9110, section 11.4); empty for another one.

    `scheme` is in lower case.
    """
    named, _, rest = header.partition(" ")
    return rest.strip(" ") if named.lower() == scheme else ""


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
