"""Bytes that never change while the process runs, served from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Endpoint", "serve"]

Endpoint = Callable[[Request], Awaitable[Response]]


def serve(body: bytes, media_type: str, *, policy: str = "default-src 'none'") -> Endpoint:
    """Returns an endpoint that answers with `body`, or with 304 to who has it. `policy` is its content policy.

    Caches keep it but ask before they use it, so that the parts of a page are always of one version.
    """
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "etag": etag,
        "cache-control": "no-cache",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
    }

    async def endpoint(request: Request) -> Response:
        if _has(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media_type)

    return endpoint


def _has(if_none_match: str, etag: str) -> bool:
    """Compares weakly (RFC 9110, section 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in if_none_match.split(","))
