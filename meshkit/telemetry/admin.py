"""Serves the admin port for probes and scrapes, which cannot do mTLS: /health, /ready and /metrics, plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["NotReadyError", "Readiness", "ReadinessCheck", "admin_app", "serve_admin"]

ReadinessCheck = Callable[[], Awaitable[None]]
"""Raises if a dependency cannot be used."""

CHECK_TIMEOUT = 2.0
BACKLOG = 128


class NotReadyError(Exception):
    """Raised by a check that says itself what is wrong, in words without addresses or secrets."""


class Readiness:
    """Knows whether the process should get traffic, and what is missing if not."""

    def __init__(self, checks: Mapping[str, ReadinessCheck]) -> None:
        self._checks = dict(checks)
        self.draining = False

    def add(self, name: str, check: ReadinessCheck) -> None:
        """Adds a check. Raises ValueError for a name that is taken."""
        if name in self._checks:
            raise ValueError(f"there is a check {name!r} already")
        self._checks[name] = check

    async def missing(self) -> dict[str, str]:
        """Returns what is missing by name, in words without addresses or secrets."""
        if self.draining:
            return {"process": "is shutting down"}
        results = await asyncio.gather(*[self._run(check) for check in self._checks.values()])
        return {name: found for name, found in zip(self._checks, results, strict=True) if found}

    async def _run(self, check: ReadinessCheck) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                await check()
        except TimeoutError:
            return "does not answer"
        except NotReadyError as error:
            return str(error)
        except Exception as error:
            return f"cannot be reached ({type(error).__name__})"
        return ""


def admin_app(readiness: Readiness, metrics: Callable[[], bytes] = generate_latest) -> Starlette:
    """Returns the application behind the admin port."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        missing = await readiness.missing()
        body = {"ready": not missing, "missing": missing}
        return JSONResponse(body, status_code=503 if missing else 200)

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", scrape)])


@contextlib.asynccontextmanager
async def serve_admin(listen: str, app: Starlette) -> AsyncIterator[None]:
    """Serves the admin port (host:port) while the block runs. Raises OSError if it cannot listen there."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # Signals belong to the process (see meshkit.host), not to this port.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    # Bound here: uvicorn would end the process if it cannot.
    task = asyncio.create_task(server.serve(sockets=[_bound(listen)]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
