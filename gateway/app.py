"""The composition root: puts the gateway together and serves it until the process is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import grpc
import rampart
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.body import BodyReader
from gateway.call import Upstream
from gateway.codec import ProtobufPyCodec
from gateway.documentation import documentation_routes
from gateway.endpoint import Router
from gateway.guard import Guard, Verifier
from gateway.metrics import Telemetry, access_log
from gateway.oauth import ISSUE_TOKEN, TokenEndpoint
from gateway.plan import Plan, load_plan
from gateway.ratelimit import MemoryRateLimiter
from gateway.server import serve_http
from gateway.settings import GatewaySettings
from gateway.site import make_site
from gateway.transcoder import Transcoder
from gateway.upstream import MeshUpstream
from gateway.validation import RequestValidator
from meshkit import keys
from meshkit.admin import Check, Readiness, admin_app, serve_admin
from meshkit.channel import open_channel
from meshkit.tokens import TokenVerifier

__all__ = ["DESCRIPTORS", "make_app", "make_router", "serve"]

DESCRIPTORS = Path(next(iter(rampart.__path__))) / "descriptors.binpb"
FLUSH_SECONDS = 0.2


def make_router(plan: Plan) -> Router:
    """Compiles what serves the plan's bindings."""
    return Router(plan, ProtobufPyCodec(plan.registry), RequestValidator())


def make_app(
    router: Router,
    *,
    upstream: Upstream,
    verifier: Verifier,
    readiness: Readiness,
    telemetry: Telemetry,
    bodies: BodyReader,
    workers: int = 1,
) -> Transcoder:
    """Builds the ASGI application. Everything that it talks to comes from outside."""
    guard = Guard(verifier, MemoryRateLimiter(), telemetry, workers=workers)
    issue_token = router.plan.methods.get(ISSUE_TOKEN)
    token_endpoint = TokenEndpoint(issue_token, upstream, guard, bodies) if issue_token is not None else None
    site = make_site(readiness, telemetry, token_endpoint, more=documentation_routes(router.plan))
    return Transcoder(
        site,
        router=router,
        guard=guard,
        upstream=upstream,
        telemetry=telemetry,
        bodies=bodies,
    )


async def serve(settings: GatewaySettings, *, worker: int = 0) -> None:
    """Serves one worker until SIGTERM. The first worker also serves the admin port."""
    plan = load_plan(DESCRIPTORS)
    policies = {name: method.policy for name, method in plan.methods.items()}
    telemetry = Telemetry(access_log())
    bodies = BodyReader(max_bytes=settings.max_body)
    async with contextlib.AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(open_channel(address, settings.mesh.tls, policies))
            for name, address in settings.addresses.items()
        }
        upstream = MeshUpstream(channels, policies, coalesce=settings.coalesce)
        verifier = TokenVerifier(
            keys.remote_keys(channels["auth"]), issuer=settings.mesh.issuer, audience=settings.mesh.audience
        )
        readiness = Readiness({**_checks(channels), "jwks": lambda: keys.check(verifier)})
        app = make_app(
            make_router(plan),
            upstream=upstream,
            verifier=verifier,
            readiness=readiness,
            telemetry=telemetry,
            bodies=bodies,
            workers=settings.workers,
        )
        await stack.enter_async_context(keys.kept_fresh(verifier))
        await stack.enter_async_context(_running(bodies.sweep(), _flush_regularly(telemetry)))
        stack.callback(telemetry.flush)
        if worker == 0:
            await stack.enter_async_context(
                serve_admin(settings.mesh.admin_listen, admin_app(readiness, telemetry.scrape))
            )
        # What is there now stays: the collector need not visit the plan again and again.
        gc.collect()
        gc.freeze()
        await serve_http(app, settings.listen, readiness, drain_seconds=settings.mesh.drain_seconds)


def _checks(channels: Mapping[str, grpc.aio.Channel]) -> dict[str, Check]:
    return {name: _health_check(channel) for name, channel in channels.items()}


def _health_check(channel: grpc.aio.Channel) -> Callable[[], Awaitable[None]]:
    stub: Any = health_pb2_grpc.HealthStub(channel)

    async def healthy() -> None:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ConnectionError("not serving")

    return healthy


async def _flush_regularly(telemetry: Telemetry) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        telemetry.flush()


@contextlib.asynccontextmanager
async def _running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs background work while the block runs."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
