"""Serves static bytes from memory, with an ETag, compressed for who accepts it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.headers.compression import Coding, preferred

__all__ = ["COMPRESS_FROM", "Endpoint", "serve"]

Endpoint = Callable[[Request], Awaitable[Response]]

COMPRESS_FROM = 1024
"""Bytes. Less does not gain a packet."""


def serve(body: bytes, media_type: str, *, policy: str = "default-src 'none'") -> Endpoint:
    """Returns an endpoint that answers with `body`, or with 304 to who has it. `policy` is its content policy.

    Caches keep it but ask before they use it, so that the parts of a page are always of one version. Each coding is
    made when it is asked for first.
    """
    digest = hashlib.sha256(body).hexdigest()[:32]
    common = {
        "cache-control": "no-cache",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "vary": "accept-encoding",
    }
    variants: dict[bytes, bytes] = {b"": body}

    async def endpoint(request: Request) -> Response:
        coding = _coding(request, len(body))
        name = coding.name if coding is not None else b""
        headers = common | {"etag": f'"{digest}{"-" if name else ""}{name.decode()}"'}
        if _has(request.headers.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers=headers)
        if coding is not None:
            headers["content-encoding"] = name.decode()
            if name not in variants:
                variants[name] = await asyncio.to_thread(coding.small, body)
        return Response(variants[name], headers=headers, media_type=media_type)

    return endpoint


def _coding(request: Request, size: int) -> Coding | None:
    accepted = request.headers.get("accept-encoding", "") if size >= COMPRESS_FROM else ""
    return preferred(accepted.encode("latin-1"))


def _has(if_none_match: str, etag: str) -> bool:
    """Compares weakly (RFC 9110, section 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in if_none_match.split(","))
