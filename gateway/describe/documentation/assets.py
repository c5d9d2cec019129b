"""Serves static bytes from memory, with an ETag, compressed for who accepts it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.exchange import Exchange
from gateway.edge.headers.compression import Coding, preferred
from gateway.edge.headers.etags import hashed
from gateway.edge.headers.preconditions import unchanged

__all__ = ["COMPRESS_FROM", "Endpoint", "serve"]

Endpoint = Callable[[Request], Awaitable[Response]]

COMPRESS_FROM = 1024
"""Bytes. Less does not gain a packet."""


def serve(body: bytes, media_type: str, *, policy: str = "default-src 'none'") -> Endpoint:
    """Returns an endpoint that answers with `body`, or with 304 to who has it. `policy` is its content policy.

    The endpoint raises MeshError 412 for another state than the caller asks for.

    Caches keep it but ask before they use it, so that the parts of a page are always of one version. Each coding is
    made when it is asked for first.
    """
    tag = hashed(body)
    common = {
        "cache-control": "no-cache",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "vary": "accept-encoding",
    }
    variants: dict[bytes, bytes] = {b"": body}

    async def endpoint(request: Request) -> Response:
        exchange: Exchange = request.state.exchange
        coding = _coding(exchange, len(body))
        name = coding.name if coding is not None else b""
        etag = tag.written(name)
        headers = common | {"etag": etag.decode()}
        if unchanged(exchange.headers, etag):
            return Response(status_code=304, headers=headers)
        if coding is not None:
            headers["content-encoding"] = name.decode()
            if name not in variants:
                variants[name] = await asyncio.to_thread(coding.small, body)
        return Response(variants[name], headers=headers, media_type=media_type)

    return endpoint


def _coding(exchange: Exchange, size: int) -> Coding | None:
    return preferred(exchange.headers.get(b"accept-encoding", b"") if size >= COMPRESS_FROM else b"")
