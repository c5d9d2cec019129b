"""Keeps tenants to how many of a thing they may have."""

from __future__ import annotations

from services.auth import errors
from services.auth.domain.quotas import QuotaUse

__all__ = ["check_room"]


def check_room(use: QuotaUse) -> None:
    """Raises QUOTA_EXCEEDED if a tenant may have no more of it. To be called in the transaction that makes another."""
    if use.spent:
        raise errors.quota_exceeded(use.resource.value, use.limit, use.used)
