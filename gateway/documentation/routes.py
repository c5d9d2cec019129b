"""The routes of the documentation: made once at start, served from memory, without the network."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.catalogue import Reason, read_reasons
from gateway.documentation.assets import Endpoint, serve
from gateway.documentation.problem_pages import list_page, reason_page
from gateway.openapi import render
from gateway.plan import Plan

__all__ = ["documentation_routes"]

STATIC = Path(__file__).parent.parent / "static"
HTML = "text/html; charset=utf-8"
_ASSETS = {
    "docs/docs.css": "text/css; charset=utf-8",
    "docs/docs.js": "text/javascript; charset=utf-8",
    "swagger-ui/swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY = f"{_NOTHING_ELSE}; style-src 'self'; img-src data:"
DOCS_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"


def documentation_routes(plan: Plan) -> list[BaseRoute]:
    """Returns /openapi.json, /docs with its parts, and /problems. Raises OSError if a part is missing."""
    index = (STATIC / "docs" / "index.html").read_bytes()
    reasons = read_reasons(plan)
    routes = {
        "/openapi.json": serve(render(plan), "application/json"),
        "/docs": serve(index, HTML, policy=DOCS_POLICY),
        "/problems": serve(list_page(reasons.values()), HTML, policy=PAGE_POLICY),
        "/problems/{slug}": _problem_pages({reason.slug: reason for reason in reasons.values()}),
    }
    for name, media_type in _ASSETS.items():
        path = STATIC / name
        routes[f"/docs/{path.name}"] = serve(path.read_bytes(), media_type)
    return [Route(path, endpoint) for path, endpoint in routes.items()]


def _problem_pages(reasons: dict[str, Reason]) -> Endpoint:
    pages = {slug: serve(reason_page(reason), HTML, policy=PAGE_POLICY) for slug, reason in reasons.items()}

    async def page(request: Request) -> Response:
        found = pages.get(request.path_params["slug"])
        if found is None:
            raise HTTPException(404)
        return await found(request)

    return page
