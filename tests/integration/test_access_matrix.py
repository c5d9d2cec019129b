"""Every method of every service, called by every kind of caller; what is to come of it is read from the protos alone.

The server is a real one, over mTLS, with the methods of all services of the table. Behind each stands a servicer that
answers whoever reaches it. What is expected is worked out here from the protos, not by the code that decides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from rampart.auth.v1 import role_pb2
from rampart.mesh.v1 import policy_pb2

from meshkit.audit.calls import CallAudit
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.identity.own import Material
from meshkit.identity.policy import POLICY_OPTION, Policy, PolicyError
from meshkit.identity.tls import channel_credentials
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.interceptors.approval import check_approvals
from meshkit.rpc.server import MeshServer
from meshkit.settings import MeshSettings, TlsFiles
from meshkit.tenants.serving import TENANT_DATA_SERVICE
from meshkit.topology import load
from tests.support.certificates import Certificates
from tests.support.mesh import MeshNode
from tests.support.processes import free_port
from tests.support.protos import descriptors_of
from tests.support.tokens import AUDIENCE, ISSUER, TENANT, TRUSTED, Issuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = [*descriptors_of(load().services), TENANT_DATA_SERVICE]
METHODS = [method for service in SERVICES for method in service.methods]
ROLES: Mapping[str, frozenset[str]] = {
    value.name.removeprefix("ROLE_").lower(): frozenset(value.GetOptions().Extensions[policy_pb2.role].scopes)  # type: ignore[index]
    for value in role_pb2.Role.DESCRIPTOR.values
    if value.number
}
EVERY_SCOPE = " ".join(sorted(frozenset().union(*ROLES.values())))
PEERS = [
    *(f"service/{name}" for name in load().process_names), "service/nobody", "client/team", "operator",
    "operator/alice", "visitor",
]  # fmt: skip
OTHER_TENANT = "01a1fc5a-3c5b-7001-bc8a-22bbe467f00d"
AT_ONCE = 64
IN = "let in"


@dataclass(frozen=True)
class Token:
    """A token with all scopes there are, and what is right or wrong with it."""

    name: str
    text: str
    role: str = ""
    """Empty for a token that is not to be believed."""


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def tokens(issuer: Issuer) -> list[Token]:
    now = time.time()
    found = [Token("none", "")]
    for role in ROLES:
        asked: dict[str, Any] = {"scope": EVERY_SCOPE, "roles": [role], "rate_limit": 1_000_000}
        found += [
            Token(f"{role} of the tenant", issuer.token(now, **asked), role),
            Token(f"{role} of another tenant, for this one's API", issuer.token(now, **asked, tenant_id=OTHER_TENANT,
                  aud=f"{AUDIENCE}/{TENANT}")),
            Token(f"{role} of no tenant", issuer.token(now, **asked, without=["tenant_id"])),
        ]  # fmt: skip
    owner: dict[str, Any] = {"scope": EVERY_SCOPE, "roles": ["owner"]}
    return [
        *found,
        Token("no role", issuer.token(now, scope=EVERY_SCOPE, without=["roles"])),
        Token("expired", issuer.token(now - 7200, **owner)),
        Token("forged", Issuer(issuer.kid).token(now, **owner)),
    ]


class Reached:
    """Implements every method of every service: whoever comes here was let in."""

    def __init__(self, service: ServiceDescriptor) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        method = self._service.methods_by_name[name]
        answer = message_factory.GetMessageClass(method.output_type)

        async def unary(_: object, __: object) -> object:
            return answer()

        async def stream(_: object, __: object) -> AsyncIterator[object]:
            yield answer()

        return stream if method.server_streaming else unary


class HeldBack:
    """Implements `ApprovalDesk`: nothing is approved."""

    async def let_in(self, _: CallContext, __: Policy, ___: object, ____: object) -> Message:
        raise MeshError(Kind.FAILED_PRECONDITION, "APPROVAL_REQUIRED", "somebody else must approve it")


@pytest.fixture(scope="module")
def platform_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("matrix") / "tls")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(platform_certificates: Certificates, issuer: Issuer) -> AsyncIterator[MeshNode]:
    async def keys() -> list[dict[str, str]]:
        return [issuer.jwk]

    node = MeshNode(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", None)  # type: ignore[arg-type]
    settings = node.settings = MeshSettings(
        tls=platform_certificates.identity("service/fraud"), trust_domain="rampart.local", issuer=ISSUER,
        audience=AUDIENCE, admin_listen=node.admin, log_level="INFO", reflection=False, drain_seconds=1,
    )  # fmt: skip
    verifier = TokenVerifier(keys, TRUSTED)
    audit = CallAudit(node.audit, node.windows, time.time)
    identity = node.identity()
    server = MeshServer(
        settings, identity, listen=node.address, services=SERVICES, verifier=verifier, audit=audit, approvals=HeldBack()
    )
    for service in SERVICES:
        server.add(_registration(service), Reached(service))
    await node.run(server)
    yield node
    node.ask_to_stop()
    await node.stopped()


def _registration(service: ServiceDescriptor) -> Any:
    module = service.file.name.removesuffix(".proto").replace("/", ".")
    stubs = __import__(f"{module}_pb2_grpc", fromlist=["_"])
    return getattr(stubs, f"add_{service.name}Servicer_to_server")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channels(node: MeshNode, platform_certificates: Certificates) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    async with AsyncExitStack() as opened:
        yield {
            peer: await opened.enter_async_context(
                grpc.aio.secure_channel(node.address, shown_by(platform_certificates.identity(peer)))
            )
            for peer in PEERS
        }


def shown_by(files: TlsFiles) -> grpc.ChannelCredentials:
    return channel_credentials(Material.read(files))


def expected(method: MethodDescriptor, peer: str, token: Token) -> str:
    """Returns what the policy of a method says of a call: IN, or the reason for which it is refused."""
    policy = method.GetOptions().Extensions[POLICY_OPTION]
    kinds = {peer, f"{peer.partition('/')[0]}/*"} if "/" in peer else {peer}
    if kinds.isdisjoint(policy.callers):
        return "CALLER_NOT_ALLOWED"
    if not policy.scopes or "batch" in method.input_type.fields_by_name:
        return IN
    if not token.text:
        return "TOKEN_MISSING"
    if not token.role:
        return "TOKEN_INVALID"
    return IN if ROLES[token.role].intersection(policy.scopes) else "SCOPE_MISSING"


async def seen(method: MethodDescriptor, channel: grpc.aio.Channel, token: Token, request: bytes = b"") -> str:
    """Calls a method, with nothing in the request unless one is given, and returns what came of it."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    metadata = [("authorization", f"Bearer {token.text}")] if token.text else []
    try:
        if method.server_streaming:
            stream: Any = channel.unary_stream(path)
            async for _ in stream(request, metadata=metadata, timeout=30):
                pass
        else:
            unary: Any = channel.unary_unary(path)
            await unary(request, metadata=metadata, timeout=30)
    except grpc.aio.AioRpcError as error:
        # Whoever is told what the request lacks has been let in.
        return IN if error.code() is grpc.StatusCode.INVALID_ARGUMENT else _reason(error)
    return IN


