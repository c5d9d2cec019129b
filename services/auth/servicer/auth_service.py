"""Implements `rampart.auth.v1.AuthService`: tokens, verification keys, and the directory for operators."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import auth_service_pb2 as pb

from services.auth.convert import directory as convert
from services.auth.convert.revocations import revocations_to_proto
from services.auth.service.auth import AuthService
from services.auth.service.directory import DirectoryService
from services.auth.service.revoking.feed import RevocationFeed

__all__ = ["AuthServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AuthServicer:
    """Implements `rampart.auth.v1.AuthService`."""

    def __init__(self, service: AuthService, directory: DirectoryService, revocations: RevocationFeed) -> None:
        self._service = service
        self._directory = directory
        self._revocations = revocations

    async def IssueToken(self, request: pb.IssueTokenRequest, _: Context) -> pb.IssueTokenResponse:
        issued = await self._service.issue_token(request.client_id, request.client_secret, request.scope)
        return convert.token_to_proto(issued)

    async def GetJwks(self, _: pb.GetJwksRequest, __: Context) -> pb.GetJwksResponse:
        return convert.keys_to_proto(await self._service.public_keys())

    async def ListRevocations(self, request: pb.ListRevocationsRequest, _: Context) -> pb.ListRevocationsResponse:
        return revocations_to_proto(self._revocations.since(int(request.after or 0)))

    async def CreateTenant(self, request: pb.CreateTenantRequest, _: Context) -> pb.CreateTenantResponse:
        plan = convert.plan_from_proto(request.plan)
        tenant = await self._directory.create_tenant(request.name, request.default_currency, plan)
        return pb.CreateTenantResponse(tenant=convert.tenant_to_proto(tenant))

    async def SetTenantPlan(self, request: pb.SetTenantPlanRequest, _: Context) -> pb.SetTenantPlanResponse:
        tenant = await self._directory.set_plan(request.tenant, convert.plan_from_proto(request.plan))
        return pb.SetTenantPlanResponse(tenant=convert.tenant_to_proto(tenant))

    async def CreateClient(self, request: pb.CreateClientRequest, _: Context) -> pb.CreateClientResponse:
        created = await self._directory.create_client(
            request.tenant, request.scopes, request.rate_limit, request.display_name
        )
        return convert.new_client_to_proto(request.tenant, created)

    async def ListTenants(self, request: pb.ListTenantsRequest, _: Context) -> pb.ListTenantsResponse:
        tenants = await self._directory.list_tenants(request.after, request.limit)
        return pb.ListTenantsResponse(tenants=map(convert.tenant_to_proto, tenants))

    async def ListClients(self, request: pb.ListClientsRequest, _: Context) -> pb.ListClientsResponse:
        clients = await self._directory.list_clients(request.tenant, request.after, request.limit)
        return pb.ListClientsResponse(clients=map(convert.client_to_proto, clients))

    async def RotateClientSecret(
        self, request: pb.RotateClientSecretRequest, _: Context
    ) -> pb.RotateClientSecretResponse:
        rotated = await self._directory.rotate_secret(request.client_id)
        return pb.RotateClientSecretResponse(
            client=convert.client_to_proto(rotated.client), client_secret=rotated.secret
        )

    async def SetClientDisabled(self, request: pb.SetClientDisabledRequest, _: Context) -> pb.SetClientDisabledResponse:
        client = await self._directory.set_disabled(request.client_id, request.disabled)
        return pb.SetClientDisabledResponse(client=convert.client_to_proto(client))
