"""Renders what a person sees in a browser where a program gets JSON: errors of the site, and health."""

from __future__ import annotations

import html
from collections.abc import Mapping

from gateway.describe.documentation.html_page import code, page
from gateway.errors.problem import http_status, phrase
from meshkit.errors import MeshError

__all__ = ["BrowserPages"]

_WAYS = (
    '<p>From here: <a href="/">the first page</a>, <a href="/docs">the API</a>, <a href="/problems">all errors</a>.</p>'
)


class BrowserPages:
    """Makes pages in the frame of all others. `name` is what the gateway serves."""

    def __init__(self, name: str) -> None:
        self._name = name

    def error(self, error: MeshError, request_id: str) -> bytes:
        """Returns the page of an error."""
        status = http_status(error)
        slug = error.reason.lower().replace("_", "-")
        return self._page(
            f"{status} {phrase(status)}",
            [
                f'<p class="lead">{html.escape(error.message[:1].upper() + error.message[1:])}.</p>',
                f'<p>Programs know this error as <a href="/problems/{slug}"><code>{error.reason}</code></a>.</p>',
                "<p>Name this identifier when you ask about it:</p>",
                code(request_id, "Request identifier"),
            ],
        )

    def health(self) -> bytes:
        """Returns the page of a process that lives."""
        return self._page("Alive", ['<p class="lead">This process answers. <a href="/ready">Is it ready?</a></p>'])

    def ready(self, missing: Mapping[str, str]) -> bytes:
        """Returns the page of what is missing, by name."""
        if not missing:
            return self._page("Ready", ['<p class="lead">Everything that the gateway needs is there.</p>'])
        rows = [f"<dt>{html.escape(name)}</dt><dd>{html.escape(words)}</dd>" for name, words in missing.items()]
        return self._page(
            "Not ready", ['<p class="lead">Something is missing.</p>', '<dl class="facts">', *rows, "</dl>"]
        )

    def _page(self, title: str, body: list[str]) -> bytes:
        return page(title, self._name, [f"<h1>{html.escape(title)}</h1>", *body, _WAYS])
