"""Serves the documentation: the OpenAPI document, a page to try it, and a page for each error."""

from __future__ import annotations

from gateway.describe.documentation.browser_pages import BrowserPages
from gateway.describe.documentation.routes import Documentation

__all__ = ["BrowserPages", "Documentation"]
