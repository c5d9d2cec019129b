"""Tenants and clients, made through the auth service with the operator's certificate."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from rampart.auth.v1 import auth_service_pb2, auth_service_pb2_grpc

from console.failure import CommandFailure, WrongArgument
from meshkit.errors import Kind, MeshError
from meshkit.rpc.failures import from_rpc_error
from meshkit.rpc.keys import open_auth_channel
from meshkit.settings import TlsFiles

CALL_SECONDS = 5.0
PAGE = 1_000
"""Entries of one answer to a list."""


class TenantDirectory:
    """The operator's view of the auth service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = auth_service_pb2_grpc.AuthServiceStub(channel)

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

    async def create_client(
        self, tenant: str, *, scopes: Sequence[str] = (), rate_limit: int = 0, display_name: str = ""
    ) -> auth_service_pb2.CreateClientResponse:
        """Creates a client of a tenant. No scopes means all but `fraud:backfill`. Raises Failure."""
        request = auth_service_pb2.CreateClientRequest(
            tenant=tenant, scopes=scopes, rate_limit=rate_limit, display_name=display_name
        )
        async with refusals("auth"):
            answer: auth_service_pb2.CreateClientResponse = await self._stub.CreateClient(request, timeout=CALL_SECONDS)
        return answer

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

    async def clients(self, tenant: str) -> AsyncIterator[auth_service_pb2.Client]:
        """Yields all clients of a tenant by identifier. Raises CommandFailure."""
        after = ""
        while True:
            request = auth_service_pb2.ListClientsRequest(tenant=tenant, after=after, limit=PAGE)
            async with refusals("auth"):
                found = (await self._stub.ListClients(request, timeout=CALL_SECONDS)).clients
            for client in found:
                yield client
            if len(found) < PAGE:
                return
            after = found[-1].client_id

    async def rotate_secret(self, client_id: str) -> str:
        """Replaces the secret of a client and returns the new one. Raises CommandFailure."""
        request = auth_service_pb2.RotateClientSecretRequest(client_id=client_id)
        async with refusals("auth"):
            answer = await self._stub.RotateClientSecret(request, timeout=CALL_SECONDS)
        return str(answer.client_secret)

    async def set_disabled(self, client_id: str, disabled: bool) -> None:
        """Lets a client have tokens or none. Raises CommandFailure."""
        request = auth_service_pb2.SetClientDisabledRequest(client_id=client_id, disabled=disabled)
        async with refusals("auth"):
            await self._stub.SetClientDisabled(request, timeout=CALL_SECONDS)


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
    try:
        address = json.loads((home / "dev.json").read_text())["grpc"][name]
    except OSError as error:
        raise CommandFailure(
            f"Cannot read {home / 'dev.json'} ({error.strerror}): start the platform with `make up`."
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailure(f"{home / 'dev.json'} is not what `make up` writes: {error!r}.") from error
    tls = home / "tls"
    return str(address), TlsFiles(tls / "ca.pem", tls / "operator.pem", tls / "operator.key")


@contextlib.asynccontextmanager
async def refusals(service: str) -> AsyncIterator[None]:
    """Turns a refused call into a sentence."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        reason = from_rpc_error(error, service)
        kind = WrongArgument if reason.kind is Kind.INVALID_ARGUMENT else CommandFailure
        raise kind(f"{service} refused ({_name(reason)}): {_words(reason)}") from error


def _name(error: MeshError) -> str:
    return error.reason or error.kind.name


def _words(error: MeshError) -> str:
    found = "; ".join(f"{violation.field} {violation.message}" for violation in error.violations)
    return f"{error.message} {found}".strip()
