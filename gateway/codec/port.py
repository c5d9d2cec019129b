"""What the edge needs of a codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from protobuf import DescField, DescMessage

from gateway.plan import JsonValue

__all__ = ["Codec", "Encoder", "RequestCodec"]

Encoder = Callable[[bytes], bytes]
"""Turns a serialised response into the JSON body."""


class RequestCodec(Protocol):
    """Reads the requests of one message type."""

    def decode(self, value: JsonValue) -> Any:
        """Builds the message from its ProtoJSON value. Raises DecodeError naming the first wrong value."""
        ...

    def serialize(self, message: Any) -> bytes: ...


class Codec(Protocol):
    """Makes, once at start, what reads the requests and writes the responses of a method."""

    def request(self, message: DescMessage) -> RequestCodec: ...

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        """Returns the encoder of a whole response, or of one of its fields (`response_body`)."""
        ...
