"""The composition root: puts the gateway together and serves it until the process is asked to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import rampart
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.background import flush_regularly, freeze
from gateway.calls.cache.store import AnswerStore
from gateway.calls.cache.upstream import AnswerCache, topic_of
from gateway.calls.idempotency.fallback import FallbackIdempotencyStore
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.redis_store import RedisIdempotencyStore
from gateway.calls.idempotency.replay import KEEP_SECONDS
from gateway.calls.idempotency.store import IdempotencyStore
from gateway.calls.mesh import MeshUpstream
from gateway.calls.mesh_streams import MeshStreams
from gateway.calls.streams import NoStreams, StreamUpstream
from gateway.calls.upstream import Upstream
from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.plan import Plan, load_plan
from gateway.compile.router import Router
from gateway.compile.validation import RequestValidator
from gateway.describe.documentation import documentation_routes
from gateway.edge.address import AddressResolver
from gateway.edge.assembly import make_pipeline
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard, TokenGuard, Verifier
from gateway.edge.headers.answers import Answers
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.pipeline import Pipeline
from gateway.edge.ratelimit import (
    LimitBook,
    LimitSettings,
    MemoryRateLimiter,
    RateLimiter,
    StrictRateLimiter,
    make_limiters,
)
from gateway.edge.site import make_site
from gateway.edge.streams.registry import OpenStreams
from gateway.product.oauth import ISSUE_TOKEN, TokenEndpoint
from gateway.server.serve import HttpServer
from gateway.settings import GatewaySettings
from meshkit.host import Host
from meshkit.rpc import keys
from meshkit.rpc.channel import open_channel
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangeFeed, Freshness
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.redis import open_redis
from meshkit.telemetry.admin import Readiness

__all__ = ["DESCRIPTORS", "compose", "make_app", "make_router", "serve"]

DESCRIPTORS = Path(next(iter(rampart.__path__))) / "descriptors.binpb"
FEED_TIMEOUT = 3.0


def make_router(plan: Plan) -> Router:
    """Compiles what serves the plan's bindings."""
    return Router(plan, ProtobufPyCodec(plan.registry, json_names=plan.json_names), RequestValidator())


def make_app(
    router: Router,
    *,
    upstream: Upstream,
    stream_upstream: StreamUpstream = NoStreams(),
    open_streams: OpenStreams | None = None,
    verifier: Verifier,
    readiness: Readiness,
    telemetry: Telemetry,
    bodies: BodyReader,
    workers: int = 1,
    limits: LimitSettings = LimitSettings(),
    limiter: RateLimiter | None = None,
    strict: StrictRateLimiter | None = None,
    addresses: AddressResolver = AddressResolver(),
    wrap_guard: Callable[[TokenGuard], Guard] = lambda guard: guard,
    key_store: IdempotencyStore | None = None,
    keep_answers: float = KEEP_SECONDS,
    answers: Answers | None = None,
    security: SecurityHeaders | None = None,
) -> Pipeline:
    """Builds the ASGI application. Everything that it talks to comes from outside."""
    guard = TokenGuard(
        verifier,
        limiter or MemoryRateLimiter(sharers=workers),
        telemetry,
        book=LimitBook(address_rate=limits.address_rate, failure_rate=limits.failure_rate),
        addresses=addresses,
        strict=strict,
        strict_classes=limits.strict_classes,
    )
    issue_token = router.plan.methods.get(ISSUE_TOKEN)
    token_endpoint = TokenEndpoint(issue_token, upstream, guard, bodies) if issue_token is not None else None
    return make_pipeline(
        router,
        site=make_site(readiness, telemetry, token_endpoint, more=documentation_routes(router.plan)),
        guard=wrap_guard(guard),
        verifier=verifier,
        upstream=upstream,
        bodies=bodies,
        telemetry=telemetry,
        stream_upstream=stream_upstream,
        open_streams=open_streams,
        store=key_store,
        keep_answers=keep_answers,
        answers=answers,
        security=security,
    )


async def serve(host: Host, settings: GatewaySettings, *, worker: int = 0) -> None:
    """Serves one worker until SIGTERM. The first worker also serves the admin port."""
    open_streams = OpenStreams(settings.max_streams)
    telemetry = Telemetry(access_log())
    app = await compose(host, settings, open_streams, telemetry)
    server = HttpServer(
        app,
        settings.listen,
        drain_seconds=settings.mesh.drain_seconds,
        limits=settings.http.limits,
        max_message=settings.max_body,
        drain=open_streams.drain,
        shared=settings.workers > 1,
    )
    await host.serve(server, admin=settings.mesh.admin_listen if worker == 0 else None, metrics=telemetry.scrape)


async def compose(host: Host, settings: GatewaySettings, open_streams: OpenStreams, telemetry: Telemetry) -> Pipeline:
    """Puts the gateway of Rampart's own services together. Its connections and background work are the host's."""
    plan = load_plan(DESCRIPTORS)
    policies = {name: method.policy for name, method in plan.methods.items()}
    bodies = BodyReader(max_bytes=settings.max_body)
    channels, stream_channels = [
        {
            name: await host.open(open_channel(address, settings.mesh.tls, policies, streams=streams))
            for name, address in settings.addresses.items()
        }
        for streams in (False, True)
    ]
    for name, channel in channels.items():
        host.check(name, _health_check(channel))
    redis = await host.open(open_redis(settings.redis_url)) if settings.redis_url else None
    mesh = MeshUpstream(channels, policies, coalesce=settings.coalesce)
    upstream = await _with_memory(mesh, settings, host)
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, settings.addresses["auth"]), name="jwks", check=keys.check
    )
    limiters = make_limiters(redis, workers=settings.workers)
    app = make_app(
        make_router(plan),
        upstream=upstream,
        stream_upstream=MeshStreams(stream_channels),
        open_streams=open_streams,
        verifier=verifier,
        readiness=host.readiness,
        telemetry=telemetry,
        bodies=bodies,
        limits=settings.limits,
        limiter=limiters.local,
        strict=limiters.strict,
        key_store=FallbackIdempotencyStore(RedisIdempotencyStore(redis), MemoryIdempotencyStore())
        if redis is not None
        else None,
        keep_answers=settings.keep_answers,
        addresses=settings.client_addresses,
        answers=Answers(compress_from=settings.http.compress_from),
        security=SecurityHeaders(Cors(settings.http.cors_origins), hsts_seconds=settings.http.hsts_seconds),
    )
    host.closing(telemetry.flush)
    host.background("body timeouts", bodies.sweep)
    host.background("access log", partial(flush_regularly, telemetry))
    for name, work in limiters.work.items():
        host.background(name, work)
    freeze()
    return app


async def _with_memory(mesh: Upstream, settings: GatewaySettings, host: Host) -> Upstream:
    """Returns the mesh with answers that are used again, until a change of what they say is heard of."""
    if not settings.http.cache_bytes:
        return mesh
    freshness = Freshness(key=topic_of)
    if settings.redis_url:
        redis = await host.open(open_redis(settings.redis_url, timeout=FEED_TIMEOUT, size=1))
        host.background("change feed", ChangeFeed(RedisStream(redis, CHANGES), freshness).run)
    return AnswerCache(mesh, AnswerStore(settings.http.cache_bytes), freshness)


def _health_check(channel: grpc.aio.Channel) -> Callable[[], Awaitable[None]]:
    stub: Any = health_pb2_grpc.HealthStub(channel)

    async def healthy() -> None:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ConnectionError("not serving")

    return healthy
