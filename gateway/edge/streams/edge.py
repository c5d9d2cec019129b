"""Everything that streams at the edge, put together."""

from __future__ import annotations

from gateway.calls.streams import StreamUpstream
from gateway.compile.endpoint import Router
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.streams.http import HttpStreams
from gateway.edge.streams.registry import OpenStreams
from gateway.edge.streams.session import Sessions
from gateway.edge.streams.websocket import WebSockets
from gateway.errors.render import ErrorRenderer

__all__ = ["StreamEdge"]


class StreamEdge:
    """Serves streams over plain HTTP and over WebSockets, from one allowance of open ones."""

    def __init__(
        self,
        upstream: StreamUpstream,
        open_streams: OpenStreams,
        *,
        router: Router,
        guard: Guard,
        bodies: BodyReader,
        failures: ErrorRenderer,
        telemetry: Telemetry,
        security: SecurityHeaders,
    ) -> None:
        sessions = Sessions(open_streams, failures)
        self.http = HttpStreams(guard=guard, bodies=bodies, upstream=upstream, sessions=sessions, telemetry=telemetry)
        self.websockets = WebSockets(
            router=router, guard=guard, upstream=upstream, sessions=sessions, telemetry=telemetry, security=security
        )
