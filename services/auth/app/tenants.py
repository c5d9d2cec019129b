"""Composes what the operator may do to tenants as a whole."""

from __future__ import annotations

import time

from rampart.auth.v1 import tenant_service_pb2, tenant_service_pb2_grpc

from meshkit.rpc.server import MeshServer
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.service.suspension import TenantControl
from services.auth.servicer.tenant_service import TenantServicer

__all__ = ["TENANT_SERVICE", "serve_tenants"]

TENANT_SERVICE = tenant_service_pb2.DESCRIPTOR.services_by_name["TenantService"]


def serve_tenants(server: MeshServer, directory: PostgresDirectory) -> None:
    """Adds `TENANT_SERVICE`."""
    servicer = TenantServicer(TenantControl(directory, clock=time.time))
    server.add(tenant_service_pb2_grpc.add_TenantServiceServicer_to_server, servicer)
