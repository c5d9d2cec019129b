"""Tells forms of these pages from those that another site makes a browser send.

Two things must be right: the browser's own word about where the form stood, and a token that only a page of ours, shown
to this browser in this session, holds. Our pages tell browsers to send no referrer, and the forms of such pages come
with `Origin: null` (Fetch, "append a request Origin header"): then `Sec-Fetch-Site` alone says where they stood.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["form_token", "is_of_own_page", "own_origins", "same_token"]

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_UNSAID = (b"", b"null")


def own_origins(public_url: str) -> frozenset[bytes]:
    """Returns the origins at which the pages stand. This machine has several names."""
    parts = urlsplit(public_url)
    host, port = parts.netloc, ""
    if parts.port is not None:
        host, port = host.removesuffix(f":{parts.port}"), f":{parts.port}"
    hosts = _LOOPBACK if host in _LOOPBACK else (host,)
    return frozenset(f"{parts.scheme}://{each}{port}".lower().encode() for each in hosts)


def is_of_own_page(headers: Mapping[bytes, bytes], origins: frozenset[bytes]) -> bool:
    """Tells whether a request came from a page of ours, as its browser says. One that says nothing did not."""
    origin, site = headers.get(b"origin", b""), headers.get(b"sec-fetch-site")
    if site is None:
        return origin in origins
    return site == b"same-origin" and (origin in _UNSAID or origin in origins)


def form_token(secret: str, session: str) -> str:
    """Returns the token of the forms of a browser with this secret, in this session; 64 hexadecimal digits."""
    return hmac.new(secret.encode(), f"form\0{session}".encode(), hashlib.sha256).hexdigest()


def same_token(given: str, secret: str, session: str) -> bool:
    """Tells, in constant time, whether a token is that of a browser and session."""
    return bool(secret) and hmac.compare_digest(given.encode(), form_token(secret, session).encode())
