"""Finishes good answers: entity tag, the caller's conditions, compression."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.edge.exchange import Exchange
from gateway.edge.headers.compression import compress, compressible, preferred
from gateway.edge.headers.conditional import mismatch
from gateway.edge.headers.etags import ANY, Tag, TagError, parse
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
        """Sets the status, 200 or 304, and returns the headers with the body to send. Raises MeshError 412."""
        exchange.status = 200
        headers: Headers = [(b"content-type", media_type), _NO_STORE if tag is None else _REVALIDATE]
        if tag is not None and exchange.method in ("GET", "HEAD"):
            held = _held(tag, exchange.headers)
            if held is not None:
                exchange.status = 304
                return [*headers[1:], (b"etag", held), *self._vary(body, media_type)], b""
        coding = None
        if len(body) >= self.compress_from and compressible(media_type):
            headers.append(_VARY)
            coding = preferred(exchange.headers.get(b"accept-encoding", b""))
        if coding is not None:
            body = await compress(coding, body)
            headers.append((b"content-encoding", coding.name))
        if tag is not None:
            headers.append((b"etag", tag.written(coding.name if coding is not None else b"")))
        return headers, body

    def _vary(self, body: bytes, media_type: bytes) -> Headers:
        return [_VARY] if len(body) >= self.compress_from and compressible(media_type) else []


def _held(tag: Tag, headers: Mapping[bytes, bytes]) -> bytes | None:
    """Returns the tag that the caller has, as the caller wrote it; None if the answer is news. Raises MeshError 412."""
    if b"if-match" in headers and not any(each is ANY or each.same(tag) for each in _tags(headers[b"if-match"])):
        raise mismatch()
    for each in _tags(headers.get(b"if-none-match", b"")):
        if each is ANY:
            return tag.written()
        if each.alike(tag):
            # The caller keeps what it has under this tag, in whichever coding (RFC 9111, section 4.3.4).
            return each.written()
    return None


def _tags(header: bytes) -> list[Tag]:
    """Reads a condition; one that holds no tags matches nothing."""
    try:
        return parse(header)
    except TagError:
        return []
