"""Tenants and clients, made through the auth service with the operator's certificate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from rampart.auth.v1 import (
    auth_service_pb2,
    auth_service_pb2_grpc,
    client_pb2,
    client_service_pb2,
    client_service_pb2_grpc,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
)

from console.failure import CommandFailure, WrongArgument, next_step
from console.home import from_dev
from meshkit.errors import Kind, MeshError
from meshkit.rpc.failures import from_rpc_error
from meshkit.rpc.keys import open_auth_channel
from meshkit.settings import TlsFiles

CALL_SECONDS = 5.0
OPERATOR = "RAMPART_OPERATOR"
"""Names the operator whose certificate is used, of those that `rampart operator add` has made."""
PAGE = 1_000
"""Entries of one answer to a list."""


@dataclass(frozen=True)
class MadeClient:
    """A client that was just created."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)


class TenantDirectory:
    """The operator's view of the auth service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = auth_service_pb2_grpc.AuthServiceStub(channel)
        self._tenants: Any = tenant_service_pb2_grpc.TenantServiceStub(channel)
        self._clients: Any = client_service_pb2_grpc.ClientServiceStub(channel)

    async def create_tenant(
        self, name: str, currency: str = "", plan: auth_service_pb2.TenantPlan | None = None
    ) -> auth_service_pb2.Tenant:
        """Creates a tenant or returns the one of that name. Raises Failure."""
        request = auth_service_pb2.CreateTenantRequest(name=name, default_currency=currency, plan=plan)
        async with refusals("auth"):
            answer = await self._stub.CreateTenant(request, timeout=CALL_SECONDS)
        tenant: auth_service_pb2.Tenant = answer.tenant
        return tenant

    async def set_plan(self, tenant: str, plan: auth_service_pb2.TenantPlan) -> auth_service_pb2.Tenant:
        """Replaces the plan of a tenant. Raises Failure."""
        request = auth_service_pb2.SetTenantPlanRequest(tenant=tenant, plan=plan)
        async with refusals("auth"):
            answer = await self._stub.SetTenantPlan(request, timeout=CALL_SECONDS)
        changed: auth_service_pb2.Tenant = answer.tenant
        return changed

    async def tenant(self, name: str) -> auth_service_pb2.Tenant:
        """Returns a tenant. Raises CommandFailure."""
        return await self._control("GetTenant", tenant_service_pb2.GetTenantRequest(tenant=name))

    async def quotas(self, name: str) -> Sequence[tenant_service_pb2.QuotaUse]:
        """Returns how many of each thing a tenant has, and may have. Raises CommandFailure."""
        async with refusals("auth"):
            answer = await self._tenants.GetTenant(
                tenant_service_pb2.GetTenantRequest(tenant=name), timeout=CALL_SECONDS
            )
        quotas: Sequence[tenant_service_pb2.QuotaUse] = answer.quotas
        return quotas

    async def suspend(self, name: str) -> auth_service_pb2.Tenant:
        """Stops a tenant. Raises CommandFailure."""
        return await self._control("SuspendTenant", tenant_service_pb2.SuspendTenantRequest(tenant=name))

    async def resume(self, name: str) -> auth_service_pb2.Tenant:
        """Lets a tenant go on. Raises CommandFailure."""
        return await self._control("ResumeTenant", tenant_service_pb2.ResumeTenantRequest(tenant=name))

    async def allow_erasure(self, tenant: auth_service_pb2.Tenant) -> None:
        """Lets every service erase a tenant. Raises CommandFailure."""
        request = tenant_service_pb2.AllowTenantErasureRequest(tenant=tenant.name, tenant_id=tenant.tenant_id)
        await self._control("AllowTenantErasure", request)

    async def _control(self, method: str, request: Message) -> auth_service_pb2.Tenant:
        async with refusals("auth"):
            answer = await getattr(self._tenants, method)(request, timeout=CALL_SECONDS)
        tenant: auth_service_pb2.Tenant = answer.tenant
        return tenant

    async def token(self, tenant: str, scopes: Sequence[str] = ()) -> auth_service_pb2.IssueOperatorTokenResponse:
        """Returns an access token by which the operator acts in a tenant. Raises CommandFailure."""
        request = auth_service_pb2.IssueOperatorTokenRequest(tenant=tenant, scopes=scopes)
        async with refusals("auth"):
            issued: auth_service_pb2.IssueOperatorTokenResponse = await self._stub.IssueOperatorToken(
                request, timeout=CALL_SECONDS
            )
        return issued

    async def create_client(self, tenant: str, client: client_pb2.Client) -> MadeClient:
        """Creates a client of a tenant. Raises CommandFailure."""
        issued = await self.token(tenant)
        request = client_service_pb2.CreateClientRequest(client=client)
        metadata = (("authorization", f"Bearer {issued.access_token}"),)
        async with refusals("auth"):
            made = await self._clients.CreateClient(request, timeout=CALL_SECONDS, metadata=metadata)
        return MadeClient(tenant, made.client.client_id, made.client_secret)

    async def tenants(self) -> AsyncIterator[auth_service_pb2.Tenant]:
        """Yields all tenants by name. Raises CommandFailure."""
        after = ""
        while True:
            request = auth_service_pb2.ListTenantsRequest(after=after, limit=PAGE)
            async with refusals("auth"):
                found = (await self._stub.ListTenants(request, timeout=CALL_SECONDS)).tenants
            for tenant in found:
                yield tenant
            if len(found) < PAGE:
                return
            after = found[-1].name


@contextlib.asynccontextmanager
async def open_directory(address: str, tls: TlsFiles) -> AsyncIterator[TenantDirectory]:
    """Connects to the auth service at host:port."""
    channel = open_auth_channel(address, tls)
    try:
        yield TenantDirectory(channel)
    finally:
        await channel.close(None)


def find_auth(home: Path, environment: Mapping[str, str] | None = None) -> tuple[str, TlsFiles]:
    """Returns where auth is and the operator's certificate (see `find_service`)."""
    return find_service("auth", home, environment)


