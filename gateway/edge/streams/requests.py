"""Reads request messages from WebSocket frames: each text frame is the body of one, an empty frame the end.

A frame is what the body of an HTTP request would be, by the same binding; where the binding has no body, a frame is the
whole message. What the path says holds for every message, what the query says for the first.
"""

from __future__ import annotations

import json

from gateway.compile.plan import JsonValue
from gateway.compile.streaming import StreamEndpoint
from gateway.errors.places import malformed
from meshkit.json import JsonError, parse

__all__ = ["RequestReader"]


class RequestReader:
    """Reads the request messages of one connection, in order."""

    def __init__(self, endpoint: StreamEndpoint, captures: tuple[str, ...], query: bytes) -> None:
        """Raises MeshError if the query is not valid."""
        self._frames = endpoint.frames
        self._captures = captures
        # Read now, if only to refuse before the opening what could never be read.
        preset = endpoint.binding.assemble(captures, query, None, False)
        own = endpoint.frames is endpoint
        self._query = query if own else b""
        self._preset: JsonValue = None if own else preset

    def read(self, frame: bytes) -> bytes:
        """Returns the serialised message of a frame. Raises MeshError."""
        preset, self._preset = self._preset, None
        query, self._query = self._query, b""
        body = _merged(preset, frame) if preset else frame
        return self._frames.serialize(self._frames.decode(self._captures, query, body))


def _merged(preset: JsonValue, frame: bytes) -> bytes:
    """Adds the fields that the frame does not name."""
    try:
        value = parse(frame)
    except JsonError as error:
        raise malformed("body", "", str(error)) from None
    if not isinstance(preset, dict) or not isinstance(value, dict):
        return frame
    return json.dumps({**preset, **value}).encode()
