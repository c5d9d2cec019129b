"""Builds the FastAPI application beside the compiled routes: health, readiness, metrics and further routes.

Who prefers HTML, a person in a browser, gets pages; everybody else JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.edge.exchange import Exchange
from gateway.edge.metrics import Telemetry
from gateway.errors.problem import MEDIA_TYPE, http_status, own_headers
from gateway.errors.render import ErrorRenderer
from gateway.grammar.qualities import quality
from meshkit.errors import Kind, MeshError, internal
from meshkit.telemetry.admin import Readiness

__all__ = ["SitePages", "make_site"]

# Errors of the site itself carry no details.
_FAILURES = ErrorRenderer()
_ERRORS = {
    404: (Kind.NOT_FOUND, "ROUTE_NOT_FOUND", "no route matches the path"),
    405: (Kind.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", "the path exists, but not with this method"),
}
_HTML = "text/html; charset=utf-8"
_HEADERS = {"cache-control": "no-store", "vary": "accept"}
_PAGE_HEADERS = _HEADERS | {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


class SitePages(Protocol):
    """Makes pages for people."""

    def error(self, error: MeshError, request_id: str) -> bytes: ...

    def health(self) -> bytes: ...

    def ready(self, missing: Mapping[str, str]) -> bytes: ...


def make_site(
    readiness: Readiness, telemetry: Telemetry | None, pages: SitePages, more: Sequence[BaseRoute] = ()
) -> FastAPI:
    """Builds the application. `more` are further routes, for example the documentation.

    Metrics are shown to everybody if `telemetry` is given. They say what callers do, and how much of it.
    """
    probes = _Probes(readiness, pages)
    routes = [Route("/health", probes.health, name="health"), Route("/ready", probes.ready, name="ready"), *more]
    if telemetry is not None:
        routes.append(Route("/metrics", _metrics(telemetry), name="metrics"))
    failures = _Failures(pages)
    # A redirect to the path with or without its slash would be built from Host: a client that follows it sends its
    # secrets to whatever stands there, in clear.
    site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, routes=routes)
    site.add_exception_handler(HTTPException, failures.of_route)
    site.add_exception_handler(MeshError, failures.of_service)
    site.add_exception_handler(RequestValidationError, failures.of_input)
    site.add_exception_handler(Exception, failures.unexpected)
    return site


class _Probes:
    """Answers whether the process lives and whether it should get traffic."""

    def __init__(self, readiness: Readiness, pages: SitePages) -> None:
        self._readiness = readiness
        self._pages = pages

    async def health(self, request: Request) -> Response:
        if _prefers_pages(request, b"application/json"):
            return _page(self._pages.health())
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(self, request: Request) -> Response:
        missing = await self._readiness.recent()
        status = 503 if missing else 200
        if _prefers_pages(request, b"application/json"):
            return _page(self._pages.ready(missing), status)
        return JSONResponse({"ready": not missing, "missing": missing}, status, headers=_HEADERS)


class _Failures:
    """Answers with the errors of the site."""

    def __init__(self, pages: SitePages) -> None:
        self._pages = pages

    async def of_route(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind, reason, message = _ERRORS.get(
            error.status_code, (Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", HTTPStatus(error.status_code).phrase)
        )
        response = self._render(request, MeshError(kind, reason, message))
        if error.headers is not None and "Allow" in error.headers:
            response.headers["allow"] = error.headers["Allow"]
        return response

    async def of_service(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, MeshError)
        return self._render(request, error)

    async def of_input(self, request: Request, _: Exception) -> Response:
        return self._render(request, MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the request is not valid"))

    async def unexpected(self, request: Request, _: Exception) -> Response:
        return self._render(request, internal())

    def _render(self, request: Request, error: MeshError) -> Response:
        exchange: Exchange = request.state.exchange
        told = exchange.call.request_id
        if _prefers_pages(request, MEDIA_TYPE):
            status = http_status(error)
            own = {name.decode(): value.decode() for name, value in own_headers(error, status)}
            return _page(self._pages.error(error, told), status, own)
        failure = _FAILURES.render(error, told, exchange.headers.get(b"accept", b""))
        headers = {name.decode(): value.decode() for name, value in failure.headers} | _HEADERS
        return Response(failure.body, failure.status, headers=headers, media_type=failure.media_type.decode())


def _metrics(telemetry: Telemetry) -> Callable[[Request], object]:
    async def metrics(_: Request) -> Response:
        return Response(telemetry.scrape(), media_type=CONTENT_TYPE_LATEST)

    return metrics


def _prefers_pages(request: Request, instead: bytes) -> bool:
    """Tells whether HTML is more welcome than what programs get."""
    accept = request.headers.get("accept", "").encode("latin-1")
    return quality(accept, b"text/html") > max(quality(accept, instead), quality(accept, b"application/json"))


def _page(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers={**_PAGE_HEADERS, **(headers or {})}, media_type=_HTML)
