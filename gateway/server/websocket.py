"""Adapts uvicorn's WebSocket protocol: quiet, uncompressed, swept, with problem documents for refused openings.

Of uvicorn's implementations this one, on `websockets`, masks in C and stops reading while the application does.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.types import Message
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

from gateway.errors.places import malformed
from gateway.server.handshake import Handshakes
from gateway.server.places import HeldPlace
from gateway.server.reading import was_reset
from gateway.server.refusal import count
from gateway.server.watch import Watch
from meshkit.context import request_id
from meshkit.errors import Kind, MeshError, internal

__all__ = ["WebSocketProtocol"]

# uvicorn would write a line with the query for each opening. There is an access line already.
_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)
# What a stranger can bring about at will is no error of ours: it has its access line or its close code.
_EXPECTED = ("Invalid UTF-8 sequence received", "ASGI callable returned without completing handshake")
_log.addFilter(lambda record: not record.getMessage().startswith(_EXPECTED))

_ABNORMAL = 1006


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Serves one connection after its opening request was read, in the place that it took as it came."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], *, watch: Watch, place: HeldPlace
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.logger = _log
        self.conn = self._handshakes = Handshakes(max_size=config.ws_max_size, logger=_log)
        self._watch = watch
        self._place = place
        self._since = watch.tick
        self._stuck_since: int | None = None
        self._early = b""
        self._heard_all = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.leave(self, self._place)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated or self.handshake_complete:
            super().data_received(data)
            if not self.handshake_initiated and self.conn.handshake_exc is not None and not self.close_sent:
                # The library cannot read an opening that was let through, and tells nobody.
                self._refuse(malformed("header", "upgrade", "opens no WebSocket"))
                self.transport.close()
            return
        # A caller ought to wait for the answer to its opening (RFC 6455, section 4.1), and to bring no more than a few.
        self._early += data
        if len(self._early) > self._watch.limits.head_bytes:
            self.transport.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Goes on with what is answered, for as long as it is taken: the application knows that nothing more comes."""
        if not self._heard_all:
            self._heard_all = True
            told: Any = {"type": "websocket.disconnect", "code": _ABNORMAL, "half_closed": True}
            self.queue.put_nowait(told)
            if self.handshake_complete and not self.close_sent:
                self._probe()
        return not self.close_sent

    def _probe(self) -> None:
        """Sends pings that nobody can answer, but that are refused if nobody is there (see `check`)."""
        self.stop_keepalive()
        self.ping_timeout = None
        self.send_keepalive_ping()

    def pause_writing(self) -> None:
        self._stuck_since = self._watch.tick
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since = None
        super().resume_writing()

    def check(self, tick: int) -> None:
        """Ends what has lasted too long, or leads nowhere any more."""
        limits = self._watch.limits
        ending = self.close_sent or self.transport.is_closing()
        if not ending and self.handshake_complete:
            self._since = tick
        if self._heard_all and was_reset(self.transport):
            self.transport.abort()
        elif self._heard_all and self.close_sent:
            self.transport.close()
        if self._stuck_since is not None and tick - self._stuck_since > limits.stuck_seconds:
            count("STUCK")
            self.transport.abort()
        elif tick - self._since > limits.stuck_seconds:
            self.transport.abort()

    def shutdown(self) -> None:
        if self.handshake_complete or self.initial_response:
            super().shutdown()
            return
        self._refuse(MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "the process is stopping", retry_after=1))
        self.transport.close()

    def handle_connect(self, event: Request) -> None:
        self._handshakes.request_id = request_id(event.headers.get("X-Request-Id", "").encode("latin-1"))
        super().handle_connect(event)

    def handle_parser_exception(self) -> None:
        """Ends a connection that does not keep to the protocol. One that was never open has nothing to be told."""
        if self.conn.close_sent is None:
            self.transport.close()
        else:
            super().handle_parser_exception()

    def send_500_response(self) -> None:
        """Answers in place of an application that did not."""
        if not self.initial_response and not self.handshake_complete:
            self._refuse(internal())

    def _refuse(self, error: MeshError) -> None:
        self.handshake_complete = self.close_sent = True
        # Not by `send_response`, which fails once the library has ended its side.
        self.transport.write(self._handshakes.refuse(error).serialize())

    async def send(self, message: Message) -> None:  # type: ignore[override]
        await super().send(message)  # type: ignore[arg-type]
        if message["type"] == "websocket.accept" and not self.transport.is_closing():
            early, self._early = self._early, b""
            if self._heard_all:
                self._probe()
            if early:
                self.transport.resume_reading()
                self.data_received(early)
