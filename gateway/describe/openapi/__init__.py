"""Generates the OpenAPI 3.1 document from the same plan as the routes."""

from __future__ import annotations

from gateway.describe.openapi.document import LOCAL_URL, document, render

__all__ = ["LOCAL_URL", "document", "render"]