def find_service(name: str, home: Path, environment: Mapping[str, str] | None = None) -> tuple[str, TlsFiles]:
    """Returns where a service is and the operator's certificate: from the environment, else from `make up`'s folder.

    Raises Failure if neither says.
    """
    variable = f"RAMPART_{name.upper()}_ADDRESS"
    known = os.environ if environment is None else environment
    names = ("RAMPART_TLS_CA_FILE", "RAMPART_TLS_CERT_FILE", "RAMPART_TLS_KEY_FILE")
    if known.get(variable):
        missing = [name for name in names if not known.get(name)]
        if missing:
            raise CommandFailure(f"{variable} is set, but {', '.join(missing)} are not.")
        ca, certificate, key = (Path(known[name]) for name in names)
        return known[variable], TlsFiles(ca, certificate, key)
    address = from_dev(home, lambda dev: dev["grpc"][name])
    tls, operator = home / "tls", known.get(OPERATOR)
    file = f"operator-{operator}" if operator else "operator"
    if operator and not (tls / f"{file}.pem").exists():
        raise CommandFailure(f"There is no certificate {tls / file}.pem: `rampart operator add {operator}` makes it.")
    return str(address), TlsFiles(tls / "ca.pem", tls / f"{file}.pem", tls / f"{file}.key")


@contextlib.asynccontextmanager
async def refusals(service: str) -> AsyncIterator[None]:
    """Turns a refused call into a sentence."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        reason = from_rpc_error(error, service)
        kind = WrongArgument if reason.kind is Kind.INVALID_ARGUMENT else CommandFailure
        words = f"{service} refused ({_name(reason)}): {_words(reason)}"
        step = next_step(reason.reason, reason.metadata, " --platform")
        refused = kind(f"{words}.{step}" if step else words)
        refused.reason = reason.reason
        raise refused from error


def _name(error: MeshError) -> str:
    return error.reason or error.kind.name


def _words(error: MeshError) -> str:
    found = "; ".join(f"{violation.field} {violation.message}" for violation in error.violations)
    return f"{error.message} {found}".strip()
