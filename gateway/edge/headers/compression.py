"""Negotiates content codings (RFC 9110, section 12.5.3) and compresses answers.

What is compressed holds no secret of the edge beside what a caller chose: tokens are never compressed, and no answer
depends on credentials that a browser adds by itself, so that the guesses of BREACH have nothing to measure.
"""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import brotli

from gateway.grammar.qualities import weighted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Coding", "compress", "compressible", "preferred"]

THREAD_BYTES = 64 << 10
"""From here on a thread compresses: the event loop has other requests."""

_TEXT = re.compile(
    rb"text/|image/svg|application/(?:(?:[a-z0-9.!#$&^_-]+\+)?(?:json|xml)|javascript|x-ndjson|yaml|wasm|x-protobuf|protobuf)"
)


class Coding(NamedTuple):
    """A content coding: fast for an answer that is made now, small for one that is made once."""

    name: bytes
    fast: Callable[[bytes], bytes]
    small: Callable[[bytes], bytes]


def _gzip(level: int) -> Callable[[bytes], bytes]:
    def compress(body: bytes) -> bytes:
        # 31: a gzip header without a time, so that equal bodies stay equal.
        writer = zlib.compressobj(level, zlib.DEFLATED, 31)
        return writer.compress(body) + writer.flush()

    return compress


_CODINGS = {
    b"zstd": Coding(b"zstd", lambda body: zstd.compress(body, 3), lambda body: zstd.compress(body, 15)),
    b"br": Coding(
        b"br",
        lambda body: bytes(brotli.compress(body, quality=4)),
        lambda body: bytes(brotli.compress(body, quality=9)),
    ),
    b"gzip": Coding(b"gzip", _gzip(5), _gzip(9)),
}
"""In the order in which the edge prefers them."""


@lru_cache(maxsize=256)
def preferred(accept_encoding: bytes) -> Coding | None:
    """Returns the coding that a caller likes best, None if the answer should go as it is."""
    wanted = dict(weighted(accept_encoding.replace(b"x-gzip", b"gzip")))
    rest = wanted.get(b"*", 0.0)
    best = max(_CODINGS.values(), key=lambda coding: wanted.get(coding.name, rest))
    quality = wanted.get(best.name, rest)
    return best if quality > 0 and quality >= wanted.get(b"identity", 0.0) else None


def compressible(media_type: bytes) -> bool:
    """Tells whether a media type is text rather than something that is compressed already."""
    return _TEXT.match(media_type.lower()) is not None


async def compress(coding: Coding, body: bytes) -> bytes:
    """Compresses an answer that was made now."""
    if len(body) < THREAD_BYTES:
        return coding.fast(body)
    return await asyncio.to_thread(coding.fast, body)
