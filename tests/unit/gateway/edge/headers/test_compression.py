from __future__ import annotations

import gzip
import sys

import brotli
import pytest

from gateway.edge.headers.compression import THREAD_BYTES, compress, compressible, preferred

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODERS = {b"gzip": gzip.decompress, b"br": brotli.decompress, b"zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("accept_encoding", "name"),
    [
        (b"", None),
        (b"identity", None),
        (b"gzip", b"gzip"),
        (b"x-gzip", b"gzip"),
        (b"GZIP", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip, deflate, br", b"br"),
        (b"deflate", None),
        (b"gzip;q=0", None),
        (b"gzip;q=0.5, br;q=0.4", b"gzip"),
        (b"gzip;q=1.0, zstd;q=0.001", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0.5, zstd;q=0", b"br"),
        (b"zstd;q=0, *;q=0", None),
        (b"identity;q=1, gzip;q=0.5", None),
        (b"identity;q=0.5, gzip;q=0.5", b"gzip"),
        (b"identity;q=0", None),
        (b"gzip; q=0.7", b"gzip"),
        (b"gzip;q=2", None),
        (b"gzip;q=nan", None),
        (b"gzip;q=0.1234", None),
        (b"\xff, gzip", b"gzip"),
    ],
)
def test_caller_gets_the_coding_it_likes_best(accept_encoding: bytes, name: bytes | None) -> None:
    coding = preferred(accept_encoding)
    assert (coding.name if coding is not None else None) == name


@pytest.mark.parametrize("name", sorted(DECODERS))
@pytest.mark.parametrize("size", [0, 1, 1024, THREAD_BYTES - 1, THREAD_BYTES, 3 * THREAD_BYTES])
async def test_what_is_compressed_can_be_read_again_and_is_always_the_same(name: bytes, size: int) -> None:
    coding = preferred(name)
    assert coding is not None
    body = (b'{"user_id":"u1"},' * (size // 17 + 1))[:size]
    once, again = await compress(coding, body), await compress(coding, body)
    assert DECODERS[name](once) == body
    assert once == again
    assert DECODERS[name](coding.small(body)) == body


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        (b"application/json", True),
        (b"application/problem+json", True),
        (b"text/html; charset=utf-8", True),
        (b"image/svg+xml", True),
        (b"image/png", False),
        (b"application/zip", False),
        (b"application/octet-stream", False),
        (b"", False),
    ],
)
def test_only_text_is_compressed(media_type: bytes, expected: bool) -> None:
    assert compressible(media_type) is expected
