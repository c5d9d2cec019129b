"""Errors about tenants and the keys that sign tokens."""

from __future__ import annotations

from meshkit.currencies import NOT_A_CURRENCY
from meshkit.errors import Kind, MeshError, Violation, unavailable, validation_failed

__all__ = [
    "currency_unknown",
    "no_signing_key",
    "quota_exceeded",
    "tenant_active",
    "tenant_not_found",
    "tenant_suspended",
]


def currency_unknown() -> MeshError:
    return validation_failed(Violation("default_currency", "currency.known", NOT_A_CURRENCY))


def tenant_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such tenant", metadata={"resource": "tenant"})


def tenant_suspended() -> MeshError:
    return MeshError(Kind.PERMISSION_DENIED, "TENANT_SUSPENDED", "the operator has stopped the tenant")


def quota_exceeded(quota: str, limit: int, used: int) -> MeshError:
    """The tenant has as many of a thing as it may have."""
    what = "API keys" if quota == "api_keys" else quota
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "QUOTA_EXCEEDED",
        f"the tenant has {used} of {limit} {what}: delete some that are not needed, or have the operator of the"
        " platform raise the quota",
        metadata={"quota": quota, "limit": str(limit), "used": str(used)},
    )


def tenant_active() -> MeshError:
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "STATE_NOT_ALLOWED",
        "only a tenant that is suspended can be erased",
        metadata={"state": "active"},
    )


def no_signing_key() -> MeshError:
    """The keys could not be read since the process started."""
    return unavailable("postgres")
