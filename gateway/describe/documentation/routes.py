"""Makes the routes of the documentation: rendered once at start, served from memory, without the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.describe.catalogue import Reason
from gateway.describe.documentation.assets import Endpoint, serve
from gateway.describe.documentation.home_page import HomePage, home_page
from gateway.describe.documentation.html_page import page
from gateway.describe.documentation.operations import operations
from gateway.describe.documentation.problem_pages import list_page, reason_page
from gateway.describe.openapi import render
from gateway.describe.openapi.constraints import Schema

__all__ = ["Documentation"]

STATIC = Path(__file__).parent.parent / "static"
HTML = "text/html; charset=utf-8"
_CSS = "text/css; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"
_MEDIA_TYPES = {".css": _CSS, ".js": _SCRIPT, ".svg": "image/svg+xml"}
_ASSETS = (
    "docs/docs.css",
    "docs/docs.js",
    "site/frame.css",
    "site/icon.svg",
    "site/site.css",
    "swagger-ui/swagger-ui.css",
    "swagger-ui/swagger-ui-bundle.js",
)
_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY = f"{_NOTHING_ELSE}; style-src 'self'; img-src 'self' data:"
SCRIPT_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"


@dataclass(frozen=True, slots=True)
class Documentation:
    """The documentation of an API, rendered: applications may share it."""

    title: str
    routes: Sequence[BaseRoute]

    @classmethod
    def of(
        cls, described: Schema, reasons: Mapping[str, Reason], home: HomePage | None = None, *, origin: str = ""
    ) -> Documentation:
        """Renders /, /openapi.json, /docs with its parts, and /problems. Raises OSError if a part is missing.

        `described` is the OpenAPI document; `reasons` are those that the gateway itself gives, by name; `origin` is
        where callers reach it.
        """
        return cls(described["info"]["title"], _routes(described, reasons, home, origin))


def _routes(described: Schema, reasons: Mapping[str, Reason], home: HomePage | None, origin: str) -> list[BaseRoute]:
    listed = list(operations(described))
    name = described["info"]["title"]
    routes = {
        "/": serve(home_page(described, listed, home, origin=origin), HTML, policy=SCRIPT_POLICY),
        "/openapi.json": serve(render(described), "application/json"),
        "/docs": serve(_reference(name), HTML, policy=SCRIPT_POLICY),
        "/problems": serve(list_page(reasons.values(), name), HTML, policy=PAGE_POLICY),
        "/problems/{slug}": _problem_pages(described, reasons),
    }
    for file in [*(STATIC / path for path in _ASSETS), *(home.files if home is not None else ())]:
        routes[f"/docs/{file.name}"] = serve(file.read_bytes(), _MEDIA_TYPES[file.suffix])
    return [Route(path, endpoint) for path, endpoint in routes.items()]


def _reference(name: str) -> bytes:
    scripts, styles = ("swagger-ui-bundle.js", "docs.js"), ("swagger-ui.css", "docs.css")
    return page(
        "API",
        name,
        [(STATIC / "docs" / "reference.html").read_text().rstrip()],
        scripts=[f"/docs/{file}" for file in scripts],
        styles=[f"/docs/{file}" for file in styles],
        foreign=True,
    )


def _problem_pages(described: Schema, reasons: Mapping[str, Reason]) -> Endpoint:
    name = described["info"]["title"]
    listed = list(operations(described))
    pages = {
        reason.slug: serve(
            reason_page(reason, name, [each for each in listed if reason.name in each.reasons]),
            HTML,
            policy=PAGE_POLICY,
        )
        for reason in reasons.values()
    }

    async def of_slug(request: Request) -> Response:
        found = pages.get(request.path_params["slug"])
        if found is None:
            raise HTTPException(404)
        return await found(request)

    return of_slug
