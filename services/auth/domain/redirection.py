"""Compares redirect URIs with those that are registered, and writes answers onto them (RFC 6749, 3.1.2 and 4.1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

__all__ = ["answer_uri", "on_own_machine", "origin_of", "redirects_to"]

# RFC 8252, section 7.3: a native app listens on whatever port it gets. `localhost` may be resolved elsewhere (8.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)", re.DOTALL)


def redirects_to(registered: Iterable[str], given: str) -> bool:
    """Tells whether the URI is registered, to the character; of a loopback address the port may be any."""
    wanted = _without_port(given)
    return any(given == each or (wanted is not None and wanted == _without_port(each)) for each in registered)


def answer_uri(redirect_uri: str, parameters: Mapping[str, str]) -> str:
    """Returns the URI with the parameters behind what it has of its own; those without a value are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"


def origin_of(redirect_uri: str) -> str:
    """Returns scheme, host and port of the URI: where a form of a page may lead."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def on_own_machine(redirect_uri: str) -> bool:
    """Tells whether a registered URI is of the machine on which the browser is: no other may be plain http."""
    return redirect_uri.startswith("http:")


def _without_port(uri: str) -> tuple[str, str] | None:
    """Splits a URI of a loopback address around its port; None for any other."""
    found = _LOOPBACK.fullmatch(uri)
    return (found[1], found[2]) if found else None
