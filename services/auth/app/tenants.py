"""Composes what the operator may do to tenants as a whole."""

from __future__ import annotations

from rampart.auth.v1 import tenant_service_pb2, tenant_service_pb2_grpc

from meshkit.host import Host
from meshkit.identity.revocations import Revocations
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage.postgres import Pool
from meshkit.tenants.serving import TENANT_DATA_SERVICE, serve_tenant_data
from meshkit.timestamps import utc_now
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_erased import PostgresErasedTenants
from services.auth.service.erasing import TenantErasure
from services.auth.service.suspension import TenantControl
from services.auth.servicer.tenant_service import TenantServicer

__all__ = ["TENANT_SERVICES", "serve_tenants"]

TENANT_SERVICES = (tenant_service_pb2.DESCRIPTOR.services_by_name["TenantService"], TENANT_DATA_SERVICE)


async def serve_tenants(host: Host, reader: Reader, server: MeshServer, pool: Pool, revoked: Revocations) -> None:
    """Adds `TENANT_SERVICES`."""
    control = TenantControl(PostgresDirectory(pool), clock=utc_now)
    server.add(tenant_service_pb2_grpc.add_TenantServiceServicer_to_server, TenantServicer(control))
    erasure = TenantErasure(PostgresErasedTenants(pool), clock=utc_now)
    await serve_tenant_data(host, reader, server, "auth", revoked, [erasure.forget])
