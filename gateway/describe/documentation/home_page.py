"""Renders the first page: what a product begins it with, and the list of all operations."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from gateway.describe.documentation.html_page import page
from gateway.describe.documentation.operations import Operation
from gateway.describe.openapi.constraints import Schema

__all__ = ["HomePage", "home_page"]


@dataclass(frozen=True, slots=True)
class HomePage:
    """How a product begins its first page."""

    begin: Callable[[Schema, str], str]
    """Returns HTML for an OpenAPI document and the origin where callers reach it, such as http://127.0.0.1:8080."""
    files: Sequence[Path] = ()
    """Scripts (.js) and style sheets (.css) that the page loads. They are served below /docs by their names."""


def home_page(
    document: Schema, operations: Sequence[Operation], home: HomePage | None = None, *, origin: str = ""
) -> bytes:
    """Returns the page for an OpenAPI document. Without `home` it begins with the title and the summary."""
    title = document["info"]["title"]
    begin, files = (home.begin(document, origin), home.files) if home is not None else (_heading(document), ())
    paths = {suffix: [f"/docs/{file.name}" for file in files if file.suffix == suffix] for suffix in (".js", ".css")}
    return page(title, title, [begin, *_listed(operations)], scripts=paths[".js"], styles=paths[".css"])


def _heading(document: Schema) -> str:
    title, summary = (html.escape(document["info"][name]) for name in ("title", "summary"))
    return f'<h1>{title}</h1>\n<p class="lead">{summary}.</p>'


def _listed(operations: Iterable[Operation]) -> list[str]:
    lines = ["<h2>All operations</h2>"]
    for tag, group in groupby(operations, key=lambda operation: operation.tag):
        lines += [f"<h3>{html.escape(tag)}</h3>", '<ul class="operations">', *(each.item for each in group), "</ul>"]
    return lines
