"""Names logs in Redis, which holds no value of a key in clear."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from services.fraud.ports import LogKey, LogStream

__all__ = [
    "ALL",
    "LOG_PREFIX",
    "NAME_BYTES",
    "PENDING",
    "STATE",
    "TAG_BYTES",
    "WHOLE",
    "LogNames",
    "chunk_name",
    "stream_field",
    "tenant_field",
]

# With the layout of the names: processes that name logs otherwise have a state, and logs, of their own.
STATE = "logs:2:state"
"""Hash: the run of the server, generation, epoch, order; which tenants have more than their share (see shares.lua)."""
WHOLE = "logs:2:whole"
"""Hash: what was swept (a stream, a tenant, all) → "epoch evictions turn seconds": the proof, and when that ended."""
ALL = b"*"
PENDING = "logs:2:pending"
"""Set of the names of the hashes that hold reservations."""
TAG_BYTES = 3
DIGEST_BYTES = 13
LOG_PREFIX = b"e:"
NAME_BYTES = len(LOG_PREFIX) + TAG_BYTES + DIGEST_BYTES
TENANTS = 50_000
"""Tenants whose tags are remembered, at most."""


class LogNames:
    """Names logs by keyed hashes (BLAKE2b): 3 bytes of the tenant, by which its logs are known, 13 of the key.

    Tenants whose tags are the same count as one where shares are concerned, and nowhere else.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._tags: dict[str, bytes] = {}
        self._tenants: dict[bytes, str] = {}
        self.of: Callable[[LogKey], bytes] = lru_cache(maxsize=131_072)(self._of)

    def _of(self, key: LogKey) -> bytes:
        text = f"{key.stream.tenant_id}\0{key.stream.schema}\0{key.value}".encode()
        digest = blake2b(text, digest_size=DIGEST_BYTES, key=self._secret).digest()
        return LOG_PREFIX + self.tag(key.stream.tenant_id) + digest

    def tag(self, tenant_id: str) -> bytes:
        """Returns what the names of all logs of a tenant have in them."""
        found = self._tags.get(tenant_id)
        if found is None:
            if len(self._tags) >= TENANTS:
                self._tags.clear()
                self._tenants.clear()
            found = self._tags[tenant_id] = blake2b(
                tenant_id.encode(), digest_size=TAG_BYTES, key=self._secret, person=b"tenant"
            ).digest()
            self._tenants[found] = tenant_id
        return found

    def tenant(self, tag: bytes) -> str | None:
        """Returns whose tag it is, if this process has asked for it."""
        return self._tenants.get(tag)


def chunk_name(name: bytes, number: int) -> bytes:
    """Names a sealed chunk of a log."""
    return name + b":%d" % number


@lru_cache(maxsize=8_192)
def stream_field(stream: LogStream) -> bytes:
    return f"{stream.tenant_id} {stream.schema}".encode()


@lru_cache(maxsize=8_192)
def tenant_field(tenant_id: str) -> bytes:
    return tenant_id.encode()
