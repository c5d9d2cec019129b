"""Offers the gateway as an ASGI application to servers that speak what ours does not, above all HTTP/2 and TLS.

    granian --interface asgi --http 2 gateway.asgi:app

It is put together when the server starts its lifespan, from the same settings as `python -m gateway`.
"""

from __future__ import annotations

import asyncio
import os

from starlette.types import Receive, Scope, Send

from gateway.app import Prepared, compose
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.pipeline import Pipeline
from gateway.edge.streams.registry import OpenStreams
from gateway.settings import GatewaySettings
from meshkit.collector import spare_collector
from meshkit.host import Host
from meshkit.settings import Reader, SettingsError
from meshkit.telemetry import logs
from meshkit.tracing import setup

__all__ = ["Application", "app"]


class Application:
    """Serves once the lifespan protocol has started it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._app: Pipeline | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("the server has not started the application: it must run the lifespan protocol")
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            settings = GatewaySettings.read(self._reader)
            setup.configure("gateway")
        except SettingsError as error:
            await send({"type": "lifespan.startup.failed", "message": f"cannot start: {error}"})
            return
        logs.configure("gateway", settings.mesh.log_level)
        streams = OpenStreams(settings.max_streams)
        async with Host("gateway") as host:
            self._app = await compose(
                host,
                settings,
                streams,
                Telemetry(access_log()),
                Prepared.make(settings),
            )
            spare_collector()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            host.readiness.draining = True
            await streams.drain()
        self._app = None
        await asyncio.to_thread(setup.shut_down)
        await send({"type": "lifespan.shutdown.complete"})


app = Application(Reader(os.environ))
