"""Answers openings of WebSockets that are refused, with problem documents in place of plain text."""

from __future__ import annotations

import email.utils
import http

from websockets import http11
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.server import ServerProtocol

from gateway.errors.places import malformed
from gateway.errors.problem import MEDIA_TYPE, SAFE, phrase, problem
from gateway.server.refusal import count
from meshkit.errors import Kind, MeshError, internal

__all__ = ["Handshakes"]

# Heads are bounded before they come here (`Limits.head_bytes`). The library's own bound is narrower than ours.
http11.MAX_LINE_LENGTH = 1 << 16


class Handshakes(ServerProtocol):
    """The protocol of `websockets`, which calls `reject` for an opening that is not valid."""

    request_id = ""

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        if status == http.HTTPStatus.UPGRADE_REQUIRED:
            return self.refuse(
                MeshError(Kind.FAILED_PRECONDITION, "UPGRADE_REQUIRED", "the opening of a WebSocket is incomplete")
            )
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return self.refuse(internal())
        return self.refuse(malformed("header", "sec-websocket-key", "does not open a WebSocket (RFC 6455, 4.2.1)"))

    def refuse(self, error: MeshError) -> Response:
        """Returns the answer to an opening that is refused for this."""
        count(error.reason)
        status, own, body = problem(error, self.request_id)
        headers = [
            (b"content-type", MEDIA_TYPE),
            (b"x-request-id", self.request_id.encode()),
            (b"cache-control", b"no-store"),
            *SAFE,
            *own,
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        told = [(name.decode(), value.decode()) for name, value in headers]
        return Response(status, phrase(status), Headers([("date", email.utils.formatdate(usegmt=True)), *told]), body)
