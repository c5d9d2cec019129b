"""Converts revocations."""

from __future__ import annotations

from rampart.auth.v1 import auth_service_pb2 as pb

from meshkit.identity.revocations import RevokedBy, RevokedTokens
from services.auth.domain.revocations import Revocation, ToldRevocations

__all__ = ["revocation_to_tokens", "revocations_to_proto"]


def revocations_to_proto(told: ToldRevocations) -> pb.ListRevocationsResponse:
    return pb.ListRevocationsResponse(
        revocations=map(_revocation_to_proto, told.revocations), next=str(told.next), more=told.more
    )


def _revocation_to_proto(revocation: Revocation) -> pb.TokenRevocation:
    message = pb.TokenRevocation(
        tenant_id=revocation.tenant_id,
        kind=f"REVOCATION_KIND_{revocation.kind.name}",
        name=revocation.name,
    )
    if revocation.issued_before is not None:
        message.issued_before.FromDatetime(revocation.issued_before)
    if revocation.until is not None:
        message.until.FromDatetime(revocation.until)
    return message


def revocation_to_tokens(revocation: Revocation) -> RevokedTokens:
    return RevokedTokens(
        revocation.tenant_id,
        RevokedBy(revocation.kind.value),
        revocation.name,
        revocation.issued_before.timestamp() if revocation.issued_before is not None else None,
        revocation.until.timestamp() if revocation.until is not None else float("inf"),
    )
