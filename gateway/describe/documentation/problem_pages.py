"""Renders the pages behind the `type` of problem documents: one for each reason, and one that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from gateway.describe.catalogue import Reason, phrase
from gateway.describe.documentation.html_page import inline, page, shown
from gateway.describe.documentation.operations import Operation
from gateway.describe.openapi.headers import EXAMPLE_REQUEST_ID
from gateway.errors import status as statuses
from gateway.errors.render import ErrorRenderer

__all__ = ["list_page", "reason_page"]

_STATUS = statuses.MEDIA_TYPE + b", application/problem+json;q=0.5"
"""Makes more of a status than of a problem document."""


def reason_page(reason: Reason, name: str, operations: Sequence[Operation]) -> bytes:
    """Returns the page of one reason. `operations` are those that can answer with it."""
    facts = {
        "HTTP status": f"{reason.status} {phrase(reason.status)}",
        "gRPC code": f"`{reason.kind.name}`",
        "Comes with": reason.extras,
        "What to do": reason.remedy,
    }
    rows = [f"<dt>{key}</dt><dd>{inline(value)}</dd>" for key, value in facts.items() if value]
    body = [
        f"<h1><code>{reason.name}</code></h1>",
        f'<p class="lead">{inline(reason.words)}</p>',
        '<dl class="facts">',
        *rows,
        "</dl>",
        "<h2>How it looks</h2>",
        "<p>As <code>application/problem+json</code>:</p>",
        _example(reason, b""),
        f"<p>With <code>Accept: {_STATUS.decode()}</code>, as <code>google.rpc.Status</code>:</p>",
        _example(reason, _STATUS),
    ]
    if operations:
        body += ["<h2>Where it occurs</h2>", '<ul class="operations">', *(each.item for each in operations), "</ul>"]
    return page(reason.name, name, [*body, '<p><a href="/problems">All reasons</a></p>'])


def list_page(reasons: Iterable[Reason], name: str) -> bytes:
    """Returns the page that lists the reasons by HTTP status."""
    body = [
        "<h1>Errors</h1>",
        '<p class="lead">Every error has a stable <code>reason</code>: programs go by it, and it has a page here.</p>',
    ]
    for status, group in groupby(sorted(reasons, key=lambda each: each.status), key=lambda each: each.status):
        body += [f'<h2 id="s{status}">{status} {phrase(status)}</h2>', '<dl class="reasons">']
        for reason in group:
            body.append(f'<dt><a href="/problems/{reason.slug}"><code>{reason.name}</code></a></dt>')
            body.append(f"<dd>{inline(reason.words)}</dd>")
        body.append("</dl>")
    return page("Errors", name, body)


def _example(reason: Reason, accept: bytes) -> str:
    told = ErrorRenderer().render(reason.error(), EXAMPLE_REQUEST_ID, accept)
    return shown(json.loads(told.body), f"{reason.name} as {told.media_type.decode()}")
