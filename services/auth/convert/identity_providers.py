"""Converts tenants' own OpenID providers."""

from __future__ import annotations

from urllib.parse import urlsplit

from rampart.auth.v1 import identity_provider_pb2
from rampart.auth.v1 import identity_provider_service_pb2 as pb

from services.auth.domain.identity_providers import GivenProvider, IdentityProvider, SecretMethod

__all__ = ["given_provider_from_proto", "provider_to_proto"]


def provider_to_proto(provider: IdentityProvider, redirect_uri: str) -> identity_provider_pb2.IdentityProvider:
    """Returns the provider without its secret; `redirect_uri` is where it answers."""
    message = identity_provider_pb2.IdentityProvider(
        issuer=provider.issuer,
        client_id=provider.client_id,
        token_endpoint_auth_method=provider.method.value,
        display_name=provider.display_name,
        domains=sorted(provider.domains),
        roles=sorted(provider.roles),
        email_trusted=provider.email_trusted,
        second_factor_trusted=provider.second_factor_trusted,
        required=provider.required,
        redirect_uri=redirect_uri,
    )
    message.create_time.FromDatetime(provider.created_at)
    message.update_time.FromDatetime(provider.updated_at)
    return message


def given_provider_from_proto(request: pb.SetIdentityProviderRequest) -> GivenProvider:
    method = request.token_endpoint_auth_method
    return GivenProvider(
        request.issuer,
        request.client_id,
        request.client_secret,
        SecretMethod(method) if method else SecretMethod.BASIC,
        request.display_name or urlsplit(request.issuer).netloc,
        frozenset(request.domains),
        frozenset(request.roles),
        request.email_trusted,
        request.second_factor_trusted,
        request.required,
    )
