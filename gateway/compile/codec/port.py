"""The port of codecs: request decoders and response encoders of ProtoJSON."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from protobuf import DescField, DescMessage

from gateway.compile.plan import JsonValue
from meshkit.errors import Kind, MeshError

__all__ = ["Codec", "EncodeError", "Encoder", "RequestCodec"]

_log = logging.getLogger(__name__)

Encoder = Callable[[bytes], bytes]
"""Turns a serialised response into the JSON body. Raises EncodeError."""


class EncodeError(MeshError):
    """A response cannot be written as ProtoJSON: a time out of range, say, or an Any of a type that nobody knows."""

    def __init__(self, message: DescMessage, cause: Exception) -> None:
        super().__init__(
            Kind.INTERNAL,
            "ANSWER_UNWRITABLE",
            f"the service's answer, a {message.type_name}, cannot be written as JSON",
            metadata={"type": message.type_name},
        )
        _log.error("an answer of type %s cannot be written as JSON: %s", message.type_name, cause)


class RequestCodec(Protocol):
    """Reads the requests of one message type."""

    def decode(self, value: JsonValue) -> Any:
        """Builds the message from its ProtoJSON value. Raises DecodeError naming the first wrong value."""
        ...

    def set_mask(self, message: Any, field_path: Sequence[str], paths: Sequence[str]) -> None:
        """Sets the FieldMask at a path of proto names, to paths in any names: ProtoJSON has only regular ones."""
        ...

    def set_http_body(self, message: Any, field: DescField | None, media_type: str, data: bytes) -> None:
        """Makes a message, or a field of it, the `google.api.HttpBody` with these contents."""
        ...

    def serialize(self, message: Any) -> bytes: ...


class Codec(Protocol):
    """Makes, once at start, what reads the requests and writes the responses of a method."""

    def request(self, message: DescMessage) -> RequestCodec: ...

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        """Returns the encoder of a whole response, or of one of its fields (`response_body`)."""
        ...
