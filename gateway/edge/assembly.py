"""Assembles the pipeline from what it talks to."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette

from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.replay import KEEP_SECONDS, Idempotency
from gateway.calls.idempotency.store import IdempotencyStore
from gateway.calls.streams import NoStreams, StreamUpstream
from gateway.calls.upstream import Upstream
from gateway.compile.router import Router
from gateway.edge.body import BodyReader
from gateway.edge.exit import Exit
from gateway.edge.guard import Guard, Verifier
from gateway.edge.headers.answers import Answers
from gateway.edge.headers.conditional import Conditionals
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.options import OptionsResponder
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.others import Others
from gateway.edge.pipeline import Pipeline
from gateway.edge.rpc.procedures import Procedures
from gateway.edge.streams.http import HttpStreams
from gateway.edge.streams.registry import OpenStreams
from gateway.edge.streams.session import Sessions
from gateway.edge.streams.websocket import WebSockets
from gateway.edge.unary import UnaryCalls
from gateway.errors.render import ErrorRenderer

__all__ = ["make_pipeline"]


def make_pipeline(
    router: Router,
    *,
    site: Starlette,
    guard: Guard,
    verifier: Verifier,
    upstream: Upstream,
    bodies: BodyReader,
    telemetry: Telemetry,
    stream_upstream: StreamUpstream = NoStreams(),
    open_streams: OpenStreams | None = None,
    store: IdempotencyStore | None = None,
    keep_answers: float = KEEP_SECONDS,
    answers: Answers | None = None,
    security: SecurityHeaders | None = None,
) -> Pipeline:
    """Returns the ASGI application of a router's calls, in front of `site`."""
    renderer = ErrorRenderer(router.plan.registry, json_names=router.plan.json_names)
    errors = Exit(renderer, bodies)
    security = security or SecurityHeaders(Cors(()))
    sessions = Sessions(open_streams or OpenStreams(), renderer, verifier)
    procedures = Procedures(router, upstream, max_bytes=bodies.max_bytes)

    def allowed(path: str) -> Sequence[str]:
        return router.allowed(path) or procedures.allowed(path)

    return Pipeline(
        router=router,
        guard=guard,
        unary=UnaryCalls(
            upstream=upstream,
            bodies=bodies,
            idempotency=Idempotency(upstream, store or MemoryIdempotencyStore(), router.plan, keep=keep_answers),
            conditionals=Conditionals(router.endpoints),
            answers=answers or Answers(),
            errors=errors,
        ),
        streams=HttpStreams(upstream=stream_upstream, bodies=bodies, sessions=sessions, errors=errors),
        sockets=WebSockets(
            router=router, upstream=stream_upstream, sessions=sessions, cors=security.cors, errors=errors
        ),
        procedures=procedures,
        others=Others(site, OptionsResponder(allowed, site, security.cors)),
        errors=errors,
        security=security,
        telemetry=telemetry,
    )
