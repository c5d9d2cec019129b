"""Implements `rampart.auth.v1.IdentityProviderService`. The tenant comes only from the verified token."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import identity_provider_pb2
from rampart.auth.v1 import identity_provider_service_pb2 as pb

from meshkit.context import principal
from services.auth.convert import identity_providers as convert
from services.auth.domain.identity_providers import IdentityProvider
from services.auth.service.federation.providers import IdentityProviders

__all__ = ["IdentityProviderServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class IdentityProviderServicer:
    """Implements `rampart.auth.v1.IdentityProviderService`."""

    def __init__(self, providers: IdentityProviders) -> None:
        self._providers = providers

    async def GetIdentityProvider(
        self, _: pb.GetIdentityProviderRequest, __: Context
    ) -> pb.GetIdentityProviderResponse:
        found = await self._providers.get(principal().tenant_id)
        return pb.GetIdentityProviderResponse(provider=await self._told(found))

    async def SetIdentityProvider(
        self, request: pb.SetIdentityProviderRequest, _: Context
    ) -> pb.SetIdentityProviderResponse:
        stored = await self._providers.set(principal(), convert.given_provider_from_proto(request))
        return pb.SetIdentityProviderResponse(provider=await self._told(stored))

    async def RemoveIdentityProvider(
        self, _: pb.RemoveIdentityProviderRequest, __: Context
    ) -> pb.RemoveIdentityProviderResponse:
        await self._providers.remove(principal())
        return pb.RemoveIdentityProviderResponse()

    async def UnlinkMember(self, request: pb.UnlinkMemberRequest, _: Context) -> pb.UnlinkMemberResponse:
        await self._providers.unlink(principal(), request.member_id)
        return pb.UnlinkMemberResponse()

    async def _told(self, provider: IdentityProvider) -> identity_provider_pb2.IdentityProvider:
        return convert.provider_to_proto(provider, await self._providers.redirect_uri(provider.tenant_id))
