"""The auth service as a process of the mesh: who gets in, what it answers, how it starts and stops."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import auth_service_pb2 as pb
from rampart.auth.v1 import tenant_service_pb2

from console.up.certificates import Authority
from meshkit.errors import Kind
from meshkit.identity.own import Material
from meshkit.identity.tls import channel_credentials
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.keys import AUTH_SERVICE, open_auth_channel, remote_keys
from meshkit.settings import TlsFiles
from tests.integration.conftest import FreshDatabase
from tests.support.calls import Caller, calling, failure, new_client, speaks, unary
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.gateway import Gateway
from tests.support.processes import Node, Process, free_port, run_module, running
from tests.support.servers import Database
from tests.support.tokens import TRUSTED

SERVICE = AUTH_SERVICE.full_name
CHECK = {"user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.9"}
JWKS = pb.GetJwksRequest(), pb.GetJwksResponse


@pytest.fixture
async def operator(auth: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(auth.address, SERVICE, certificates.identity("operator")) as caller:
        yield caller


@pytest.fixture
async def gateway(auth: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(auth.address, SERVICE, certificates.identity("service/gateway")) as caller:
        yield caller


async def test_token_verifies_with_keys_fetched_over_the_mesh(auth: Node, certificates: Certificates) -> None:
    client = await new_client(auth, certificates, "acme", rate_limit=20, scopes=["user:read"])
    channel = open_auth_channel(auth.address, certificates.identity("service/user"))
    principal = await TokenVerifier(remote_keys(channel), TRUSTED).verify(client.token)
    await channel.close()
    assert (principal.tenant_id, principal.client_id) == (client.tenant_id, client.client_id)
    assert (principal.scopes, principal.rate_limit, principal.currency) == (frozenset({"user:read"}), 20, "USD")


async def test_tenant_is_created_once(operator: Caller) -> None:
    name = f"t-{secrets.token_hex(6)}"
    request = pb.CreateTenantRequest(name=name, default_currency="EUR")
    first = await operator(request, pb.CreateTenantResponse)
    assert (first.tenant.name, first.tenant.default_currency) == (name, "EUR")
    assert await operator(request, pb.CreateTenantResponse) == first


def class_limit(name: str, rate: int) -> pb.ClassLimit:
    fields: dict[str, Any] = {"class": name, "rate_limit": rate}  # a keyword in Python
    return pb.ClassLimit(**fields)


async def test_plan_of_a_tenant_limits_its_clients_at_the_edge(
    operator: Caller, auth: Node, certificates: Certificates
) -> None:
    tenant = f"t-{secrets.token_hex(6)}"
    limits = [class_limit("RATE_CLASS_DECISION", 3)]
    plan = pb.TenantPlan(rate_limit=5, class_limits=limits, user_rate_limit=2)
    made = await operator(pb.CreateTenantRequest(name=tenant, plan=plan), pb.CreateTenantResponse)
    assert made.tenant.plan == plan
    clients = [await new_client(auth, certificates, tenant, rate_limit=1_000) for _ in range(2)]
    channel = open_auth_channel(auth.address, certificates.identity("service/gateway"))
    verifier = TokenVerifier(remote_keys(channel), TRUSTED)
    gateway = Gateway(verifier=verifier)
    replies = [
        await gateway.request("POST", "/api/v1/fraud-check", CHECK, token=clients[number % 2].token)
        for number in range(6)
    ]
    await channel.close()
    assert [reply.status for reply in replies] == [200] * 3 + [429] * 3
    assert '"decision-tenant";q=3;w=1, "tenant";q=5;w=1' in replies[0].headers["ratelimit-policy"]


async def test_plan_is_changed_by_the_operator(operator: Caller, auth: Node, certificates: Certificates) -> None:
    tenant = f"t-{secrets.token_hex(6)}"
    await operator(pb.CreateTenantRequest(name=tenant), pb.CreateTenantResponse)
    plan = pb.TenantPlan(rate_limit=9, max_members=7, max_clients=5, max_api_keys=3)
    changed = await operator(pb.SetTenantPlanRequest(tenant=tenant, plan=plan), pb.SetTenantPlanResponse)
    assert changed.tenant.plan == plan
    await new_client(auth, certificates, tenant)
    service = tenant_service_pb2.DESCRIPTOR.services_by_name["TenantService"].full_name
    async with calling(auth.address, service, certificates.identity("operator")) as tenants:
        asked = tenant_service_pb2.GetTenantRequest(tenant=tenant)
        found = await tenants(asked, tenant_service_pb2.GetTenantResponse)
    told = {each.quota: (each.used, each.limit) for each in found.quotas}
    assert (found.tenant, told) == (changed.tenant, {"members": (0, 7), "clients": (1, 5), "api_keys": (0, 3)})
    error = await failure(operator(pb.SetTenantPlanRequest(tenant="t-nobody"), pb.SetTenantPlanResponse))
    assert error.reason == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ([("RATE_CLASS_READ", 1), ("RATE_CLASS_READ", 2)], "plan.class_limits"),
        ([("RATE_CLASS_PUBLIC", 1)], "plan.class_limits[0].class"),
        ([("RATE_CLASS_READ", 0)], "plan.class_limits[0].rate_limit"),
    ],
)
async def test_plan_that_cannot_be_meant_is_refused(
    operator: Caller, limits: list[tuple[str, int]], field: str
) -> None:
    named = [class_limit(name, rate) for name, rate in limits]
    request = pb.SetTenantPlanRequest(tenant="acme", plan=pb.TenantPlan(class_limits=named))
    error = await failure(operator(request, pb.SetTenantPlanResponse))
    assert [violation.field for violation in error.violations] == [field]


async def test_wrong_credentials_are_refused_alike(gateway: Caller, auth: Node, certificates: Certificates) -> None:
    client = await new_client(auth, certificates, "acme")
    for client_id, secret in ((client.client_id, "wrong"), ("acme-unknown", "wrong"), ("\x7f\x01", "x")):
        request = pb.IssueTokenRequest(client_id=client_id, client_secret=secret)
        error = await failure(gateway(request, pb.IssueTokenResponse))
        assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "CLIENT_INVALID")


async def test_constraints_of_the_protos_hold(operator: Caller) -> None:
    error = await failure(operator(pb.CreateTenantRequest(name="No!", default_currency="usd"), pb.CreateTenantResponse))
    assert error.reason == "VALIDATION_FAILED"
    assert {violation.field for violation in error.violations} == {"name", "default_currency"}


@pytest.mark.parametrize(
    ("peer", "request_message"),
    [
        ("service/gateway", pb.CreateTenantRequest(name="evil")),
        ("service/user", pb.CreateTenantRequest(name="evil")),
        ("client/local", pb.IssueOperatorTokenRequest(tenant="acme")),
        ("service/gateway", pb.IssueOperatorTokenRequest(tenant="acme")),
        ("client/local", pb.ExchangeApiKeyRequest(api_key="rpk_x")),
        ("operator", pb.ExchangeApiKeyRequest(api_key="rpk_x")),
        ("service/gateway", pb.SetTenantPlanRequest(tenant="acme")),
        ("service/fraud", pb.IssueTokenRequest(client_id="a", client_secret="b")),
        ("operator", pb.IssueTokenRequest(client_id="a", client_secret="b")),
        ("operators/x", pb.CreateTenantRequest(name="evil")),
        ("operator/x", pb.ExchangeApiKeyRequest(api_key="rpk_x")),
        ("client", pb.GetJwksRequest()),
    ],
    ids=lambda value: value if isinstance(value, str) else value.DESCRIPTOR.name,
)
async def test_peer_that_a_method_does_not_list_is_refused(
    auth: Node, certificates: Certificates, peer: str, request_message: Message
) -> None:
    async with calling(auth.address, SERVICE, certificates.identity(peer)) as caller:
        error = await failure(caller(request_message, pb.CreateTenantResponse))
    assert (error.kind, error.reason) == (Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


async def test_identity_of_another_trust_domain_is_nobody(
    auth: Node, run_folder: Path, certificates: Certificates
) -> None:
    trusted = certificates.identity("service/user")
    foreign = Authority(run_folder / "tls", "elsewhere.example")
    foreign.ensure({"stranger": "service/user"})
    files = TlsFiles(trusted.ca, foreign.certificate("stranger"), foreign.key("stranger"))
    async with calling(auth.address, SERVICE, files) as caller:
        error = await failure(caller(*JWKS))
    assert error.reason == "CALLER_NOT_ALLOWED"


def shown(files: TlsFiles) -> grpc.ChannelCredentials:
    return channel_credentials(Material.read(files))


async def reaches(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    """Tells whether a call with these credentials, or in plain text, gets an answer."""
    channel = grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
    try:
        await unary(channel, f"/{SERVICE}/GetJwks", pb.GetJwksResponse)(pb.GetJwksRequest(), timeout=3)
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        return False
    finally:
        await channel.close()
    return True


async def test_connection_without_a_certificate_of_our_authority_is_refused(
    auth: Node, certificates: Certificates, tmp_path: Path
) -> None:
    good = certificates.identity("service/user")
    other = Certificates(tmp_path / "tls").identity("service/user")
    assert await reaches(auth.address, shown(good))
    assert not await reaches(auth.address, None)
    assert not await reaches(auth.address, grpc.ssl_channel_credentials(good.ca.read_bytes()))
    assert not await reaches(auth.address, shown(TlsFiles(good.ca, other.certificate, other.key)))
    assert not await reaches(auth.address, shown(TlsFiles(other.ca, good.certificate, good.key)))


async def test_only_tls_1_3_is_spoken(auth: Node, certificates: Certificates) -> None:
    files = certificates.identity("service/user")
    assert await speaks(auth.address, files, ssl.TLSVersion.TLSv1_3)
    assert not await speaks(auth.address, files, ssl.TLSVersion.TLSv1_2)


async def test_nothing_secret_reaches_the_log(auth: Node, gateway: Caller, certificates: Certificates) -> None:
    client = await new_client(auth, certificates, "acme")
    wrong = f"wrong-{secrets.token_hex(8)}"
    await failure(gateway(pb.IssueTokenRequest(client_id=client.client_id, client_secret=wrong), pb.IssueTokenResponse))
    log = auth.process.log()
    assert "client.authenticate" in log
    assert client.client_id in log
    assert not [secret for secret in (client.client_secret, wrong, client.token, "PRIVATE KEY") if secret in log]


@pytest.fixture
def own_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("auth")


@pytest.fixture
def environment(own_database: Database, certificates: Certificates, tmp_path: Path) -> dict[str, str]:
    """Of an auth process on a database of its own."""
    return {
        **own_database.environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": f"127.0.0.1:{free_port()}",
        **key_files("auth", tmp_path),
    }


@pytest.fixture
def replicas(environment: dict[str, str], tmp_path: Path) -> Iterator[list[Node]]:
    """Three processes started at the same time on an empty database."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    nodes = [
        Node(address, Process("services.auth", {**environment, "RAMPART_AUTH_LISTEN": address}, tmp_path / f"{n}.log"))
        for n, address in enumerate(addresses)
    ]
    for node in nodes:
        node.process.wait_ready()
    yield nodes
    for node in nodes:
        node.process.stop()


