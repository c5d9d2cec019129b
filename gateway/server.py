"""uvicorn as this process runs it: on the loop that is there, with the process's own signals, drained at the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.problems import MEDIA_TYPE, problem
from meshkit.admin import Readiness
from meshkit.errors import Kind, MeshError
from meshkit.runtime import stop_requested

__all__ = ["bind", "serve_http"]

KEEP_ALIVE_SECONDS = 75
BACKLOG = 4096


class Protocol(HttpToolsProtocol):
    """Answers what is not HTTP in the shape of every other error."""

    def send_400_response(self, msg: str) -> None:
        error = MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the request is not valid HTTP/1.1")
        _, _, body = problem(error, "")
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (MEDIA_TYPE, len(body)) + body)
        self.transport.close()


def bind(listen: str) -> socket.socket:
    """Returns a socket on host:port that other workers can share. Raises OSError if the port is taken."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
    return listener


async def serve_http(app: Any, listen: str, readiness: Readiness, *, drain_seconds: int) -> None:
    """Serves until the process is asked to stop: not ready any more, then no new connections, then the last answer."""
    config = uvicorn.Config(
        app,
        loop="none",
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
        backlog=BACKLOG,
    )
    server = uvicorn.Server(config)
    # Signals belong to the process (see meshkit.runtime), not to uvicorn.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[bind(listen)]))
    stopping = asyncio.create_task(stop_requested())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    readiness.draining = True
    server.should_exit = True
    await serving
