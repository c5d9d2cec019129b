"""Puts together what is Rampart's own at the edge: the endpoints of OAuth, the pages, the words of its document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import BaseRoute

from gateway.calls.upstream import Upstream
from gateway.compile.plan import Plan
from gateway.describe.openapi.about import About, conventions
from gateway.describe.openapi.extension import DocumentExtension
from gateway.describe.product import Product
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard
from gateway.errors.places import HttpViolation
from gateway.product.home_page import HOME_PAGE
from gateway.product.identity.routes import identity_routes
from gateway.product.oauth.operations import OAUTH, OAUTH_OPERATIONS
from gateway.product.oauth.routes import discovery_routes, oauth_routes

__all__ = ["EXAMPLE_VIOLATION", "rampart"]

INTRODUCTION = Path(__file__).parent / "static" / "introduction.md"
SUMMARY = "Decides in milliseconds whether a transaction is fraud"
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}

EXAMPLE_VIOLATION = HttpViolation(
    "transaction_amount", "double.gte", "must be 0 or more", place="body", name="/transaction_amount"
)
"""What examples of errors complain about."""


def rampart(issuer: str = "", *, certificates: bool = False) -> Product:
    """Returns Rampart's part of the gateway. Raises OSError if one of its texts is missing.

    `issuer` is that of access tokens; the gateway describes it if that is its own URL. `certificates` says whether the
    gateway learns those of clients.
    """
    about = About("Rampart", SUMMARY, f"{INTRODUCTION.read_text()}\n{conventions(json_names=False)}", "v1", LICENSE)

    def routes(
        plan: Plan, upstream: Upstream, guard: Guard, bodies: BodyReader, public_url: str
    ) -> Sequence[BaseRoute]:
        # An issuer at another address is described by whoever answers there.
        described = discovery_routes(plan, issuer, certificates=certificates) if issuer == public_url else []
        parts = plan, upstream, guard, bodies, public_url
        return [*oauth_routes(*parts), *described, *identity_routes(*parts)]

    return Product(routes, DocumentExtension(about, OAUTH_OPERATIONS, OAUTH), HOME_PAGE)
