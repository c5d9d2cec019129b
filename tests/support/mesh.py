"""A real server of the mesh in this process, over mTLS, whose methods do what a test tells them to.

It speaks the fraud service's contract, which has every kind of method: for clients, for services, for batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from rampart.fraud.v1 import decision_pb2, fraud_service_pb2_grpc
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.user.v1 import user_service_pb2, user_service_pb2_grpc

from meshkit.audit.calls import CallAudit
from meshkit.audit.windows import AuditWindows
from meshkit.errors import MeshError
from meshkit.host import Host
from meshkit.identity.own import MeshIdentity
from meshkit.identity.policy import policies
from meshkit.identity.revocations import Revocations
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.batches import BatchCall, serve_batch
from meshkit.rpc.server import MeshServer
from meshkit.settings import MeshSettings, TlsFiles
from tests.support.audit import KeptReports
from tests.support.processes import free_port
from tests.support.tokens import AUDIENCE, ISSUER, TRUSTED, Issuer

__all__ = ["BATCH_METHOD", "CHECK_METHOD", "FRAUD", "POLICIES", "USER", "Behaviour", "MeshNode", "serving"]

FRAUD = pb.DESCRIPTOR.services_by_name["FraudService"]
USER = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
POLICIES = policies([FRAUD])
CHECK_METHOD = "/rampart.fraud.v1.FraudService/CheckFraud"
BATCH_METHOD = "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"

Check = BatchCall[pb.CheckFraudRequest]


async def _echo(request: Message) -> Message:
    """Answers a check with its transaction, anything else with nothing."""
    if isinstance(request, pb.CheckFraudRequest):
        return pb.CheckFraudResponse(decision=decision_pb2.Decision(transaction_id=request.transaction_id))
    return pb.GetDecisionResponse() if isinstance(request, pb.GetDecisionRequest) else pb.ReadEventsResponse()


async def _echo_batch(calls: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
    return [await _echo(call.request) for call in calls]


async def _silence(_: Message) -> AsyncGenerator[Message, None]:
    """Answers a watcher with nothing, at once."""
    return
    yield


class Holders(Protocol):
    """Whoever has the files of identities."""

    def identity(self, path: str) -> TlsFiles:
        """Returns those of one such as "service/fraud"."""
        ...


@dataclass
class Behaviour:
    """What the methods do. Remembers the requests that reached them."""

    handle: Callable[[Any], Awaitable[Message]] = _echo
    handle_stream: Callable[[Any], AsyncGenerator[Message, None]] = _silence
    handle_batch: Callable[[Sequence[Check]], Awaitable[Sequence[Message | bytes | MeshError]]] = _echo_batch
    requests: list[Message] = field(default_factory=list)
    batches: list[Sequence[Check]] = field(default_factory=list)


class _Fraud(fraud_service_pb2_grpc.FraudServiceServicer):
    def __init__(self, behaviour: Behaviour, verifier: TokenVerifier) -> None:
        self._behaviour = behaviour
        self._verifier = verifier

    async def _answer(self, request: Message, _: object) -> Message:
        self._behaviour.requests.append(request)
        return await self._behaviour.handle(request)

    CheckFraud = GetDecision = ReadEvents = ReplaceExchangeRates = _answer

    async def WatchDecisions(self, request: Any, _: object) -> AsyncIterator[Message]:  # noqa: N802
        self._behaviour.requests.append(request)
        async with contextlib.aclosing(self._behaviour.handle_stream(request)) as answers:
            async for answer in answers:
                yield answer

    async def CoalesceCheckFraud(self, request: Any, _: object) -> Message:  # noqa: N802
        reply = await serve_batch(
            request.batch,
            policy=POLICIES[BATCH_METHOD],
            verifier=self._verifier,
            request_class=pb.CheckFraudRequest,
            handle=self._batch,
        )
        return pb.CoalesceCheckFraudResponse(reply=reply)

    async def _batch(self, calls: Sequence[Check]) -> Sequence[Message | bytes | MeshError]:
        self._behaviour.batches.append(calls)
        return await self._behaviour.handle_batch(calls)


class _User(user_service_pb2_grpc.UserServiceServicer):
    """Served beside the fraud service, also where the server was given no policies for it."""

    async def GetUser(self, request: Any, _: object) -> Message:  # noqa: N802
        return user_service_pb2.GetUserResponse()


class MeshNode:
    """A server at work."""

    settings: MeshSettings

    def __init__(self, address: str, admin: str, behaviour: Behaviour) -> None:
        self.address = address
        self.admin = admin
        self.behaviour = behaviour
        self.audit = KeptReports()
        self.windows = AuditWindows(self.audit, time.time)
        self.revocations = Revocations()
        self.task: asyncio.Task[None] | None = None
        self._host = Host("test")

    def identity(self) -> MeshIdentity:
        return self._host.identity(self.settings)

    def ask_to_stop(self) -> None:
        """What SIGTERM does to a process."""
        self._host.stop()

    async def stopped(self) -> None:
        assert self.task is not None
        async with asyncio.timeout(20):
            await self.task

    async def _serve(self, server: MeshServer) -> None:
        async with self._host:
            await self._host.serve(server, admin=self.admin)

    async def run(self, server: MeshServer) -> None:
        """Starts the server and returns when it serves."""
        self.task = asyncio.create_task(self._serve(server))
        async with asyncio.timeout(10), httpx.AsyncClient() as client:
            while True:
                assert not self.task.done(), self.task.exception()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://{self.admin}/health")).status_code == 200:
                        break
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def serving(
    certificates: Holders,
    issuer: Issuer,
    *,
    address: str = "",
    drain_seconds: int = 5,
    services: Sequence[ServiceDescriptor] = (FRAUD,),
    reflection: bool = False,
) -> AsyncIterator[MeshNode]:
    """Runs a server until the block ends. It trusts tokens of the issuer and has the policies of `services`."""

    async def keys() -> list[dict[str, str]]:
        return [issuer.jwk]

    node = MeshNode(address or f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", Behaviour())
    settings = node.settings = MeshSettings(
        tls=certificates.identity("service/fraud"), trust_domain="rampart.local", issuer=ISSUER, audience=AUDIENCE,
        admin_listen=node.admin, log_level="INFO", reflection=reflection, drain_seconds=drain_seconds,
    )  # fmt: skip
    verifier = TokenVerifier(keys, TRUSTED, revocations=node.revocations)
    audit = CallAudit(node.audit, node.windows, time.time)
    identity = node.identity()
    server = MeshServer(settings, identity, listen=node.address, services=services, verifier=verifier, audit=audit)
    server.add(fraud_service_pb2_grpc.add_FraudServiceServicer_to_server, _Fraud(node.behaviour, verifier))
    server.add(user_service_pb2_grpc.add_UserServiceServicer_to_server, _User())
    await node.run(server)
    try:
        yield node
    finally:
        node.ask_to_stop()
        await node.stopped()
