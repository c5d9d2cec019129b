"""Puts together what is Rampart's own at the edge: the token endpoint, the words of its document, its first page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import BaseRoute, Route

from gateway.calls.upstream import Upstream
from gateway.compile.plan import Plan
from gateway.describe.openapi.about import About, conventions
from gateway.describe.openapi.extension import DocumentExtension
from gateway.describe.product import Product
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard
from gateway.errors.places import HttpViolation
from gateway.product.home_page import HOME_PAGE
from gateway.product.oauth import ISSUE_TOKEN, TOKEN_PATH, TokenEndpoint
from gateway.product.token_operation import CLIENT_CREDENTIALS, TOKEN_OPERATION

__all__ = ["EXAMPLE_VIOLATION", "rampart"]

INTRODUCTION = Path(__file__).parent / "static" / "introduction.md"
SUMMARY = "Decides in milliseconds whether a transaction is fraud"
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}

EXAMPLE_VIOLATION = HttpViolation(
    "transaction_amount", "double.gte", "must be 0 or more", place="body", name="/transaction_amount"
)
"""What examples of errors complain about."""


def rampart() -> Product:
    """Returns Rampart's part of the gateway. Raises OSError if one of its texts is missing."""
    about = About("Rampart", SUMMARY, f"{INTRODUCTION.read_text()}\n{conventions(json_names=False)}", "v1", LICENSE)
    return Product(_routes, DocumentExtension(about, [TOKEN_OPERATION], CLIENT_CREDENTIALS), HOME_PAGE)


def _routes(plan: Plan, upstream: Upstream, guard: Guard, bodies: BodyReader) -> Sequence[BaseRoute]:
    endpoint = TokenEndpoint(plan.methods[ISSUE_TOKEN], upstream, guard, bodies)
    return [Route(TOKEN_PATH, endpoint.issue, methods=["POST"], name="token")]
