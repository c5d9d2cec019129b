"""A real gRPC server with the services that the client calls, over mutual TLS, and troubles on demand."""

# ruff: noqa: N802 - gRPC methods have the names of the protos

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2
from rampart.auth.v1 import auth_service_pb2, auth_service_pb2_grpc
from rampart.fraud.v1 import decision_pb2, fraud_service_pb2, fraud_service_pb2_grpc
from rampart.user.v1 import user_service_pb2, user_service_pb2_grpc

from meshkit.settings import TlsFiles

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class Seen:
    """A call as it arrived. `remaining` is in seconds."""

    method: str
    request: Any
    metadata: dict[str, str]
    remaining: float
    peer: str


@dataclass
class Trouble(Exception):
    """An error in place of an answer."""

    code: grpc.StatusCode
    message: str = "trouble"
    details: tuple[Message, ...] = ()


@dataclass
class Platform:
    """Answers calls. `trouble` sees each one before its answer and may raise Trouble or wait."""

    tls: TlsFiles
    trouble: Callable[[Seen], Any] = lambda seen: None
    token_lifetime: int = 600
    tokens: int = 0
    token_delay: float = 0.0
    watched: int = 0
    """Decisions that a watcher may have so far; their places are the numbers from 1."""
    cut: Callable[[int], Trouble | None] = lambda number: None
    """Sees each number before it is sent, and may end the stream there."""
    watching: int = 0
    """Streams that are open."""
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    _server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def of(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    async def start(self) -> None:
        # The services share one server here; a client sees four addresses that happen to be equal.
        self._server = server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        registrations: list[tuple[Any, object]] = [
            (auth_service_pb2_grpc.add_AuthServiceServicer_to_server, _Auth(self)),
            (fraud_service_pb2_grpc.add_FraudServiceServicer_to_server, _Fraud(self)),
            (user_service_pb2_grpc.add_UserServiceServicer_to_server, _User(self)),
        ]
        for register, servicer in registrations:
            register(servicer, server)
        pair = (self.tls.key.read_bytes(), self.tls.certificate.read_bytes())
        credentials = grpc.ssl_server_credentials([pair], self.tls.ca.read_bytes(), require_client_auth=True)
        self.port = server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(0)

    async def take(self, method: str, request: Any, context: Context) -> Seen:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        peer = next(iter(context.auth_context()["x509_subject_alternative_name"])).decode()
        seen = Seen(method, request, metadata, context.time_remaining() or 0.0, peer)
        self.seen.append(seen)
        try:
            waits = self.trouble(seen)
            if waits is not None:
                await waits
        except Trouble as trouble:
            await _abort(context, trouble)
        return seen


async def _abort(context: Context, trouble: Trouble) -> None:
    status = status_pb2.Status(code=trouble.code.value[0], message=trouble.message)
    for detail in trouble.details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    await context.abort(trouble.code, trouble.message)


class _Auth(auth_service_pb2_grpc.AuthServiceServicer):
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def IssueToken(self, request: Any, context: Context) -> Any:
        await self._platform.take("IssueToken", request, context)
        await asyncio.sleep(self._platform.token_delay)
        self._platform.tokens += 1
        return auth_service_pb2.IssueTokenResponse(
            access_token=f"token-{self._platform.tokens}",
            token_type="Bearer",
            expires_in=self._platform.token_lifetime,
        )


class _Fraud(fraud_service_pb2_grpc.FraudServiceServicer):
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def CheckFraud(self, request: Any, context: Context) -> Any:
        await self._platform.take("CheckFraud", request, context)
        decision = decision_pb2.Decision(
            outcome="review", confidence_score=0.5, transaction_id=request.transaction_id, user_id=request.user_id
        )
        return fraud_service_pb2.CheckFraudResponse(decision=decision)

    async def BatchCheckFraud(self, request: Any, context: Context) -> Any:
        await self._platform.take("BatchCheckFraud", request, context)
        results = [
            fraud_service_pb2.BatchCheckFraudResult(decision=decision_pb2.Decision(transaction_id=one.transaction_id))
            for one in request.requests
        ]
        return fraud_service_pb2.BatchCheckFraudResponse(results=results)

    async def GetDecision(self, request: Any, context: Context) -> Any:
        await self._platform.take("GetDecision", request, context)
        return fraud_service_pb2.GetDecisionResponse()

    async def WatchDecisions(self, request: Any, context: Context) -> Any:
        await self._platform.take("WatchDecisions", request, context)
        self._platform.watching += 1
        try:
            yield fraud_service_pb2.WatchDecisionsResponse(position=request.after or "0")
            for number in range(int(request.after or "0") + 1, self._platform.watched + 1):
                trouble = self._platform.cut(number)
                if trouble is not None:
                    await _abort(context, trouble)
                decision = decision_pb2.Decision(transaction_id=f"t-{number}")
                yield fraud_service_pb2.WatchDecisionsResponse(decision=decision, position=str(number))
        finally:
            self._platform.watching -= 1


class _User(user_service_pb2_grpc.UserServiceServicer):
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def CreateUser(self, request: Any, context: Context) -> Any:
        await self._platform.take("CreateUser", request, context)
        return user_service_pb2.CreateUserResponse(user=request.user)
