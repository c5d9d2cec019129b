"""What is revoked in the auth database is refused by other processes, also where it was verified before."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from rampart.auth.v1 import tenant_service_pb2 as tenant_pb
from rampart.user.v1 import user_service_pb2 as pb

from meshkit.errors import MeshError
from meshkit.rpc.failures import from_rpc_error
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth.adapters import revocation_rows
from services.auth.domain.revocations import Revocation, RevocationKind
from tests.support.calls import Caller, Credentials, calling, failure, new_client
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.servers import Database

PATIENCE_SECONDS = 30.0
"""Of a busy machine; a process asks once a second."""


@pytest.fixture
async def pool(databases: dict[str, Database], auth: Node) -> AsyncIterator[Pool]:
    pool = await open_pool(databases["auth"].dsn, size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def gateway(user: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(user.address, "rampart.user.v1.UserService", certificates.identity("service/gateway")) as caller:
        yield caller


@pytest.fixture
async def client(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")


async def lists(gateway: Caller, client: Credentials) -> None:
    await gateway(pb.ListUsersRequest(), pb.ListUsersResponse, token=client.token)


async def refused(gateway: Caller, client: Credentials) -> MeshError:
    """Returns the error with which a token comes to be refused."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await lists(gateway, client)
            except Exception:
                return await failure(lists(gateway, client))
            await asyncio.sleep(0.1)


async def test_tokens_of_a_revoked_client_are_refused_and_new_ones_are_not(
    gateway: Caller, client: Credentials, auth: Node, certificates: Certificates, pool: Pool
) -> None:
    other = await new_client(auth, certificates, client.tenant)
    await lists(gateway, client)
    now = datetime.now(UTC)
    revocation = Revocation(RevocationKind.CLIENT, client.tenant_id, client.client_id, now, now + timedelta(hours=1))
    async with transaction(pool, [client.tenant_id]) as connection:
        await revocation_rows.append(connection, revocation)
    assert (await refused(gateway, client)).reason == "TOKEN_REVOKED"
    await lists(gateway, other)


@pytest.fixture
async def operator(auth: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    service = "rampart.auth.v1.TenantService"
    async with calling(auth.address, service, certificates.identity("operator")) as caller:
        yield caller


async def test_suspended_tenant_is_refused_everywhere_and_goes_on_with_new_tokens(
    gateway: Caller, client: Credentials, auth: Node, certificates: Certificates, operator: Caller
) -> None:
    other = await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")
    await lists(gateway, client)
    suspend = tenant_pb.SuspendTenantRequest(tenant=client.tenant)
    since = (await operator(suspend, tenant_pb.SuspendTenantResponse)).tenant.suspend_time
    assert (await operator(suspend, tenant_pb.SuspendTenantResponse)).tenant.suspend_time == since
    assert (await refused(gateway, client)).reason == "TOKEN_REVOKED"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await new_client(auth, certificates, client.tenant)
    assert from_rpc_error(caught.value, "auth").reason == "TENANT_SUSPENDED"
    await lists(gateway, other)
    resume = tenant_pb.ResumeTenantRequest(tenant=client.tenant)
    assert not (await operator(resume, tenant_pb.ResumeTenantResponse)).tenant.HasField("suspend_time")
    assert (await refused(gateway, client)).reason == "TOKEN_REVOKED"
    # Tokens tell their time in whole seconds, and those of the second in which the tenant went on are refused.
    await asyncio.sleep(1.1)
    anew = await new_client(auth, certificates, client.tenant)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await lists(gateway, anew)
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)
    assert (await refused(gateway, client)).reason == "TOKEN_REVOKED"


async def test_tenant_that_is_suspended_is_refused_until_that_is_lifted(
    gateway: Caller, client: Credentials, pool: Pool
) -> None:
    await lists(gateway, client)
    now = datetime.now(UTC)
    async with transaction(pool, [client.tenant_id]) as connection:
        await revocation_rows.append(connection, Revocation.of_tenant(client.tenant_id))
    assert (await refused(gateway, client)).reason == "TOKEN_REVOKED"
    async with transaction(pool, [client.tenant_id]) as connection:
        early = Revocation.of_tenant(client.tenant_id).up_to(now - timedelta(hours=1), timedelta(hours=1))
        await revocation_rows.lift(connection, early)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await lists(gateway, client)
                break
            except Exception:
                await asyncio.sleep(0.1)
