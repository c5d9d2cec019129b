"""Adapts uvicorn's WebSocket protocol: quiet, uncompressed, with problem documents for refused openings.

Of uvicorn's implementations this one, on `websockets`, masks in C and stops reading while the application does.
"""

from __future__ import annotations

import http
import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.server import ServerProtocol

from gateway.errors.places import malformed
from gateway.errors.problem import phrase
from gateway.errors.render import ErrorRenderer
from meshkit.errors import Kind, MeshError

__all__ = ["WebSocketProtocol"]

# uvicorn would write a line with the query for each opening. There is an access line already.
_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)
# What a stranger can bring about at will is no error of ours: it has its access line or its close code.
_EXPECTED = ("Invalid UTF-8 sequence received", "ASGI callable returned without completing handshake")
_log.addFilter(lambda record: not record.getMessage().startswith(_EXPECTED))


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Serves one connection after its opening request was read."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **rest: Any) -> None:
        super().__init__(config, server_state, app_state, **rest)
        self.logger = _log
        self.conn = _Handshakes(max_size=config.ws_max_size, logger=_log)

    def handle_parser_exception(self) -> None:
        """Ends a connection that does not keep to the protocol. One that was never open has nothing to be told."""
        if self.conn.close_sent is None:
            self.transport.close()
        else:
            super().handle_parser_exception()


class _Handshakes(ServerProtocol):
    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        if status == http.HTTPStatus.UPGRADE_REQUIRED:
            error = MeshError(Kind.FAILED_PRECONDITION, "UPGRADE_REQUIRED", "the opening of a WebSocket is incomplete")
        else:
            error = malformed("header", "sec-websocket-key", "does not open a WebSocket (RFC 6455, section 4.2.1)")
        failure = ErrorRenderer().render(error, "")
        headers = Headers(
            {
                "content-type": failure.media_type.decode(),
                "content-length": str(len(failure.body)),
                "connection": "close",
            }
        )
        return Response(failure.status, phrase(failure.status), headers, failure.body)
