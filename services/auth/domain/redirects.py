"""Checks redirect URIs of clients, which are later compared to the character (RFC 9700, section 2.1)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["redirect_fault"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# RFC 3986, section 2, without the fragment's "#"; a percent sign begins two hexadecimal digits.
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=]|%[0-9A-Fa-f]{2})+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def redirect_fault(uri: str) -> str:
    """Returns what is wrong with a redirect URI, as words after its name; empty if nothing is.

    Plain http is for programs on the person's own machine (RFC 8252, section 7.3).
    """
    if not _URI.fullmatch(uri):
        return "must be an absolute address without a fragment, a wildcard or other characters than addresses have"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "must be an absolute address"
    if parts.username is not None or not host or port == 0:
        return "must name a host, and no user"
    if parts.scheme == "http":
        return "" if host in LOOPBACK else "must be https, or http on a loopback address"
    if parts.scheme != "https":
        return "must be https, or http on a loopback address"
    return "" if _HOST.fullmatch(host) or ":" in host else "must name a host in lower case"
