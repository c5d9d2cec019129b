"""Everything that streams at the edge, put together."""

from __future__ import annotations

from gateway.body import BodyReader
from gateway.endpoint import Router
from gateway.failures import Failures
from gateway.guard import Gate
from gateway.http.security import Security
from gateway.metrics import Telemetry
from gateway.streams.http import HttpStreams
from gateway.streams.port import StreamUpstream
from gateway.streams.registry import OpenStreams
from gateway.streams.session import Sessions
from gateway.streams.websocket import WebSockets

__all__ = ["Streams"]


class Streams:
    """Serves streams over plain HTTP and over WebSockets, from one allowance of open ones."""

    def __init__(
        self,
        upstream: StreamUpstream,
        open_streams: OpenStreams,
        *,
        router: Router,
        guard: Gate,
        bodies: BodyReader,
        failures: Failures,
        telemetry: Telemetry,
        security: Security,
    ) -> None:
        sessions = Sessions(open_streams, failures)
        self.http = HttpStreams(guard=guard, bodies=bodies, upstream=upstream, sessions=sessions, telemetry=telemetry)
        self.websockets = WebSockets(
            router=router, guard=guard, upstream=upstream, sessions=sessions, telemetry=telemetry, security=security
        )
