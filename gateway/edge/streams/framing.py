"""Frames the messages of a stream in the body of an HTTP answer.

    application/json          a JSON array      [{"result":M}, {"result":M}, {"status":S}]
    application/x-ndjson      a line each       {"result":M} ... {"status":S}
    text/event-stream         an event each     data: M ... event: status, data: S

M is a message as ProtoJSON; S is the `google.rpc.Status` that ends every stream, code 0 if all went well. A body
without it was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.grammar.qualities import quality
from meshkit.errors import Kind, MeshError

__all__ = ["EVENTS", "FRAMINGS", "Framing", "choose", "result_frame", "status_frame"]

Message = tuple[bytes, str]
"""A message as ProtoJSON, and its place in the stream if it has one."""

RECONNECT_MS = 1_000
_NOT_IN_IDS = frozenset("\0\r\n")


@dataclass(frozen=True, slots=True)
class Framing:
    """Writes the body of one media type."""

    name: str
    """Short, for metrics."""
    media_type: bytes
    opening: bytes = b""
    """What stands before everything else."""
    separator: bytes = b"\n"
    """What stands after each message, which is never the last frame."""
    closing: bytes = b"\n"
    """What stands after the status."""
    idle: bytes = b" "
    """What keeps the connection busy between frames: white space, which JSON allows in front of any value."""

    def messages(self, messages: Iterable[Message]) -> bytes:
        """Writes messages that are ready together."""
        return b"".join(b'{"result":%b}%b' % (body, self.separator) for body, _ in messages)

    def status(self, status: Mapping[str, Any]) -> bytes:
        """Writes the last frame."""
        return status_frame(status) + self.closing


@dataclass(frozen=True, slots=True)
class _Events(Framing):
    """Server-sent events (WHATWG HTML, section 9.2). The place of a message is the id of its event."""

    def messages(self, messages: Iterable[Message]) -> bytes:
        return b"".join(_event(body, place) for body, place in messages)

    def status(self, status: Mapping[str, Any]) -> bytes:
        return b"event: status\ndata: %b\n\n" % _dump(status)


EVENTS = _Events("sse", b"text/event-stream", opening=b"retry: %d\n\n" % RECONNECT_MS, idle=b":\n\n")
FRAMINGS: tuple[Framing, ...] = (
    Framing("array", b"application/json", opening=b"[", separator=b",\n", closing=b"]\n"),
    Framing("ndjson", b"application/x-ndjson"),
    Framing("ndjson", b"application/jsonl"),
    EVENTS,
)
"""In the order of our preference."""


@lru_cache(maxsize=256)
def choose(accept: bytes) -> Framing:
    """Returns the framing that an `Accept` header makes most welcome. Raises MeshError NOT_ACCEPTABLE."""
    best = max(FRAMINGS, key=lambda framing: quality(accept, framing.media_type))
    if quality(accept, best.media_type) > 0:
        return best
    offered = ", ".join(framing.media_type.decode() for framing in FRAMINGS)
    raise MeshError(Kind.INVALID_ARGUMENT, "NOT_ACCEPTABLE", f"this stream is available as {offered}")


def result_frame(body: bytes) -> bytes:
    """Returns the frame of one message, as a WebSocket carries it."""
    return b'{"result":%b}' % body


def status_frame(status: Mapping[str, Any]) -> bytes:
    """Returns the frame that ends a stream."""
    return b'{"status":%b}' % _dump(status)


def _event(body: bytes, place: str) -> bytes:
    if not place or not _NOT_IN_IDS.isdisjoint(place):
        return b"data: %b\n\n" % body
    return b"id: %b\ndata: %b\n\n" % (place.encode(), body)


def _dump(status: Mapping[str, Any]) -> bytes:
    return json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
