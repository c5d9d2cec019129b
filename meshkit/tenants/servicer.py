"""Implements `rampart.mesh.v1.TenantDataService` over the database of a service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from rampart.mesh.v1 import tenant_data_service_pb2 as pb

from meshkit.errors import Kind, MeshError
from meshkit.identity.revocations import Revocations
from meshkit.storage.postgres import Pool
from meshkit.tenants.rows import ExportedRows, erase, export
from meshkit.tenants.tables import TableOfTenants

__all__ = ["Forget", "TenantDataServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Forget: TypeAlias = Callable[[str], Awaitable[None]]
"""Forgets what else is known of a tenant, by its identifier, once its rows are gone. It may be called again."""

WORK_SECONDS = 4.0
"""Time that a call deletes for: well within its deadline, with the slice that is under way."""


class TenantDataServicer:
    """Implements `rampart.mesh.v1.TenantDataService`: exports what a tenant has, and erases it once auth allows that.

    `pool` is of the eraser's role. `forget` is called in its order when no row is left.
    """

    def __init__(self, pool: Pool, revocations: Revocations, forget: Sequence[Forget] = ()) -> None:
        self._pool = pool
        self._revocations = revocations
        self._forget = forget

    async def ExportTenant(
        self, request: pb.ExportTenantRequest, _: Context
    ) -> AsyncGenerator[pb.ExportTenantResponse, None]:
        async with aclosing(export(self._pool, request.tenant_id)) as parts:  # type: ignore[type-var]
            async for part in parts:
                yield _to_proto(part)

    async def EraseTenant(self, request: pb.EraseTenantRequest, _: Context) -> pb.EraseTenantResponse:
        if not self._revocations.refuses_all(request.tenant_id):
            raise _not_allowed("only a tenant that is suspended can be erased, some seconds after that", "active")
        if not self._revocations.may_be_erased(request.tenant_id):
            raise _not_allowed("auth has not allowed that the tenant is erased, or some seconds ago", "suspended")
        erased = await erase(self._pool, request.tenant_id, WORK_SECONDS)
        if not erased.more:
            for forget in self._forget:
                await forget(request.tenant_id)
        tables = [pb.ErasedRows(table=name, count=count) for name, count in erased.rows.items()]
        return pb.EraseTenantResponse(tables=tables, more=erased.more)


def _to_proto(part: TableOfTenants | ExportedRows) -> pb.ExportTenantResponse:
    if isinstance(part, ExportedRows):
        return pb.ExportTenantResponse(rows=pb.TenantRows(lines=part.lines, count=part.count))
    columns = [pb.TenantColumn(name=name, type=kind) for name, kind in part.columns]
    return pb.ExportTenantResponse(table=pb.TenantTable(name=part.name, columns=columns))


def _not_allowed(words: str, state: str) -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", words, metadata={"state": state})
