"""The routes of the documentation: made once at start, served from memory, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.compile.plan import Plan
from gateway.describe.catalogue import own_reasons
from gateway.describe.documentation.assets import Endpoint, serve
from gateway.describe.documentation.operations import operations
from gateway.describe.documentation.problem_pages import list_page, reason_page
from gateway.describe.openapi import document, render
from gateway.product.home_page import home_page

__all__ = ["documentation_routes"]

STATIC = Path(__file__).parent.parent / "static"
HTML = "text/html; charset=utf-8"
_CSS = "text/css; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"
_ASSETS = {
    "docs/docs.css": _CSS,
    "docs/docs.js": _SCRIPT,
    "site/home.js": _SCRIPT,
    "site/icon.svg": "image/svg+xml",
    "site/site.css": _CSS,
    "swagger-ui/swagger-ui.css": _CSS,
    "swagger-ui/swagger-ui-bundle.js": _SCRIPT,
}
_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY = f"{_NOTHING_ELSE}; style-src 'self'; img-src 'self' data:"
SCRIPT_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"


def documentation_routes(plan: Plan) -> list[BaseRoute]:
    """Returns /, /openapi.json, /docs with its parts, and /problems. Raises OSError if a part is missing."""
    described = document(plan)
    listed = list(operations(described))
    name = described["info"]["title"]
    routes = {
        "/": serve(home_page(described, listed), HTML, policy=SCRIPT_POLICY),
        "/openapi.json": serve(render(described), "application/json"),
        "/docs": serve((STATIC / "docs" / "index.html").read_bytes(), HTML, policy=SCRIPT_POLICY),
        "/problems": serve(list_page(own_reasons().values(), name), HTML, policy=PAGE_POLICY),
        "/problems/{slug}": _problem_pages(described),
    }
    for path, media_type in _ASSETS.items():
        found = STATIC / path
        routes[f"/docs/{found.name}"] = serve(found.read_bytes(), media_type)
    return [Route(path, endpoint) for path, endpoint in routes.items()]


def _problem_pages(described: dict[str, Any]) -> Endpoint:
    name = described["info"]["title"]
    listed = list(operations(described))
    pages = {
        reason.slug: serve(
            reason_page(reason, name, [each for each in listed if reason.name in each.reasons]),
            HTML,
            policy=PAGE_POLICY,
        )
        for reason in own_reasons().values()
    }

    async def page(request: Request) -> Response:
        found = pages.get(request.path_params["slug"])
        if found is None:
            raise HTTPException(404)
        return await found(request)

    return page
