"""Serves one HTTP/1.1 connection (RFC 9112), without ambiguity and within limits, on httptools' parser."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from httptools.parser.errors import HttpParserError, HttpParserUpgrade
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.server.cycle import Cycle
from gateway.server.framing import bad_request, flaw, headers_too_large, slow_head, target_too_long, valid_host
from gateway.server.resumption import Resumption, resumed
from gateway.server.turns import Turns
from gateway.server.watch import Watch
from meshkit.errors import Kind, MeshError

__all__ = ["HttpConnection"]


class HttpConnection(HttpToolsProtocol):
    """Reads requests. The opening of WebSockets is uvicorn's; everything else that its class does is done here."""

    _turns: Turns

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        watch: Watch,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._watch = watch
        self._limits = watch.limits
        self._in_head = False
        self._begun = False
        """True if the head began in the bytes that arrived last."""
        self._received = 0
        self._overhead = 0
        self._head_since = 0
        self._stuck_since = 0
        self._host: bytes | None = None
        self._switching = False
        """True if the request that came last opens a WebSocket."""
        self._resumption: Resumption | None = None

    # The transport's side.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app: Any = self.app
        self._turns = Turns(transport, self.flow, app=app, state=self.server_state, watch=self._watch)
        self._watch.connections.add(self)
        if len(self._watch.connections) > self._limits.connections:
            error = MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many connections are open", retry_after=1.0)
            self._turns.refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.connections.discard(self)
        self.connections.discard(self)
        self._turns.lost()
        self.flow.resume_writing()
        self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        turns = self._turns
        if turns.deaf:
            turns.discard(len(data))
            return
        self._received = len(data)
        try:
            self._feed(data)
        except HttpParserError:
            turns.refuse(bad_request())
        if self._in_head or (turns.latest is not None and turns.latest.more_body):
            self._measure()

    def _measure(self) -> None:
        """Bounds what comes in pieces and is no body: heads, trailers, chunk extensions."""
        self._overhead = 0 if self._begun else self._overhead + self._received
        self._begun = False
        if self._overhead > self._limits.head_bytes:
            long = self._in_head and len(self.url) > self._limits.target_bytes
            self._turns.refuse(target_too_long(self._limits) if long else headers_too_large(self._limits))

    def pause_writing(self) -> None:
        self._stuck_since = self._watch.tick
        super().pause_writing()

    def shutdown(self) -> None:
        self._turns.shutdown()

    def check(self, tick: int) -> None:
        """Ends what has lasted too long."""
        if self.flow.write_paused and tick - self._stuck_since > self._limits.stuck_seconds:
            self._turns.stuck()
        elif not self._in_head or self._turns.deaf:
            self._turns.check(tick)
        elif tick - self._head_since > self._limits.head_seconds:
            self._turns.refuse(slow_head())

    # The parser's side.

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as upgrade:
                if self._turns.deaf:
                    return
                if self._switching:
                    self._watch.connections.discard(self)
                    self.handle_websocket_upgrade()
                    return
                # Any other upgrade is declined by not mentioning it (RFC 9110, section 7.8).
                data = data[upgrade.args[0] :]
                self.parser = resumed(self, self._resumption)
                self._resumption = None

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._in_head = self._begun = True
        self._head_since = self._watch.tick

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come this way too, and must not pass for headers (RFC 9110, section 6.5.1).
        if self._in_head:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        turns = self._turns
        if turns.deaf or (turns.latest is not None and not turns.latest.keep_alive):
            # The last request of this connection has been read already.
            turns.deaf = True
            return
        fields = dict(self.headers)
        version, method = self.parser.get_http_version(), self.parser.get_method()
        error = self._judge(version, method, fields)
        if error is not None:
            turns.refuse(error)
            return
        scope = self._scope(version, method.decode("ascii"))
        self.scope = scope  # type: ignore[assignment]
        upgrade = b"upgrade" in fields and self.parser.should_upgrade()
        self._switching = upgrade and turns.current is None and self._should_upgrade()
        if self._switching:
            return
        persistent = version == "1.1" and self.parser.should_keep_alive()
        if upgrade:
            self._resumption = Resumption.of(self, fields, persistent)
        expects = version == "1.1" and fields.get(b"expect", b"").lower() == b"100-continue"
        turns.add(Cycle(turns, scope, keep_alive=persistent, expects_continue=expects))

    def on_body(self, body: bytes) -> None:
        turns = self._turns
        cycle = turns.latest
        if turns.deaf or cycle is None:
            return
        self._overhead = -self._received
        if cycle.response_complete:
            turns.discard(len(body))
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        if not self._turns.deaf and self._resumption is None:
            self._turns.message_read()

    def _judge(self, version: str, method: bytes, fields: dict[bytes, bytes]) -> MeshError | None:
        limits = self._limits
        if len(self.url) > limits.target_bytes:
            return target_too_long(limits)
        if len(self.headers) > limits.fields or (
            self._received > limits.head_bytes
            and sum(len(name) + len(value) + 4 for name, value in self.headers) > limits.head_bytes
        ):
            return headers_too_large(limits)
        words = flaw(version, method, self.url, fields, self.headers)
        host = fields.get(b"host")
        if not words and host != self._host:
            # The same with almost every request of a connection.
            words = "" if host is None or valid_host(host) else "the Host is no host"
            self._host = host
        return bad_request(words) if words else None

    def _scope(self, version: str, method: str) -> Scope:
        target = self.url if self.url[:1] == b"/" else _origin_form(self.url)
        path, _, query = target.partition(b"?")
        text = path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": method,
            "root_path": "",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }


def _origin_form(target: bytes) -> bytes:
    """Reads a target in absolute form, whose host counts for more than `Host` and is of no interest; or `*`."""
    if target == b"*":
        return target
    url = httptools.parse_url(target)
    path: bytes = url.path or b"/"
    return path + b"?" + url.query if url.query else path
