"""Implements `rampart.auth.v1.TenantService`: tenants that are stopped, and go on."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import tenant_service_pb2 as pb

from services.auth.convert.directory import tenant_to_proto, use_to_proto
from services.auth.service.suspension import TenantControl

__all__ = ["TenantServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class TenantServicer:
    """Implements `rampart.auth.v1.TenantService`."""

    def __init__(self, control: TenantControl) -> None:
        self._control = control

    async def GetTenant(self, request: pb.GetTenantRequest, _: Context) -> pb.GetTenantResponse:
        tenant = await self._control.find(request.tenant)
        uses = map(use_to_proto, await self._control.uses(tenant))
        return pb.GetTenantResponse(tenant=tenant_to_proto(tenant), quotas=uses)

    async def SuspendTenant(self, request: pb.SuspendTenantRequest, _: Context) -> pb.SuspendTenantResponse:
        return pb.SuspendTenantResponse(tenant=tenant_to_proto(await self._control.suspend(request.tenant)))

    async def AllowTenantErasure(
        self, request: pb.AllowTenantErasureRequest, _: Context
    ) -> pb.AllowTenantErasureResponse:
        tenant = await self._control.allow_erasure(request.tenant, request.tenant_id)
        return pb.AllowTenantErasureResponse(tenant=tenant_to_proto(tenant))

    async def ResumeTenant(self, request: pb.ResumeTenantRequest, _: Context) -> pb.ResumeTenantResponse:
        return pb.ResumeTenantResponse(tenant=tenant_to_proto(await self._control.resume(request.tenant)))
