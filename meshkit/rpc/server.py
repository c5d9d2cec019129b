"""Builds gRPC servers: interceptors, health, reflection, mTLS, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from meshkit.audit.calls import CallAudit
from meshkit.cancellation import uninterrupted
from meshkit.identity.own import MeshIdentity
from meshkit.identity.policy import policies
from meshkit.identity.tls import server_credentials
from meshkit.identity.tokens import TokenVerifier
from meshkit.limits import MemoryRateLimiter
from meshkit.rpc.channel import KEEPALIVE_MS
from meshkit.rpc.interceptors.admission import Admission
from meshkit.rpc.interceptors.approval import ApprovalDesk, approved, check_approvals
from meshkit.rpc.interceptors.audit import audited, check_audited
from meshkit.rpc.interceptors.authorization import authorization
from meshkit.rpc.interceptors.chain import Chain, Middleware
from meshkit.rpc.interceptors.context import call_context
from meshkit.rpc.interceptors.deadline import deadline
from meshkit.rpc.interceptors.errors import errors
from meshkit.rpc.interceptors.foreign import for_known_peers
from meshkit.rpc.interceptors.metrics import metrics
from meshkit.rpc.interceptors.quota import ClientQuota
from meshkit.rpc.interceptors.spans import recorded
from meshkit.rpc.interceptors.streams import StreamAdmission, expiry, stream_metrics
from meshkit.rpc.interceptors.validation import validation, warm
from meshkit.rpc.reflection import REFLECTION, add_reflection
from meshkit.settings import MeshSettings
from meshkit.tracing import setup

__all__ = ["MeshServer"]

_log = logging.getLogger(__name__)

MAX_CALLS = 1_000
MAX_STREAMS = 1_000
START_SECONDS = 5.0
STOP_SECONDS = 5.0
CONNECTION_AGE_MS = 1_800_000
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 3),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.max_metadata_size", 32 << 10),
    ("grpc.max_concurrent_streams", 1_000),
    # Clients then connect with what certificates they have by now. Calls under way end on the old connection.
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
]


class MeshServer:
    """Serves the services of a process until SIGTERM, then drains.

    Health and reflection are not ours: health needs a certificate of the mesh and nothing else; reflection is served
    only where the settings turn it on, and never in production. `draining` is called when the drain begins: what waits
    for something else than work ends then. `audit` is told of calls that are refused, and of those of audited methods;
    without it a service that has such does not start, nor does one without `approvals` whose methods need them.
    `innermost` are middlewares of the service's own.
    """

    def __init__(
        self,
        settings: MeshSettings,
        identity: MeshIdentity,
        *,
        listen: str,
        services: Sequence[ServiceDescriptor],
        verifier: TokenVerifier,
        draining: Callable[[], None] = lambda: None,
        audit: CallAudit | None = None,
        approvals: ApprovalDesk | None = None,
        innermost: Sequence[Middleware] = (),
    ) -> None:
        check_audited(services, audit)
        check_approvals(services, approvals)
        self._settings = settings
        self._identity = identity
        self._draining = draining
        self._listen = listen
        self._services = services
        self._names = tuple(service.full_name for service in services)
        self._admission = Admission(MAX_CALLS)
        self._health = HealthServicer()
        self._streams = StreamAdmission(MAX_STREAMS)
        held = [approved(approvals)] if approvals is not None else []
        chain = self._chain(verifier, audit, [*innermost, *held])
        self._server = grpc.aio.server(interceptors=[chain], options=_OPTIONS)

    def _chain(self, verifier: TokenVerifier, audit: CallAudit | None, innermost: Sequence[Middleware]) -> Chain:
        peers = self._identity.peers
        begin: list[Middleware] = [errors, call_context(peers), *_recording()]
        authorized, quota = authorization(verifier, audit), ClientQuota(MemoryRateLimiter())
        told = [*([audited(audit, self._services)] if audit is not None else []), *innermost]
        unary: list[Middleware] = [*begin, metrics, deadline, self._admission, authorized, quota, validation, *told]
        streaming: list[Middleware] = [
            *begin,
            stream_metrics,
            deadline,
            self._streams,
            authorized,
            quota,
            expiry(verifier),
            validation,
            *told,
        ]
        return Chain(
            policies(self._services),
            unary,
            frozenset({HEALTH, REFLECTION} if self._settings.reflection else {HEALTH}),
            wrap=lambda handler: for_known_peers(handler, peers),
            streaming=streaming,
        )

    def add(self, register: Callable[[Any, grpc.aio.Server], None], servicer: object) -> None:
        """Adds the servicer with its generated `add_..._to_server` function."""
        register(servicer, self._server)

    async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
        """Serves until `stopping` returns, then drains: returns when the last call is answered."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self._settings.reflection:
            add_reflection((*self._names, HEALTH, REFLECTION), self._server)
        try:
            self._bind()
            warm(method.input_type for service in self._services for method in service.methods)
            # A start that is cancelled half-way leaves a server that neither serves nor stops.
            await uninterrupted(self._server.start(), START_SECONDS)
            await self._set_health(health_pb2.HealthCheckResponse.SERVING)
            _log.info("serving %s", ", ".join(self._names), extra={"fields": {"listen": self._listen}})
            await stopping()
            await self._drain()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._server.stop(None)
        except TimeoutError:
            _log.error("the server did not stop within %g s", STOP_SECONDS)

    def _bind(self) -> None:
        try:
            self._server.add_secure_port(self._listen, server_credentials(self._identity))
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._listen}") from error

    async def _drain(self) -> None:
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._draining()
        # A stream would last longer than any drain: who reads it goes on elsewhere.
        self._streams.end()
        # `stop` cuts calls that abort (grpc#37239), so calls under way are waited for first: new ones still arrive
        # until clients have seen NOT_SERVING or the GOAWAY.
        if not await self._admission.drained(self._settings.drain_seconds):
            _log.warning("%d calls were cut at the end of the drain", self._admission.in_flight)
        await self._server.stop(1.0)

    async def _set_health(self, status: int) -> None:
        for name in ("", *self._names):
            await self._health.set(name, status)
        await asyncio.sleep(0)


def _recording() -> list[Middleware]:
    recorder = setup.recorder()
    return [recorded(recorder)] if recorder is not None else []
