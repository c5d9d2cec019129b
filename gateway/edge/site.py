"""Builds the FastAPI application beside the compiled routes: health, readiness, metrics and further routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.edge.exchange import Exchange
from gateway.edge.metrics import Telemetry
from gateway.errors.render import ErrorRenderer
from meshkit.errors import Kind, MeshError, internal
from meshkit.telemetry.admin import Readiness

__all__ = ["make_site"]

# Errors of the site itself carry no details.
_FAILURES = ErrorRenderer()
_ERRORS = {
    404: (Kind.NOT_FOUND, "ROUTE_NOT_FOUND", "no route matches the path"),
    405: (Kind.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", "the path exists, but not with this method"),
}


def make_site(readiness: Readiness, telemetry: Telemetry, more: Sequence[BaseRoute] = ()) -> FastAPI:
    """Builds the application. `more` are further routes, for example the documentation."""
    routes = [
        Route("/health", _health, name="health"),
        Route("/ready", _ready(readiness), name="ready"),
        Route("/metrics", _metrics(telemetry), name="metrics"),
        *more,
    ]
    site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, routes=routes)
    site.add_exception_handler(HTTPException, _http_error)
    site.add_exception_handler(RequestValidationError, _invalid)
    site.add_exception_handler(Exception, _unexpected)
    return site


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _ready(readiness: Readiness) -> Callable[[Request], object]:
    async def ready(_: Request) -> Response:
        missing = await readiness.missing()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    return ready


def _metrics(telemetry: Telemetry) -> Callable[[Request], object]:
    async def metrics(_: Request) -> Response:
        return Response(telemetry.scrape(), media_type=CONTENT_TYPE_LATEST)

    return metrics


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind, reason, message = _ERRORS.get(
        error.status_code, (Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", HTTPStatus(error.status_code).phrase)
    )
    response = _render(request, MeshError(kind, reason, message))
    if error.headers is not None and "Allow" in error.headers:
        response.headers["allow"] = error.headers["Allow"]
    return response


async def _invalid(request: Request, _: Exception) -> Response:
    return _render(request, MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the request is not valid"))


async def _unexpected(request: Request, _: Exception) -> Response:
    return _render(request, internal())


def _render(request: Request, error: MeshError) -> Response:
    exchange: Exchange = request.state.exchange
    failure = _FAILURES.render(error, exchange.call.request_id, exchange.headers.get(b"accept", b""))
    headers = {name.decode(): value.decode() for name, value in failure.headers} | {"cache-control": "no-store"}
    return Response(failure.body, failure.status, headers=headers, media_type=failure.media_type.decode())
