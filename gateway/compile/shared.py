"""Shares one encoding among identical reads that were answered by one call."""

from __future__ import annotations

from gateway.compile.codec import Encoder

__all__ = ["LARGEST_SHARED", "shared"]

LARGEST_SHARED = 1 << 20
"""Bytes of a serialised response; a larger one is not held."""


def shared(encode: Encoder) -> Encoder:
    """Returns an encoder that encodes an answer once for all who got the very same one, one after the other.

    Callers whose reads were collapsed get one bytes object. It is compared by identity, so that no caller gets what is
    another tenant's. Holds one answer, of at most `LARGEST_SHARED` bytes, until the next.
    """
    last: tuple[bytes, bytes] | None = None

    def encode_once(data: bytes) -> bytes:
        nonlocal last
        if last is not None and data is last[0]:
            return last[1]
        body = encode(data)
        last = (data, body) if len(data) <= LARGEST_SHARED else None
        return body

    return encode_once
