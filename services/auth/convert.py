"""Between messages and the domain of the auth service."""

from __future__ import annotations

from rampart.auth.v1 import auth_service_pb2 as pb

from services.auth.domain.tenants import Tenant
from services.auth.service import IssuedToken, NewClient

__all__ = ["client_response", "jwks_response", "tenant_message", "token_response"]


def token_response(issued: IssuedToken) -> pb.IssueTokenResponse:
    return pb.IssueTokenResponse(
        access_token=issued.token, token_type="Bearer", expires_in=issued.expires_in, scope=issued.scope
    )


def jwks_response(keys: list[dict[str, str]]) -> pb.GetJwksResponse:
    return pb.GetJwksResponse(keys=[pb.Jwk(**key) for key in keys])


def tenant_message(tenant: Tenant) -> pb.Tenant:
    message = pb.Tenant(tenant_id=tenant.tenant_id, name=tenant.name, default_currency=tenant.default_currency)
    message.create_time.FromDatetime(tenant.created_at)
    return message


def client_response(tenant: str, created: NewClient) -> pb.CreateClientResponse:
    return pb.CreateClientResponse(
        tenant=tenant,
        client_id=created.client.client_id,
        client_secret=created.secret,
        scopes=sorted(created.client.scopes),
        rate_limit=created.client.rate_limit,
    )