async def test_replicas_that_start_at_once_make_one_key(
    replicas: list[Node], own_database: Database, certificates: Certificates
) -> None:
    reader = await asyncpg.connect(own_database.reader_dsn)
    stored = {row["kid"] for row in await reader.fetch("SELECT kid FROM signing_keys")}
    await reader.close()
    assert len(stored) == 1
    for node in replicas:
        async with calling(node.address, SERVICE, certificates.identity("service/user")) as caller:
            assert {key.kid for key in (await caller(*JWKS)).keys} == stored


def test_taken_port_is_named_in_a_sentence(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ports = {"RAMPART_AUTH_LISTEN": address, "RAMPART_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
        ended = run_module("services.auth", environment=environment | ports)
    assert ended.returncode == 1
    assert f"auth: cannot listen on {address}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sigterm_ends_the_process_cleanly(environment: dict[str, str], tmp_path: Path) -> None:
    with running("services.auth", environment, tmp_path / "log") as process:
        assert process.stop(signal.SIGTERM) == 0
    assert '"level": "ERROR"' not in process.log()


def test_keys_survive_a_restart_and_need_their_key_file(environment: dict[str, str], tmp_path: Path) -> None:
    with running("services.auth", environment, tmp_path / "first.log"):
        pass
    with running("services.auth", environment, tmp_path / "second.log") as process:
        assert "created a signing key" not in process.log()
    Path(environment["RAMPART_AUTH_KEY_FILE"]).write_text(secrets.token_hex(32))
    admin = {"RAMPART_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
    ended = run_module("services.auth", environment=environment | admin)
    assert ended.returncode == 1
    assert "auth: RAMPART_AUTH_KEY_FILE does not hold the key of the stored signing keys" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("content", [None, "", "00" * 32, "ab" * 16])
def test_unusable_key_file_is_refused_with_a_sentence(environment: dict[str, str], content: str | None) -> None:
    path = Path(environment["RAMPART_AUTH_KEY_FILE"])
    path.unlink()
    if content is not None:
        path.write_text(content)
    admin = {"RAMPART_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
    ended = run_module("services.auth", environment=environment | admin)
    assert ended.returncode == 1
    assert f"auth: RAMPART_AUTH_KEY_FILE names {path}, which" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_process_starts_without_its_database_and_says_what_is_missing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    away = {"RAMPART_AUTH_DSN": f"postgresql://nobody@/none?host={tmp_path}"}
    process = Process("services.auth", environment | away, tmp_path / "log")
    try:
        missing = None
        for _ in range(100):
            missing = process.readiness()
            if missing:
                break
            asyncio.run(asyncio.sleep(0.05))
        assert missing is not None
        assert set(missing) == {"postgres", "revocations", "signing_keys"}
        assert "nobody" not in str(missing)
    finally:
        assert process.stop() == 0


def test_migrating_again_changes_nothing(environment: dict[str, str]) -> None:
    for _ in range(2):
        ended = run_module("services.auth", "migrate", environment=environment)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_migration_falls_back_to_the_runtime_role_and_says_when_there_is_none() -> None:
    ended = run_module("services.auth", "migrate", environment={})
    assert ended.returncode == 1
    assert "auth: RAMPART_AUTH_DSN is not set" in ended.stderr
