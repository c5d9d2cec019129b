"""Serves one HTTP/1.1 connection (RFC 9112), without ambiguity and within limits, on httptools' parser."""

from __future__ import annotations

import asyncio
from typing import Any

from httptools.parser.errors import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.server import framing
from gateway.server.authority import AbsoluteTarget, valid_host
from gateway.server.cycle import Cycle
from gateway.server.places import HeldPlace
from gateway.server.reading import was_reset
from gateway.server.refusal import Refusal
from gateway.server.resumption import Resumption, parser_for, resumed, takes_method
from gateway.server.scope import http_scope
from gateway.server.turns import Turns
from gateway.server.watch import Watch
from meshkit.errors import MeshError

__all__ = ["HttpConnection"]


class HttpConnection(HttpToolsProtocol):
    """Reads requests. The opening of WebSockets is uvicorn's; everything else that its class does is done here."""

    _turns: Turns
    _place: HeldPlace

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
        self.parser = parser_for(self)
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
        self._rest: bytes | None = None
        """What the parser takes for a body, while another must go on behind the headers."""
        self._heard_all = False

    # The transport's side.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app: Any = self.app
        self._turns = Turns(transport, self.flow, app=app, state=self.server_state, watch=self._watch)
        self._extensions = {"half_close": self._turns.probe_with}
        self._place = self._watch.enter(self, self.client[0] if self.client else "")
        if self._place.silent:
            transport.abort()
        elif self._place.error is not None:
            self._turns.refuse(Refusal.of(self._place.error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.leave(self, self._place)
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
        except HttpParserInvalidMethodError:
            named = framing.names_unknown_method(data, takes_method)
            self._refuse(framing.unknown_method() if named else framing.bad_request("the request line is malformed"))
        except HttpParserError as error:
            foreign = str(error).startswith("Invalid method")  # one of another protocol, such as RTSP
            words = f"the request is not valid HTTP/1.1: {error}"
            self._refuse(framing.unknown_method() if foreign else framing.bad_request(words))
        if self._in_head or (turns.latest is not None and turns.latest.more_body):
            self._measure()

    def eof_received(self) -> bool:  # type: ignore[override]
        turns = self._turns
        if not self._heard_all:
            self._heard_all = True
            if self._in_head:
                self._refuse(framing.broken_off("headers"))
        return turns.reading_ended()

    def _measure(self) -> None:
        """Bounds what comes in pieces and is no body: heads, trailers, chunk extensions."""
        self._overhead = 0 if self._begun else self._overhead + self._received
        self._begun = False
        if self._overhead > self._limits.head_bytes:
            long = self._in_head and len(self.url) > self._limits.target_bytes
            limits = self._limits
            self._refuse(framing.target_too_long(limits) if long else framing.headers_too_large(limits))

    def _refuse(self, error: MeshError) -> None:
        if not self._turns.deaf:
            method = self.parser.get_method().decode() if self.url else ""
            self._turns.refuse(Refusal.of(error, self.headers, method))

    def pause_writing(self) -> None:
        self._stuck_since = self._watch.tick
        super().pause_writing()

    def shutdown(self) -> None:
        self._turns.shutdown()

    def check(self, tick: int) -> None:
        """Ends what has lasted too long."""
        if self._heard_all and was_reset(self.transport):
            self.transport.abort()
        elif self.flow.write_paused and tick - self._stuck_since > self._limits.stuck_seconds:
            self._turns.stuck()
        elif not self._in_head or self._turns.deaf:
            self._turns.check(tick)
        elif tick - self._head_since > self._limits.head_seconds:
            self._refuse(framing.slow_head())

    # The parser's side.

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                if self._rest is None:
                    return
                data, self._rest = self._rest, None
            except HttpParserUpgrade as upgrade:
                if self._turns.deaf:
                    return
                data, self._rest = data[upgrade.args[0] :], None
                if self._switching:
                    self._open_websocket(data)
                    return
                # Any other upgrade is declined by not mentioning it (RFC 9110, section 7.8).
            self.parser = resumed(self, self._resumption)
            self._resumption = None

    def _open_websocket(self, early: bytes) -> None:
        """Hands the connection over, with what came behind its opening request."""
        self.connections.discard(self)
        protocol: Any = self.ws_protocol_class
        socket = protocol(self.config, self.server_state, self.app_state, watch=self._watch, place=self._place)
        self._watch.replace(self, socket)
        socket.connection_made(self.transport)
        self.transport.set_protocol(socket)
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"content-length")
        socket.data_received(b"GET %b HTTP/1.1\r\n%b\r\n" % (self.url, lines))
        socket.data_received(early)

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
            trimmed = value.rstrip(b" \t")
            self.headers.append((name.lower(), trimmed))
            if len(trimmed) != len(value) and name.lower() == b"transfer-encoding" and b"\t" in value[len(trimmed) :]:
                # The parser does not know the coding behind a tab, and will show all that follows as it is.
                self._rest = b""

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
            self._refuse(error)
            return
        if self.url[:1] != b"/" and (absolute := AbsoluteTarget.parse(self.url)) is not None:
            # Its host counts, whatever `Host` says (RFC 9112, section 3.2.2).
            self.url = absolute.origin_form
            self.headers = [(b"host", absolute.authority), *(each for each in self.headers if each[0] != b"host")]
        upgrade = b"upgrade" in fields and self.parser.should_upgrade()
        if upgrade and fields[b"upgrade"].lower() == b"websocket" and self.ws_protocol_class is not None:
            if method != b"GET" or b"transfer-encoding" in fields or int(fields.get(b"content-length", b"0")):
                self._refuse(framing.bad_request("a WebSocket is opened by a GET without a body"))
                return
            self._switching = turns.current is None
            if self._switching:
                return
        persistent = version == "1.1" and self.parser.should_keep_alive()
        if upgrade or self._rest is not None:
            self._resumption = Resumption.of(self, fields, persistent)
        expects = version == "1.1" and fields.get(b"expect", b"").lower() == b"100-continue"
        scope = http_scope(self, version, method.decode("ascii"), self._extensions)
        turns.add(Cycle(turns, scope, keep_alive=persistent, expects_continue=expects))

    def on_body(self, body: bytes) -> None:
        turns = self._turns
        cycle = turns.latest
        if turns.deaf or cycle is None:
            return
        if self._rest is not None:
            self._rest += body
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
            return framing.target_too_long(limits)
        if len(self.headers) > limits.fields or (
            self._received > limits.head_bytes
            and sum(len(name) + len(value) + 4 for name, value in self.headers) > limits.head_bytes
        ):
            return framing.headers_too_large(limits)
        error = framing.flaw(version, method, self.url, fields, self.headers)
        host = fields.get(b"host")
        if error is None and host != self._host:
            # The same with almost every request of a connection.
            error = None if host is None or valid_host(host) else framing.bad_request("the Host is no host")
            self._host = host
        return error
