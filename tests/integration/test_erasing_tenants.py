"""Tenants exported and erased through the processes that keep them, as the command line does it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from rampart.auth.v1 import auth_service_pb2 as auth_pb
from rampart.auth.v1 import tenant_service_pb2 as tenant_pb
from rampart.mesh.v1 import tenant_data_service_pb2 as erasing_pb
from rampart.mesh.v1 import tenant_data_service_pb2_grpc
from rampart.user.v1 import user_pb2, user_service_pb2

from console.failure import CommandFailure
from console.tenant_data import TenantData
from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7
from meshkit.rpc.channel import open_channel
from meshkit.rpc.failures import from_rpc_error
from tests.support.calls import Caller, Credentials, calling, failure, new_client
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.servers import Database

PATIENCE_SECONDS = 30.0


@pytest.fixture
async def stubs(auth: Node, user: Node, certificates: Certificates) -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as opened:
        found = {}
        for name, node in {"auth": auth, "user": user}.items():
            channel = open_channel(node.address, certificates.identity("operator"), {}, rare=True)
            found[name] = tenant_data_service_pb2_grpc.TenantDataServiceStub(await opened.enter_async_context(channel))
        yield found


@pytest.fixture
async def operator(auth: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    service = "rampart.auth.v1.TenantService"
    async with calling(auth.address, service, certificates.identity("operator")) as caller:
        yield caller


@pytest.fixture
async def gateway(user: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(user.address, "rampart.user.v1.UserService", certificates.identity("service/gateway")) as caller:
        yield caller


async def with_a_user(auth: Node, certificates: Certificates, gateway: Caller) -> Credentials:
    client = await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")
    request = user_service_pb2.CreateUserRequest(
        user=user_pb2.User(user_id="u1", country="DE"), request_id=str(uuid7())
    )
    await gateway(request, user_service_pb2.CreateUserResponse, token=client.token)
    return client


async def users(gateway: Caller, client: Credentials) -> int:
    answer = await gateway(user_service_pb2.ListUsersRequest(), user_service_pb2.ListUsersResponse, token=client.token)
    return len(answer.users)


async def refused(stub: Any, client: Credentials) -> MeshError:
    """Returns why a service does not erase a tenant."""
    return await failure(stub.EraseTenant(erasing_pb.EraseTenantRequest(tenant_id=client.tenant_id), timeout=10))


async def until_suspended(stub: Any, client: Credentials) -> None:
    """Returns when a service has heard that the tenant is suspended, which alone does not let it erase."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await refused(stub, client)).metadata["state"] != "suspended":
            await asyncio.sleep(0.2)


async def until_unknown(asking: Caller, credentials: auth_pb.IssueTokenRequest) -> None:
    """Returns when the client is refused as one that does not exist: for some seconds a replica goes by what it was."""
    while True:
        try:
            await asking(credentials, auth_pb.IssueTokenResponse)
        except grpc.aio.AioRpcError as error:
            if from_rpc_error(error, "auth").reason == "CLIENT_INVALID":
                return
        await asyncio.sleep(0.2)


async def test_tenant_is_exported_and_erased_and_its_neighbour_stays(
    auth: Node,
    certificates: Certificates,
    gateway: Caller,
    operator: Caller,
    stubs: dict[str, Any],
    databases: dict[str, Database],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("console.tenant_data.PAUSE_SECONDS", 0.4)
    gone, stays = await with_a_user(auth, certificates, gateway), await with_a_user(auth, certificates, gateway)
    data = TenantData(stubs, gone.tenant_id)
    assert (await refused(stubs["user"], gone)).metadata["state"] == "active"
    allow = tenant_pb.AllowTenantErasureRequest(tenant=gone.tenant, tenant_id=gone.tenant_id)
    assert (await failure(operator(allow, tenant_pb.AllowTenantErasureResponse))).reason == "STATE_NOT_ALLOWED"
    assert await users(gateway, gone) == 1

    rows = await data.export(tmp_path / "export")
    assert rows["user"] >= 1
    kept = [json.loads(line) for line in (tmp_path / "export/user/users.jsonl").read_text().splitlines()]
    assert [(each["tenant_id"], each["user_id"]) for each in kept] == [(gone.tenant_id, "u1")]
    assert json.loads((tmp_path / "export/tables.json").read_text())["user"]["users"]["tenant_id"] == "uuid"
    assert (tmp_path / "export").stat().st_mode & 0o077 == 0
    assert all((tmp_path / "export" / name).stat().st_mode & 0o077 == 0 for name in ("tables.json", "user/users.jsonl"))
    with pytest.raises(CommandFailure, match="Cannot make the folder"):
        await data.export(tmp_path / "export")

    await operator(tenant_pb.SuspendTenantRequest(tenant=gone.tenant), tenant_pb.SuspendTenantResponse)
    await until_suspended(stubs["user"], gone)
    other = tenant_pb.AllowTenantErasureRequest(tenant=gone.tenant, tenant_id=stays.tenant_id)
    assert (await failure(operator(other, tenant_pb.AllowTenantErasureResponse))).kind is Kind.NOT_FOUND
    await operator(allow, tenant_pb.AllowTenantErasureResponse)
    told: list[str] = []
    erased = await data.erase(lambda service, _: told.append(service))
    assert sorted(told) == sorted(+erased)
    assert erased["user"] >= 1 and erased["auth"] >= 2
    absent = await failure(operator(tenant_pb.GetTenantRequest(tenant=gone.tenant), tenant_pb.GetTenantResponse))
    assert absent.kind is Kind.NOT_FOUND
    assert (await failure(users(gateway, gone))).reason == "TOKEN_REVOKED"
    credentials = auth_pb.IssueTokenRequest(client_id=gone.client_id, client_secret=gone.client_secret)
    assert await users(gateway, stays) == 1
    # Who is asked again has nothing to do.
    assert (await data.erase(lambda *_: None)).total() == 0
    async with calling(auth.address, "rampart.auth.v1.AuthService", certificates.identity("service/gateway")) as asking:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until_unknown(asking, credentials)


async def test_only_the_operator_exports_and_erases(user: Node, certificates: Certificates) -> None:
    for peer in ("service/gateway", "client/team"):
        channel = open_channel(user.address, certificates.identity(peer), {}, rare=True)
        async with channel as opened:
            data = TenantData({"user": tenant_data_service_pb2_grpc.TenantDataServiceStub(opened)}, "0" * 32)
            with pytest.raises(CommandFailure, match="CALLER_NOT_ALLOWED"):
                await data.erase(lambda *_: None)
