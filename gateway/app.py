"""The composition root: puts the gateway together and serves it until the process is asked to stop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import rampart
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.address import AddressResolver
from gateway.background import background, flush_regularly, freeze
from gateway.body import BodyReader
from gateway.cache.store import AnswerStore
from gateway.cache.upstream import AnswerCache
from gateway.call import Upstream
from gateway.codec import ProtobufPyCodec
from gateway.documentation import documentation_routes
from gateway.endpoint import Router
from gateway.failures import Failures
from gateway.guard import Gate, Guard, Verifier
from gateway.http.answers import Answers
from gateway.http.cors import Cors
from gateway.http.security import Security
from gateway.idempotency.edge import KEEP_SECONDS, Idempotency
from gateway.idempotency.fallback import FallbackKeyStore
from gateway.idempotency.memory import MemoryKeyStore
from gateway.idempotency.redis_store import RedisKeyStore
from gateway.idempotency.store import KeyStore
from gateway.metrics import Telemetry, access_log
from gateway.oauth import ISSUE_TOKEN, TokenEndpoint
from gateway.plan import Plan, load_plan
from gateway.ratelimit import (
    LimitBook,
    LimitSettings,
    MemoryRateLimiter,
    RateLimiter,
    StrictRateLimiter,
    make_limiters,
)
from gateway.rpc import rpc_routes
from gateway.server import serve_http
from gateway.settings import GatewaySettings
from gateway.site import make_site
from gateway.streams.edge import Streams
from gateway.streams.mesh import MeshStreams
from gateway.streams.port import NoStreams, StreamUpstream
from gateway.streams.registry import OpenStreams
from gateway.transcoder import Transcoder
from gateway.upstream import MeshUpstream
from gateway.validation import RequestValidator
from meshkit import keys
from meshkit.admin import Check, Readiness, admin_app, serve_admin
from meshkit.changes import STREAM as CHANGES
from meshkit.changes import ChangeFeed
from meshkit.channel import open_channel
from meshkit.redis import open_redis
from meshkit.streams import RedisStream
from meshkit.tokens import TokenVerifier

__all__ = ["DESCRIPTORS", "gateway", "make_app", "make_router", "serve"]

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
    wrap_guard: Callable[[Guard], Gate] = lambda guard: guard,
    key_store: KeyStore | None = None,
    keep_answers: float = KEEP_SECONDS,
    answers: Answers | None = None,
    security: Security | None = None,
) -> Transcoder:
    """Builds the ASGI application. Everything that it talks to comes from outside."""
    guard = Guard(
        verifier,
        limiter or MemoryRateLimiter(sharers=workers),
        telemetry,
        book=LimitBook(address_rate=limits.address_rate, failure_rate=limits.failure_rate),
        addresses=addresses,
        strict=strict,
        strict_classes=limits.strict_classes,
    )
    gate = wrap_guard(guard)
    issue_token = router.plan.methods.get(ISSUE_TOKEN)
    token_endpoint = TokenEndpoint(issue_token, upstream, guard, bodies) if issue_token is not None else None
    more = [*documentation_routes(router.plan), *rpc_routes(router, gate, upstream, max_bytes=bodies.max_bytes)]
    site = make_site(readiness, telemetry, token_endpoint, more=more)
    failures = Failures(router.plan.registry, json_names=router.plan.json_names)
    security = security or Security(Cors(()))
    streams = Streams(
        stream_upstream,
        open_streams if open_streams is not None else OpenStreams(),
        router=router,
        guard=gate,
        bodies=bodies,
        failures=failures,
        telemetry=telemetry,
        security=security,
    )
    return Transcoder(
        site,
        router=router,
        guard=gate,
        upstream=upstream,
        telemetry=telemetry,
        bodies=bodies,
        failures=failures,
        idempotency=Idempotency(upstream, key_store or MemoryKeyStore(), keep=keep_answers),
        answers=answers or Answers(),
        security=security,
        streams=streams,
    )


async def serve(settings: GatewaySettings, *, worker: int = 0) -> None:
    """Serves one worker until SIGTERM. The first worker also serves the admin port."""
    open_streams = OpenStreams(settings.max_streams)
    async with gateway(settings, open_streams) as (app, readiness, telemetry), contextlib.AsyncExitStack() as stack:
        if worker == 0:
            await stack.enter_async_context(
                serve_admin(settings.mesh.admin_listen, admin_app(readiness, telemetry.scrape))
            )
        await serve_http(
            app,
            settings.listen,
            readiness,
            drain_seconds=settings.mesh.drain_seconds,
            limits=settings.http.limits,
            max_message=settings.max_body,
            drain=open_streams.drain,
            shared=settings.workers > 1,
        )


@contextlib.asynccontextmanager
async def gateway(
    settings: GatewaySettings, open_streams: OpenStreams
) -> AsyncIterator[tuple[Transcoder, Readiness, Telemetry]]:
    """Puts the gateway of Rampart's own services together; its connections and background work end with the block."""
    plan = load_plan(DESCRIPTORS)
    policies = {name: method.policy for name, method in plan.methods.items()}
    telemetry = Telemetry(access_log())
    bodies = BodyReader(max_bytes=settings.max_body)
    async with contextlib.AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(open_channel(address, settings.mesh.tls, policies))
            for name, address in settings.addresses.items()
        }
        stream_channels = {
            name: await stack.enter_async_context(open_channel(address, settings.mesh.tls, policies, streams=True))
            for name, address in settings.addresses.items()
        }
        redis = open_redis(settings.redis_url) if settings.redis_url else None
        if redis is not None:
            stack.push_async_callback(redis.aclose)
        mesh = MeshUpstream(channels, policies, coalesce=settings.coalesce)
        upstream = await _with_memory(mesh, settings, stack)
        verifier = TokenVerifier(
            keys.remote_keys(channels["auth"]), issuer=settings.mesh.issuer, audience=settings.mesh.audience
        )
        limiters = make_limiters(redis, workers=settings.workers)
        readiness = Readiness({**_checks(channels), "jwks": lambda: keys.check(verifier)})
        app = make_app(
            make_router(plan),
            upstream=upstream,
            stream_upstream=MeshStreams(stream_channels),
            open_streams=open_streams,
            verifier=verifier,
            readiness=readiness,
            telemetry=telemetry,
            bodies=bodies,
            limits=settings.limits,
            limiter=limiters.local,
            strict=limiters.strict,
            key_store=FallbackKeyStore(RedisKeyStore(redis), MemoryKeyStore()) if redis is not None else None,
            keep_answers=settings.keep_answers,
            addresses=settings.client_addresses,
            answers=Answers(compress_from=settings.http.compress_from),
            security=Security(Cors(settings.http.cors_origins), hsts_seconds=settings.http.hsts_seconds),
        )
        await stack.enter_async_context(keys.kept_fresh(verifier))
        await stack.enter_async_context(background(bodies.sweep(), flush_regularly(telemetry), *limiters.work))
        stack.callback(telemetry.flush)
        freeze()
        yield app, readiness, telemetry


async def _with_memory(mesh: Upstream, settings: GatewaySettings, stack: contextlib.AsyncExitStack) -> Upstream:
    """Returns the mesh with answers that are used again. What hears of changes for it runs as long as `stack`."""
    if not settings.http.cache_bytes:
        return mesh
    cache = AnswerCache(mesh, AnswerStore(settings.http.cache_bytes))
    if not settings.redis_url:
        return cache
    redis = open_redis(settings.redis_url, timeout=FEED_TIMEOUT, size=1)
    stack.push_async_callback(redis.aclose)
    cache.feed = feed = ChangeFeed(RedisStream(redis, CHANGES), changed=cache.changed, lost=cache.lost)
    await stack.enter_async_context(background(feed.run()))
    return cache


def _checks(channels: Mapping[str, grpc.aio.Channel]) -> dict[str, Check]:
    return {name: _health_check(channel) for name, channel in channels.items()}


def _health_check(channel: grpc.aio.Channel) -> Callable[[], Awaitable[None]]:
    stub: Any = health_pb2_grpc.HealthStub(channel)

    async def healthy() -> None:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ConnectionError("not serving")

    return healthy
