"""Finishes good answers: entity tag, the caller's conditions, compression."""

from __future__ import annotations

from gateway.edge.exchange import Exchange
from gateway.edge.headers.compression import compress, compressible, preferred
from gateway.edge.headers.etags import Tag
from gateway.edge.headers.preconditions import unchanged
from gateway.errors.problem import Headers

__all__ = ["JSON", "Answers"]

JSON = b"application/json"

_REVALIDATE = (b"cache-control", b"private, no-cache")
_NO_STORE = (b"cache-control", b"no-store")
_VARY = (b"vary", b"accept-encoding")


class Answers:
    """Finishes answers. Bodies of at least `compress_from` bytes are compressed for who accepts it; 0 means none."""

    def __init__(self, *, compress_from: int = 1024) -> None:
        self.compress_from = compress_from or 1 << 62

    async def finish(
        self, exchange: Exchange, body: bytes, tag: Tag | None, media_type: bytes = JSON
    ) -> tuple[Headers, bytes]:
        """Sets the status, 200 if there is none or 304, and returns headers and body. Raises MeshError 412.

        A 304 has the validators of the 200 in its stead (RFC 9110, section 15.4.5).
        """
        exchange.status = exchange.status or 200
        headers: Headers = [_cache_control(exchange, tag)]
        coding = None
        if len(body) >= self.compress_from and compressible(media_type):
            headers.append(_VARY)
            coding = preferred(exchange.headers.get(b"accept-encoding", b""))
        etag = tag.written(coding.name if coding is not None else b"") if tag is not None else None
        if etag is not None:
            headers.append((b"etag", etag))
        if exchange.method in ("GET", "HEAD") and unchanged(exchange.headers, etag):
            exchange.status = 304
            return headers, b""
        if coding is not None:
            body = await compress(coding, body)
            headers.append((b"content-encoding", coding.name))
        return [(b"content-type", media_type), *headers], body


def _cache_control(exchange: Exchange, tag: Tag | None) -> tuple[bytes, bytes]:
    """Tells who may keep an answer, and for how long (RFC 9111, section 5.2.2)."""
    if tag is None:
        return _NO_STORE
    max_age = exchange.endpoint.policy.max_age if exchange.endpoint is not None else 0.0
    if max_age and exchange.method in ("GET", "HEAD"):
        return b"cache-control", b"public, max-age=%d" % max_age
    return _REVALIDATE
