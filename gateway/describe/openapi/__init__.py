"""Generates the OpenAPI 3.1 document from the same plan as the routes."""

from __future__ import annotations

from gateway.describe.openapi.document import document, render

__all__ = ["document", "render"]
