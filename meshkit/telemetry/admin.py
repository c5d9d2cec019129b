"""Serves the admin port for probes and scrapes, which cannot do mTLS: /health, /ready and /metrics, plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from meshkit.ids import uuid7
from meshkit.telemetry.admin_connection import AdminConnection

__all__ = ["NotReadyError", "Readiness", "ReadinessCheck", "admin_app", "serve_admin"]

ReadinessCheck = Callable[[], Awaitable[None]]
"""Raises if a dependency cannot be used."""

CHECK_TIMEOUT = 2.0
READY_SECONDS = 1.0
"""For so long strangers are told the same, however many want to know."""
MISSING_SECONDS = 0.2
"""The same for what is missing, for which somebody may be waiting."""
BACKLOG = 128


class NotReadyError(Exception):
    """Raised by a check that says itself what is wrong, in words without addresses or secrets."""


class Readiness:
    """Knows whether the process should get traffic, and what is missing if not."""

    def __init__(self, checks: Mapping[str, ReadinessCheck]) -> None:
        self._checks = dict(checks)
        self._warnings: dict[str, ReadinessCheck] = {}
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._asked_at = 0.0
        self._keep = 0.0
        self.draining = False

    def add(self, name: str, check: ReadinessCheck) -> None:
        """Adds a check. Raises ValueError for a name that is taken."""
        if name in self._checks:
            raise ValueError(f"there is a check {name!r} already")
        self._checks[name] = check

    def warn(self, name: str, check: ReadinessCheck) -> None:
        """Adds a check of something that somebody has to mend, and without which the process serves all the same."""
        self._warnings[name] = check

    async def missing(self) -> dict[str, str]:
        """Returns what is missing by name, in words without addresses or secrets."""
        if self.draining:
            return {"process": "is shutting down"}
        return await self._found(self._checks)

    async def warnings(self) -> dict[str, str]:
        """Returns what is to be mended by name, in such words."""
        return await self._found(self._warnings)

    async def _found(self, checks: Mapping[str, ReadinessCheck]) -> dict[str, str]:
        results = await asyncio.gather(*[self._run(check) for check in checks.values()])
        return {name: found for name, found in zip(checks, results, strict=True) if found}

    async def shared(self) -> dict[str, str]:
        """Returns what is missing now. All that ask at once are answered by one round of checks."""
        if self.draining:
            return await self.missing()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def recent(self) -> dict[str, str]:
        """Returns what `shared` has found within the last second: for strangers, who may ask as often as they like."""
        known = self._asking
        if known is None or not known.done() or self.draining or time.monotonic() - self._asked_at >= self._keep:
            return await self.shared()
        return known.result()

    async def _ask(self) -> dict[str, str]:
        found = await self.missing()
        self._asked_at, self._keep = time.monotonic(), MISSING_SECONDS if found else READY_SECONDS
        return found

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
        missing, warnings = await readiness.shared(), await readiness.warnings()
        body = {"ready": not missing, "missing": missing} | ({"warnings": warnings} if warnings else {})
        return JSONResponse(body, status_code=503 if missing else 200)

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/health", health), Route("/ready", ready), Route("/metrics", scrape)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused})
    # A redirect would be built from Host, thus lead wherever the caller says.
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """Answers with a problem document (RFC 9457) what has no route."""
    assert isinstance(error, HTTPException)
    request_id = str(uuid7())
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": f"the admin port has {', '.join(route.path for route in request.app.routes)}, to GET",
        "request_id": request_id,
    }
    headers = {**(error.headers or {}), "x-request-id": request_id, "cache-control": "no-store"}
    return JSONResponse(problem, error.status_code, headers, media_type="application/problem+json")


@contextlib.asynccontextmanager
async def serve_admin(listen: str, app: Starlette) -> AsyncIterator[None]:
    """Serves the admin port (host:port) while the block runs. Raises OSError if it cannot listen there."""
    config = uvicorn.Config(
        app,
        http=AdminConnection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        server_header=False,
        headers=[("x-content-type-options", "nosniff"), ("cache-control", "no-store")],
    )
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
