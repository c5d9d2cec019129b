"""Serves what a service keeps of a tenant, from a database role of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rampart.mesh.v1 import tenant_data_service_pb2, tenant_data_service_pb2_grpc

from meshkit.host import Host
from meshkit.identity.revocations import Revocations
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import postgres
from meshkit.tenants.servicer import Forget, TenantDataServicer

__all__ = ["TENANT_DATA_SERVICE", "EraserSettings", "serve_tenant_data"]

TENANT_DATA_SERVICE = tenant_data_service_pb2.DESCRIPTOR.services_by_name["TenantDataService"]
POOL_SIZE = 2


@dataclass(frozen=True, slots=True)
class EraserSettings:
    """What every service reads for what it keeps of tenants."""

    dsn: str = field(repr=False)
    """Database, as the role that exports and erases what one tenant has."""

    @classmethod
    def read(cls, reader: Reader, service: str) -> EraserSettings:
        return cls(dsn=reader.text(f"RAMPART_{service}_ERASER_DSN"))


async def serve_tenant_data(
    host: Host,
    reader: Reader,
    server: MeshServer,
    service: str,
    revocations: Revocations,
    forget: Sequence[Forget] = (),
) -> None:
    """Adds `TENANT_DATA_SERVICE` to the server of a service. Its connections are opened when the operator calls."""
    eraser = EraserSettings.read(reader, service.upper())
    pool = await host.open(postgres.pool(eraser.dsn, size=POOL_SIZE), name="postgres of the eraser")
    servicer = TenantDataServicer(pool, revocations, forget)
    server.add(tenant_data_service_pb2_grpc.add_TenantDataServiceServicer_to_server, servicer)