def _reason(error: grpc.aio.AioRpcError) -> str:
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(packed).details:
        if detail.Unpack(info):
            return str(info.reason)
    return f"{error.code().name}: {error.details()}"


async def differing(
    calls: Iterable[tuple[MethodDescriptor, str, Token]], channels: Mapping[str, grpc.aio.Channel]
) -> list[str]:
    """Makes the calls and returns those that did not end as the policy says, in words."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(method: MethodDescriptor, peer: str, token: Token) -> str:
        async with turns:
            found = await seen(method, channels[peer], token)
        wanted = expected(method, peer, token)
        return "" if found == wanted else f"{method.full_name} by {peer}, token {token.name}: {found}, not {wanted}"

    return [words for words in await asyncio.gather(*[one(*call) for call in calls]) if words]


async def test_every_peer_is_let_in_or_not_as_the_policy_says(
    channels: dict[str, grpc.aio.Channel], tokens: list[Token]
) -> None:
    owner = next(token for token in tokens if token.role == "owner")
    assert not await differing(((method, peer, owner) for method in METHODS for peer in PEERS), channels)


async def test_every_role_of_every_tenant_is_let_in_or_not_as_the_policy_says(
    channels: dict[str, grpc.aio.Channel], tokens: list[Token]
) -> None:
    def right_peer(method: MethodDescriptor) -> str:
        return next(peer for peer in PEERS if expected(method, peer, tokens[0]) != "CALLER_NOT_ALLOWED")

    calls = [(method, right_peer(method), token) for method in METHODS for token in tokens]
    assert not await differing(calls, channels)


async def test_whoever_shows_no_certificate_of_the_mesh_reaches_nothing(
    node: MeshNode, platform_certificates: Certificates, tokens: list[Token], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Certificates(tmp_path_factory.mktemp("strangers") / "tls").identity("service/gateway")
    ca = platform_certificates.identity("operator").ca.read_bytes()
    without = grpc.ssl_channel_credentials(ca)
    foreign = grpc.ssl_channel_credentials(ca, stranger.key.read_bytes(), stranger.certificate.read_bytes())
    for channel in (
        grpc.aio.secure_channel(node.address, without),
        grpc.aio.secure_channel(node.address, foreign),
        grpc.aio.insecure_channel(node.address),
    ):
        async with channel:
            for service in SERVICES:
                assert (await seen(service.methods[0], channel, tokens[1])).startswith("UNAVAILABLE")


async def test_method_that_no_proto_has_is_refused(channels: dict[str, grpc.aio.Channel]) -> None:
    for path in ("/rampart.auth.v1.AuthService/Backdoor", "/rampart.none.v1.NoService/Get", "//", "/x"):
        call: Any = channels["service/gateway"].unary_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"", timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


HELD: dict[str, dict[str, Any]] = {
    "InviteMember": {"email": "ada@example.com", "roles": ["owner"]},
    "UpdateMember": {"member": {"member_id": OTHER_TENANT, "roles": ["owner"]}},
    "EnableMember": {"member_id": OTHER_TENANT},
    "ResetMember": {"member_id": OTHER_TENANT},
    "SetApprovalPolicy": {"policy": {}},
    "SetIdentityProvider": {"issuer": "https://id.example", "client_id": "rampart"},
    "UnlinkMember": {"member_id": OTHER_TENANT},
    "SetTenantPlan": {"tenant": "acme", "plan": {"rate_limit": 5}},
    "AllowTenantErasure": {"tenant": "acme", "tenant_id": OTHER_TENANT},
}
"""Good requests of the methods that a tenant or the platform has a second person approve."""


async def test_what_a_second_person_approves_does_not_reach_its_method_before(
    channels: dict[str, grpc.aio.Channel], tokens: list[Token]
) -> None:
    owner = next(token for token in tokens if token.role == "owner")
    own = policy_pb2.APPROVAL_RULE_UNSPECIFIED, policy_pb2.APPROVAL_RULE_SERVICE
    methods = {
        method.name: method for method in METHODS if method.GetOptions().Extensions[POLICY_OPTION].approval not in own
    }
    assert methods.keys() == HELD.keys()
    for name, method in methods.items():
        request = message_factory.GetMessageClass(method.input_type)(**HELD[name]).SerializeToString()
        peers = [peer for peer in PEERS if expected(method, peer, owner) == IN]
        found = {peer: await seen(method, channels[peer], owner, request) for peer in peers}
        assert peers and found == dict.fromkeys(peers, "APPROVAL_REQUIRED"), name


async def test_server_whose_calls_nobody_would_hold_back_does_not_start() -> None:
    with pytest.raises(PolicyError, match="SetTenantPlan needs an approval"):
        check_approvals(SERVICES, None)
    check_approvals(SERVICES, HeldBack())
