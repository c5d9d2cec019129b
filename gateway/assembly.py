"""Assembles the ASGI application of a gateway from its parts."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from gateway.calls.idempotency.edge import KEEP_SECONDS, Idempotency
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.store import IdempotencyStore
from gateway.calls.streams import NoStreams, StreamUpstream
from gateway.calls.upstream import Upstream
from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.endpoint import Router
from gateway.compile.plan import Plan
from gateway.compile.validation import RequestValidator
from gateway.describe.catalogue import Reason
from gateway.describe.documentation import documentation_routes
from gateway.describe.openapi import document
from gateway.describe.product import Product
from gateway.edge.address import AddressResolver
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard, TokenGuard, Verifier
from gateway.edge.headers.answers import Answers
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.pipeline import Transcoder
from gateway.edge.ratelimit import LimitBook, Limiters, LimitSettings, make_limiters
from gateway.edge.rpc import rpc_routes
from gateway.edge.site import make_site
from gateway.edge.streams.edge import StreamEdge
from gateway.edge.streams.registry import OpenStreams
from gateway.errors.render import ErrorRenderer
from meshkit.host import Host
from meshkit.supervisor import Work
from meshkit.telemetry.admin import Readiness

__all__ = ["GatewayParts", "make_app", "make_guard", "make_router", "start_background"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """What a gateway is made of. With the defaults it streams nothing and shares nothing with other processes."""

    router: Router
    upstream: Upstream
    guard: Guard
    readiness: Readiness
    telemetry: Telemetry
    bodies: BodyReader
    stream_upstream: StreamUpstream = field(default_factory=NoStreams)
    open_streams: OpenStreams = field(default_factory=OpenStreams)
    key_store: IdempotencyStore = field(default_factory=MemoryIdempotencyStore)
    """Keeps the answers to requests with an `Idempotency-Key`."""
    keep_answers: float = KEEP_SECONDS
    """Seconds for which it keeps them."""
    answers: Answers = field(default_factory=Answers)
    security: SecurityHeaders = field(default_factory=lambda: SecurityHeaders(Cors(())))


def make_router(plan: Plan) -> Router:
    """Compiles what serves the plan's bindings."""
    return Router(plan, ProtobufPyCodec(plan.registry, json_names=plan.json_names), RequestValidator())


def make_guard(
    verifier: Verifier,
    telemetry: Telemetry,
    *,
    limits: LimitSettings = LimitSettings(),
    limiters: Limiters | None = None,
    addresses: AddressResolver = AddressResolver(),
) -> TokenGuard:
    """Builds the guard that goes by access tokens. Without `limiters` this process has every limit to itself."""
    limiters = limiters or make_limiters(None, workers=1)
    return TokenGuard(
        verifier,
        limiters.local,
        telemetry,
        book=LimitBook(address_rate=limits.address_rate, failure_rate=limits.failure_rate),
        addresses=addresses,
        strict=limiters.strict,
        strict_classes=limits.strict_classes,
    )


def make_app(parts: GatewayParts, reasons: Mapping[str, Reason], product: Product | None = None) -> Transcoder:
    """Builds the ASGI application. `reasons` are those of its own errors by name, for the documentation.

    Raises OSError if a file of the documentation is missing, CommentError if an example in the protos is not JSON.
    """
    router = parts.router
    failures = ErrorRenderer(router.plan.registry, json_names=router.plan.json_names)
    return Transcoder(
        make_site(parts.readiness, parts.telemetry, _site_routes(parts, reasons, product)),
        router=router,
        guard=parts.guard,
        upstream=parts.upstream,
        telemetry=parts.telemetry,
        bodies=parts.bodies,
        failures=failures,
        idempotency=Idempotency(parts.upstream, parts.key_store, keep=parts.keep_answers),
        answers=parts.answers,
        security=parts.security,
        streams=StreamEdge(
            parts.stream_upstream,
            parts.open_streams,
            router=router,
            guard=parts.guard,
            bodies=parts.bodies,
            failures=failures,
            telemetry=parts.telemetry,
            security=parts.security,
        ),
    )


def _site_routes(parts: GatewayParts, reasons: Mapping[str, Reason], product: Product | None) -> list[BaseRoute]:
    plan = parts.router.plan
    described = document(plan, reasons, product.document if product is not None else None)
    routes = documentation_routes(described, reasons, product.home if product is not None else None)
    routes += rpc_routes(parts.router, parts.guard, parts.upstream, max_bytes=parts.bodies.max_bytes)
    if product is not None:
        routes += product.routes(plan, parts.upstream, parts.guard, parts.bodies)
    return routes


def start_background(host: Host, parts: GatewayParts, more: Mapping[str, Work] | None = None) -> None:
    """Starts the work beside the requests, and `more` by name. Comes last: what is there now stays uncollected."""
    host.closing(parts.telemetry.flush)
    host.background("body timeouts", parts.bodies.sweep)
    host.background("access log", parts.telemetry.flush_regularly)
    for name, work in (more or {}).items():
        host.background(name, work)
    # The plan lives as long as the process; without this every round of the collector would walk it.
    gc.collect()
    gc.freeze()
