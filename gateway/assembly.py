"""Assembles the ASGI application of a gateway from its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette

from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.replay import KEEP_SECONDS, Idempotency
from gateway.calls.idempotency.store import IdempotencyStore
from gateway.calls.streams import NoStreams, StreamUpstream
from gateway.calls.turns import CallTurns
from gateway.calls.upstream import Upstream
from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.plan import Plan
from gateway.compile.router import Router
from gateway.compile.validation import RequestValidator
from gateway.describe.catalogue import Reason
from gateway.describe.documentation import BrowserPages, Documentation
from gateway.describe.openapi import LOCAL_URL, document
from gateway.describe.product import Product
from gateway.edge.address import AddressResolver
from gateway.edge.body import BodyReader
from gateway.edge.certificates import ClientCertificates
from gateway.edge.exit import Exit
from gateway.edge.guard import Guard, TokenGuard, Verifier
from gateway.edge.headers.answers import Answers
from gateway.edge.headers.conditional import Conditionals
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.options import OptionsResponder
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.keys import KeySource, NoKeys
from gateway.edge.metrics import Telemetry
from gateway.edge.others import Others
from gateway.edge.pipeline import Pipeline
from gateway.edge.possession import PossessionCheck
from gateway.edge.ratelimit import LimitBook, Limiters, LimitSettings, make_limiters
from gateway.edge.rpc.procedures import Procedures
from gateway.edge.site import make_site
from gateway.edge.spans import RequestSpans
from gateway.edge.streams.http import HttpStreams
from gateway.edge.streams.registry import OpenStreams
from gateway.edge.streams.session import Sessions
from gateway.edge.streams.websocket import WebSockets
from gateway.edge.system_parameters import SystemParameters
from gateway.edge.unary import UnaryCalls
from gateway.errors.render import ErrorRenderer
from meshkit.audit.calls import CallAudit
from meshkit.host import Host
from meshkit.supervisor import Work
from meshkit.telemetry.admin import Readiness
from meshkit.tracing import setup

__all__ = ["GatewayParts", "describe", "make_app", "make_guard", "make_router", "start_background"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """What a gateway is made of. With the defaults it streams nothing and shares nothing with other processes."""

    router: Router
    upstream: Upstream
    verifier: Verifier
    """Says for how long the token of a stream is good."""
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
    system_parameters: bool = False
    """True to take the query parameters that clients made by Google's generators add."""
    public_url: str = LOCAL_URL
    """Where callers reach the API, for its description and its pages."""
    public_metrics: bool = False
    """True shows /metrics to callers as well."""


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
    certificates: ClientCertificates = ClientCertificates(),
    keys: KeySource = NoKeys(),
    audit: CallAudit | None = None,
    public_url: str = LOCAL_URL,
) -> TokenGuard:
    """Builds the guard that goes by access tokens. Without `limiters` this process has every limit to itself.

    `audit` is told of whom it refuses. `public_url` is where callers reach the API, as their proofs of possession name
    it.
    """
    limiters = limiters or make_limiters(None, workers=1)
    return TokenGuard(
        verifier,
        limiters.local,
        telemetry,
        book=LimitBook(address_rate=limits.address_rate, failure_rate=limits.failure_rate),
        addresses=addresses,
        strict=limiters.strict,
        strict_classes=limits.strict_classes,
        keys=keys,
        audit=audit,
        possession=PossessionCheck(public_url),
        certificates=certificates,
    )


def describe(plan: Plan, reasons: Mapping[str, Reason], url: str, product: Product | None = None) -> Documentation:
    """Renders the documentation of a plan for callers who reach it at `url`. `reasons` are the gateway's own, by name.

    Raises OSError if a file of it is missing, CommentError if an example in the protos is not JSON.
    """
    extension, home = (product.document, product.home) if product is not None else (None, None)
    return Documentation.of(document(plan, reasons, url, extension), reasons, home, origin=url)


def make_app(parts: GatewayParts, documentation: Documentation, product: Product | None = None) -> Pipeline:
    """Builds the ASGI application. The documentation is that of its plan, product and public address."""
    routes = [*documentation.routes]
    if product is not None:
        routes += product.routes(parts.router.plan, parts.upstream, parts.guard, parts.bodies, parts.public_url)
    telemetry = parts.telemetry if parts.public_metrics else None
    return _pipeline(parts, make_site(parts.readiness, telemetry, BrowserPages(documentation.title), routes))


def _pipeline(parts: GatewayParts, site: Starlette) -> Pipeline:
    router, upstream, bodies, cors = parts.router, parts.upstream, parts.bodies, parts.security.cors
    renderer = ErrorRenderer(router.plan.registry, json_names=router.plan.json_names)
    errors = Exit(renderer, bodies)
    sessions = Sessions(parts.open_streams, renderer, parts.verifier)
    conditionals = Conditionals(router.endpoints)
    procedures = Procedures(router, upstream, parts.guard, max_bytes=bodies.max_bytes)

    def allowed(path: str) -> Sequence[str]:
        return router.allowed(path) or procedures.allowed(path)

    return Pipeline(
        router=router,
        guard=parts.guard,
        unary=UnaryCalls(
            upstream=upstream,
            bodies=bodies,
            idempotency=Idempotency(upstream, parts.key_store, router.plan, keep=parts.keep_answers),
            conditionals=conditionals,
            answers=parts.answers,
            errors=errors,
            turns=CallTurns(),
        ),
        streams=HttpStreams(
            upstream=parts.stream_upstream, bodies=bodies, conditionals=conditionals, sessions=sessions, errors=errors
        ),
        sockets=WebSockets(router=router, upstream=parts.stream_upstream, sessions=sessions, cors=cors, errors=errors),
        procedures=procedures,
        others=Others(site, OptionsResponder(allowed, site, cors)),
        errors=errors,
        security=parts.security,
        telemetry=parts.telemetry,
        spans=RequestSpans(recorder) if (recorder := setup.recorder()) is not None else None,
        parameters=_system_parameters(router) if parts.system_parameters else None,
    )


def _system_parameters(router: Router) -> SystemParameters:
    plan = router.plan
    numbers = ProtobufPyCodec(plan.registry, json_names=plan.json_names, enum_numbers=True)
    return SystemParameters(router.endpoints, numbers)


def start_background(host: Host, parts: GatewayParts, more: Mapping[str, Work] | None = None) -> None:
    """Starts the work beside the requests, and `more` by name."""
    host.closing(parts.telemetry.flush)
    host.background("body timeouts", parts.bodies.sweep)
    host.background("access log", parts.telemetry.flush_regularly)
    for name, work in (more or {}).items():
        host.background(name, work)
