"""Declares what a product hands to the gateway: routes, the words of its document, its first page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute

from gateway.calls.upstream import Upstream
from gateway.compile.plan import Plan
from gateway.describe.documentation.home_page import HomePage
from gateway.describe.openapi.extension import DocumentExtension
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard

__all__ = ["OwnRoutes", "Product"]

OwnRoutes = Callable[[Plan, Upstream, Guard, BodyReader, str], Sequence[BaseRoute]]
"""Makes routes that no binding describes. Their endpoints find the exchange in `request.state`.

The last argument is where callers reach the gateway, such as https://api.example.com.
"""


@dataclass(frozen=True, slots=True)
class Product:
    """What is a product's own at the edge. A gateway without one serves what the protos say and nothing else."""

    routes: OwnRoutes
    document: DocumentExtension
    home: HomePage
