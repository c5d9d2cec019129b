"""Composes Rampart's gateway: its connections, its parts and its background work on one host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis.asyncio import Redis

from gateway.assembly import GatewayParts, describe, make_app, make_guard, make_router, start_background
from gateway.calls.cache.store import AnswerStore
from gateway.calls.cache.upstream import AnswerCache, topic_of
from gateway.calls.idempotency.fallback import FallbackIdempotencyStore
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.redis_store import RedisIdempotencyStore
from gateway.calls.idempotency.store import IdempotencyStore
from gateway.calls.mesh import MeshUpstream
from gateway.calls.mesh_streams import MeshStreams
from gateway.calls.upstream import Upstream
from gateway.compile.plan import load_plan
from gateway.compile.router import Router
from gateway.describe.catalogue import read_reasons
from gateway.describe.documentation import Documentation
from gateway.describe.product import Product
from gateway.edge.body import BodyReader
from gateway.edge.guard import TokenGuard
from gateway.edge.headers.answers import Answers
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.pipeline import Pipeline
from gateway.edge.ratelimit import Limiters, make_limiters
from gateway.edge.streams.registry import OpenStreams
from gateway.product.api_keys import EXCHANGE, ApiKeys
from gateway.product.rampart import EXAMPLE_VIOLATION, rampart
from gateway.server.serve import HttpServer
from gateway.settings import GatewaySettings
from meshkit.collector import spare_collector
from meshkit.descriptors import DESCRIPTORS
from meshkit.host import Host
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.channel import open_channel
from meshkit.standby import turn
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangeFeed, Freshness
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.redis import open_redis

__all__ = ["Prepared", "compose", "serve"]

FEED_TIMEOUT = 3.0


async def serve(host: Host, settings: GatewaySettings, *, worker: int = 0) -> None:
    """Serves one worker until SIGTERM. The first worker also serves the admin port.

    One that stands by has prepared all that needs no other process before it waits for its turn.
    """
    prepared = Prepared.make(settings)
    spare_collector()
    if not await turn():
        return
    open_streams = OpenStreams(settings.max_streams)
    telemetry = Telemetry(access_log())
    app = await compose(host, settings, open_streams, telemetry, prepared)
    server = HttpServer(
        app,
        settings.listen,
        drain_seconds=settings.mesh.drain_seconds,
        limits=settings.http.limits,
        max_message=settings.max_body,
        drain=open_streams.drain,
        key_of=settings.client_addresses.connection_key,
        shared=settings.workers > 1,
    )
    await host.serve(server, admin=settings.mesh.admin_listen if worker == 0 else None, metrics=telemetry.scrape)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What follows from the protos and settings alone."""

    router: Router
    product: Product
    documentation: Documentation

    @classmethod
    def make(cls, settings: GatewaySettings) -> Prepared:
        plan = load_plan(DESCRIPTORS)
        reasons = read_reasons(plan.files, EXAMPLE_VIOLATION)
        product = rampart(settings.mesh.issuer, certificates=bool(settings.client_certificates))
        return cls(make_router(plan), product, describe(plan, reasons, settings.reachable, product))


async def compose(
    host: Host, settings: GatewaySettings, open_streams: OpenStreams, telemetry: Telemetry, prepared: Prepared
) -> Pipeline:
    """Puts the gateway of Rampart's own services together. Its connections and background work are the host's."""
    plan = prepared.router.plan
    policies = {name: method.policy for name, method in plan.methods.items()}
    upstream = await _upstream(host, settings, policies)
    stream_channels = await _channels(host, settings, policies, streams=True)
    redis = await host.open(open_redis(settings.redis_url)) if settings.redis_url else None
    limiters = make_limiters(redis, workers=settings.workers)
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, host.identity(settings.mesh), settings.addresses["auth"]),
        name="jwks",
        check=keys.check,
    )
    parts = GatewayParts(
        router=prepared.router,
        upstream=upstream,
        verifier=verifier,
        guard=await _guard(host, settings, verifier, telemetry, limiters, ApiKeys(plan.methods[EXCHANGE], upstream)),
        readiness=host.readiness,
        telemetry=telemetry,
        bodies=BodyReader(max_bytes=settings.max_body),
        stream_upstream=MeshStreams(stream_channels),
        open_streams=open_streams,
        key_store=_key_store(redis),
        keep_answers=settings.keep_answers,
        answers=Answers(compress_from=settings.http.compress_from),
        security=SecurityHeaders(Cors(settings.http.cors_origins), hsts_seconds=settings.http.hsts_seconds),
        public_url=settings.reachable,
        public_metrics=settings.http.public_metrics,
    )
    app = make_app(parts, prepared.documentation, prepared.product)
    start_background(host, parts, limiters.work)
    return app


async def _guard(
    host: Host,
    settings: GatewaySettings,
    verifier: TokenVerifier,
    telemetry: Telemetry,
    limiters: Limiters,
    keys: ApiKeys,
) -> TokenGuard:
    """Admits calls by their tokens and limits, and tells the audit log of whom it refuses."""
    return make_guard(
        verifier,
        telemetry,
        limits=settings.limits,
        limiters=limiters,
        addresses=settings.client_addresses,
        certificates=settings.client_certificates,
        keys=keys,
        public_url=settings.reachable,
        audit=await host.open(remote_audit(host.identity(settings.mesh), settings.addresses["auth"]), name="audit log"),
    )


async def _upstream(host: Host, settings: GatewaySettings, policies: Mapping[str, Policy]) -> Upstream:
    channels = await _channels(host, settings, policies, streams=False)
    for name, channel in channels.items():
        host.check(name, _health_check(channel))
    return await _with_memory(MeshUpstream(channels, policies, coalesce=settings.coalesce), settings, host)


async def _channels(
    host: Host, settings: GatewaySettings, policies: Mapping[str, Policy], *, streams: bool
) -> dict[str, grpc.aio.Channel]:
    identity = host.identity(settings.mesh)
    return {
        name: await host.open(open_channel(address, identity, policies, service=name, streams=streams))
        for name, address in settings.addresses.items()
    }


def _key_store(redis: Redis | None) -> IdempotencyStore:
    own = MemoryIdempotencyStore()
    return own if redis is None else FallbackIdempotencyStore(RedisIdempotencyStore(redis), own)


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
