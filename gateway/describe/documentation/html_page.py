"""Renders the HTML that the pages of the gateway share: the frame, inline code, blocks of code."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["code", "inline", "page", "shown"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{title}</title>
    <link rel="icon" href="/docs/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/docs/frame.css">{styles}
  </head>
  <body>
    <header>
      <nav aria-label="Main">
        <a class="brand" href="/"><img src="/docs/icon.svg" alt="" width="22" height="22">{name}</a>
        <a href="/docs">API</a>
        <a href="/problems">Errors</a>
        <a href="/ready">Health</a>
      </nav>
    </header>
    <main{width}>
{body}
    </main>{scripts}
  </body>
</html>
"""
_CODE = re.compile(r"`([^`]*)`")


def page(
    title: str,
    name: str,
    body: Iterable[str],
    *,
    scripts: Iterable[str] = (),
    styles: Iterable[str] = (),
    foreign: bool = False,
) -> bytes:
    """Returns a page. `name` is what the gateway serves; lines of `body` are HTML, title and name are text.

    `scripts` and `styles` are paths of what the page loads besides. A `foreign` one has a body of somebody else's, with
    styles of its own and as wide as the window.
    """
    own = () if foreign else ("/docs/site.css",)
    return _PAGE.format(
        title=html.escape(title if title == name else f"{title} - {name}"),
        name=html.escape(name),
        body="\n".join(body),
        width=' class="wide"' if foreign else "",
        styles="".join(f'\n    <link rel="stylesheet" href="{html.escape(path)}">' for path in (*own, *styles)),
        scripts="".join(f'\n    <script src="{html.escape(path)}"></script>' for path in scripts),
    ).encode()


def inline(words: str) -> str:
    """Returns text as HTML, with what stands between backquotes as code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(words, quote=False))


def code(text: str, label: str) -> str:
    """Returns text that is shown as it is, in a region that the keyboard can scroll."""
    return f'<pre tabindex="0" aria-label="{html.escape(label)}"><code>{html.escape(text, quote=False)}</code></pre>'


def shown(value: Any, label: str) -> str:
    """Returns a JSON value as people read it."""
    return code(json.dumps(value, indent=2, ensure_ascii=False), label)
