"""Pages behind the `type` of problem documents: one for each reason, and one that lists them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from gateway.catalogue import Reason, phrase

__all__ = ["list_page", "reason_page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{title} - Rampart</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/docs/docs.css">
  </head>
  <body class="plain">
    <h1>{title}</h1>
{body}
  </body>
</html>
"""
_CODE = re.compile(r"`([^`]*)`")


def reason_page(reason: Reason) -> bytes:
    """Returns the page of one reason."""
    facts = {
        "HTTP status": f"{reason.status} {phrase(reason.status)}",
        "gRPC code": f"`{reason.kind.name}`",
        "Comes with": reason.extras,
    }
    rows = [f"      <dt>{name}</dt>\n      <dd>{_text(value)}</dd>" for name, value in facts.items() if value]
    links = '    <p><a href="/problems">All reasons</a> · <a href="/docs">API</a></p>'
    body = [f"    <p>{_text(reason.words)}</p>", "    <dl>", *rows, "    </dl>", links]
    return _page(reason.name, body)


def list_page(reasons: Iterable[Reason]) -> bytes:
    """Returns the page that lists the reasons."""
    body = ["    <dl>"]
    for reason in reasons:
        body.append(f'      <dt><a href="/problems/{reason.slug}">{reason.name}</a> ({reason.status})</dt>')
        body.append(f"      <dd>{_text(reason.words)}</dd>")
    return _page("Reasons of errors", [*body, "    </dl>", '    <p><a href="/docs">API</a></p>'])


def _page(title: str, body: Iterable[str]) -> bytes:
    return _PAGE.format(title=html.escape(title), body="\n".join(body)).encode()


def _text(words: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(words))
