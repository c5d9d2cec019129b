"""Says what becomes of the access tokens of a tenant that the operator stops or lets go on."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.auth.domain.revocations import Revocation, RevocationKind

__all__ = ["LONGEST_LIFE", "refusal_of_all", "refused_until"]

LONGEST_LIFE = timedelta(days=1)
"""Longest life of an access token that can be set: other replicas may have other settings for a while."""


def refusal_of_all(tenant_id: str) -> Revocation:
    """Returns the revocation of all tokens of a tenant, also of later ones, until it is lifted."""
    return Revocation(RevocationKind.TENANT, tenant_id, "", issued_before=None, until=None)


def refused_until(resumed: datetime) -> datetime:
    """Returns when the last token that was issued before a tenant went on has expired."""
    return resumed + LONGEST_LIFE
