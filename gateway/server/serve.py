"""Runs uvicorn's server on the loop that is there, and drains it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from gateway.server.connection import HttpConnection
from gateway.server.limits import Limits
from gateway.server.listener import Listener
from gateway.server.places import KeyOf, each_address
from gateway.server.watch import Watch
from gateway.server.websocket import WebSocketProtocol

__all__ = ["HttpServer", "bind"]

PING_SECONDS = 20.0


def bind(listen: str, *, shared: bool) -> socket.socket:
    """Returns a socket on host:port, which other workers can share if told so. Raises OSError if the port is taken."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
    return listener


async def nothing_to_drain() -> None:
    """Ends no streams: there are none."""


class HttpServer:
    """Serves an ASGI application on host:port. Drains at the end: no new connections, then the last answer.

    `drain` ends what would not end by itself. A message over a WebSocket has at most `max_message` bytes. Connections
    are counted by what `key_of` says of their address. A `shared` port is one for several workers.
    """

    def __init__(
        self,
        app: Any,
        listen: str,
        *,
        drain_seconds: int,
        limits: Limits = Limits(),
        max_message: int = 1 << 20,
        drain: Callable[[], Awaitable[None]] = nothing_to_drain,
        key_of: KeyOf = each_address,
        shared: bool = False,
    ) -> None:
        self._listen = listen
        self._drain = drain
        self._shared = shared
        self._watch = Watch(limits, key_of=key_of)
        self._config = uvicorn.Config(
            app,
            loop="none",
            http=HttpConnection,
            ws=WebSocketProtocol,
            ws_max_size=max_message,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=drain_seconds,
        )

    async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
        """Serves until `stopping` returns, then drains: returns when the last call is answered. Raises OSError."""
        config = self._config
        server = uvicorn.Server(config)
        # Signals belong to the process (see meshkit.host), not to uvicorn.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        config.load()
        state = server.server_state
        listener = Listener(
            bind(self._listen, shared=self._shared),
            lambda: HttpConnection(config, state, {}, watch=self._watch),
        )
        serving = asyncio.create_task(server.serve(sockets=[]))
        watching = asyncio.create_task(self._watch.run())
        stop = asyncio.ensure_future(stopping())
        await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        listener.close()
        await self._drain()
        server.should_exit = True
        await serving
        watching.cancel()
