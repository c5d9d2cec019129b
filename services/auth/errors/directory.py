"""Errors about tenants, clients and their tokens."""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.currencies import NOT_A_CURRENCY
from meshkit.errors import Kind, MeshError, Violation, unavailable, validation_failed

__all__ = [
    "client_invalid",
    "client_not_found",
    "currency_unknown",
    "no_signing_key",
    "scope_invalid",
    "scopes_unknown",
    "tenant_not_found",
]


def client_invalid() -> MeshError:
    """The client is unknown or its secret is wrong; which of the two is not told."""
    return MeshError(Kind.UNAUTHENTICATED, "CLIENT_INVALID", "the client credentials are wrong")


def currency_unknown() -> MeshError:
    return validation_failed(Violation("default_currency", "currency.known", NOT_A_CURRENCY))


def scope_invalid(scopes: Sequence[str]) -> MeshError:
    scope = " ".join(sorted(scopes))
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "SCOPE_INVALID",
        "the client may not have every scope that it asked for",
        metadata={"scope": scope},
    )


def scopes_unknown(positions: Sequence[int]) -> MeshError:
    return validation_failed(
        *[Violation(f"scopes[{position}]", "scope.known", "is not a scope of the platform") for position in positions]
    )


def tenant_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such tenant", metadata={"resource": "tenant"})


def client_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such client", metadata={"resource": "client"})


def no_signing_key() -> MeshError:
    """The keys could not be read since the process started."""
    return unavailable("postgres")
