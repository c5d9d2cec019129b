"""Implements `rampart.auth.v1.AuthService`: tokens, verification keys, and the directory for operators."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import auth_service_pb2 as pb

from meshkit.context import current
from meshkit.rpc.interceptors.possession import sender_certificate
from services.auth.convert import directory as convert
from services.auth.convert.revocations import revocations_to_proto
from services.auth.domain.token_requests import ClientProof
from services.auth.service.auth import AuthService
from services.auth.service.directory import DirectoryService
from services.auth.service.keyring import Keyring
from services.auth.service.revoking.feed import RevocationFeed

__all__ = ["AuthServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AuthServicer:
    """Implements `rampart.auth.v1.AuthService`."""

    def __init__(
        self, service: AuthService, keyring: Keyring, directory: DirectoryService, revocations: RevocationFeed
    ) -> None:
        self._service = service
        self._keyring = keyring
        self._directory = directory
        self._revocations = revocations

    async def IssueToken(self, request: pb.IssueTokenRequest, context: Context) -> pb.IssueTokenResponse:
        shown = ClientProof(request.client_id, request.client_secret, request.client_assertion)
        certificate = sender_certificate(current().peer, context.auth_context())
        return convert.token_to_proto(await self._service.issue_token(shown, request.scope, certificate))

    async def ExchangeApiKey(self, request: pb.ExchangeApiKeyRequest, _: Context) -> pb.ExchangeApiKeyResponse:
        issued = await self._service.exchange_api_key(request.api_key)
        return pb.ExchangeApiKeyResponse(access_token=issued.token, expires_in=issued.expires_in)

    async def IssueOperatorToken(
        self, request: pb.IssueOperatorTokenRequest, _: Context
    ) -> pb.IssueOperatorTokenResponse:
        issued = await self._service.operator_token(request.tenant, request.scopes)
        return pb.IssueOperatorTokenResponse(
            access_token=issued.token, expires_in=issued.expires_in, scope=issued.scope
        )

    async def GetJwks(self, _: pb.GetJwksRequest, __: Context) -> pb.GetJwksResponse:
        return convert.keys_to_proto(await self._keyring.public_keys())

    async def ListRevocations(self, request: pb.ListRevocationsRequest, _: Context) -> pb.ListRevocationsResponse:
        return revocations_to_proto(self._revocations.since(int(request.after or 0)))

    async def CreateTenant(self, request: pb.CreateTenantRequest, _: Context) -> pb.CreateTenantResponse:
        plan = convert.plan_from_proto(request.plan)
        tenant = await self._directory.create_tenant(request.name, request.default_currency, plan)
        return pb.CreateTenantResponse(tenant=convert.tenant_to_proto(tenant))

    async def SetTenantPlan(self, request: pb.SetTenantPlanRequest, _: Context) -> pb.SetTenantPlanResponse:
        tenant = await self._directory.set_plan(request.tenant, convert.plan_from_proto(request.plan))
        return pb.SetTenantPlanResponse(tenant=convert.tenant_to_proto(tenant))

    async def ListTenants(self, request: pb.ListTenantsRequest, _: Context) -> pb.ListTenantsResponse:
        tenants = await self._directory.list_tenants(request.after, request.limit)
        return pb.ListTenantsResponse(tenants=map(convert.tenant_to_proto, tenants))
