"""Knows where callers reach the gateway. It is told, never taken from a request: anyone can send any `Host`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["local_url", "public_url"]

_ANY_HOST = re.compile(r"0(?:\.0){0,3}|\[::\]|\*")
_HOST = re.compile(r"[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def public_url(text: str) -> str | None:
    """Returns a URL without the slash at its end; None if it is no http or https URL that a path can stand behind."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    path = parts.path.removesuffix("/")
    host = parts.netloc.removesuffix(f":{port}")
    whole = f"{parts.scheme}://{parts.netloc}{path}"
    good = parts.scheme in ("http", "https") and _HOST.fullmatch(host) and _PATH.fullmatch(path)
    return whole if good and text.strip() in (whole, f"{whole}/") else None


def local_url(listen: str) -> str:
    """Returns the URL of what listens at host:port, from the same machine."""
    host, _, port = listen.rpartition(":")
    if _ANY_HOST.fullmatch(host):
        host = "127.0.0.1"
    return f"http://{host}" if port == "80" else f"http://{host}:{port}"
