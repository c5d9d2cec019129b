"""The first page: for Rampart it leads to a first decision, for other services to their operations."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from gateway.describe.documentation.html_page import page
from gateway.describe.documentation.operations import Operation

__all__ = ["home_page"]

FIRST_CHECK = Path(__file__).parent / "first_check.html"
CHECK = "/api/v1/fraud-check"


def home_page(document: dict[str, Any], operations: Sequence[Operation]) -> bytes:
    """Returns the page for an OpenAPI document."""
    title = document["info"]["title"]
    check = document["paths"].get(CHECK, {}).get("post")
    if check is None:
        first = [f"<h1>{html.escape(title)}</h1>", f'<p class="lead">{html.escape(document["info"]["summary"])}.</p>']
        return page(title, title, [*first, *_listed(operations)])
    example = check["requestBody"]["content"]["application/json"]["example"]
    steps = FIRST_CHECK.read_text().replace("{{example}}", html.escape(json.dumps(example), quote=False))
    pretty = html.escape(json.dumps(example, indent=2), quote=False)
    body = steps.replace("{{pretty}}", pretty).rstrip()
    return page(title, title, [body, *_listed(operations)], scripts=["/docs/home.js"])


def _listed(operations: Iterable[Operation]) -> list[str]:
    lines = ["<h2>All operations</h2>"]
    for tag, group in groupby(operations, key=lambda operation: operation.tag):
        lines += [f"<h3>{html.escape(tag)}</h3>", '<ul class="operations">', *(each.item for each in group), "</ul>"]
    return lines
