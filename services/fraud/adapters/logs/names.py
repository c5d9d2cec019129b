"""Names logs in Redis, which holds no value of a key in clear."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from services.fraud.ports import LogKey, LogStream

__all__ = ["ALL", "NAME_BYTES", "PENDING", "STATE", "WHOLE", "chunk_name", "log_names", "stream_field", "tenant_field"]

STATE = "logs:state"
"""Hash: the run of the server, generation, since when, epoch."""
WHOLE = "logs:whole"
"""Hash: what was swept (a stream, a tenant, all) → "epoch evictions seconds": the proof, and when that ended."""
ALL = b"*"
PENDING = "logs:pending"
"""Set of the names of the hashes that hold reservations."""
NAME_BYTES = 18
_PREFIX = b"e:"


def log_names(secret: bytes) -> Callable[[LogKey], bytes]:
    """Returns what names a log by a keyed hash of its value (BLAKE2b, 128 bits), 18 bytes with the prefix."""

    @lru_cache(maxsize=131_072)
    def name(key: LogKey) -> bytes:
        text = f"{key.stream.tenant_id}\0{key.stream.schema}\0{key.value}".encode()
        return _PREFIX + blake2b(text, digest_size=16, key=secret).digest()

    return name


def chunk_name(name: bytes, number: int) -> bytes:
    """Names a sealed chunk of a log."""
    return name + b":%d" % number


@lru_cache(maxsize=8_192)
def stream_field(stream: LogStream) -> bytes:
    return f"{stream.tenant_id} {stream.schema}".encode()


@lru_cache(maxsize=8_192)
def tenant_field(tenant_id: str) -> bytes:
    return tenant_id.encode()
