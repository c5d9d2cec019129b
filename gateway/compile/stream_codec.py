"""What a streaming method needs beyond its endpoint, resolved at start: where its places are, and its raw bodies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from protobuf import DescMessage, Registry

from gateway.compile.plan import malformed
from gateway.compile.plan.fields import field_policy

if TYPE_CHECKING:
    from gateway.compile.endpoint import Endpoint

__all__ = ["StreamCodec"]


class StreamCodec:
    """Serves one binding of a method that streams in one direction or both."""

    __slots__ = ("_encode", "_place", "_read", "_resume", "_validate", "frames", "raw")

    def __init__(self, endpoint: Endpoint, frames: Endpoint, registry: Registry) -> None:
        method = endpoint.method
        self.frames = frames
        """Reads what clients send over a WebSocket."""
        self._encode = endpoint.encode
        self._validate = endpoint.validate
        self._read = method.output.type.from_binary
        self._place = _marked(method.output, registry, "event_id")
        self._resume = _marked(method.input, registry, "resume_after")
        self.raw = endpoint.raw
        """Reads the media type and the bytes of an answer that is a `google.api.HttpBody`; None for ProtoJSON."""

    def messages(self, batch: Iterable[bytes]) -> list[tuple[bytes, str]]:
        """Turns serialised answers into ProtoJSON, each with its place in the stream."""
        return [(self._encode(data), self._place_of(data)) for data in batch]

    def resume(self, request: Any, last_event_id: bytes | None) -> None:
        """Lets a request go on after the place that `Last-Event-ID` names, unless it names one itself.

        Raises MeshError if the place cannot be one. A method without places begins anew, as servers of events do.
        """
        if last_event_id is None or self._resume is None or getattr(request, self._resume):
            return
        try:
            setattr(request, self._resume, last_event_id.decode())
        except UnicodeDecodeError:
            raise malformed("header", "last-event-id", "is not UTF-8") from None
        self._validate(request)

    def _place_of(self, data: bytes) -> str:
        return getattr(self._read(data), self._place) if self._place is not None else ""


def _marked(message: DescMessage, registry: Registry, mark: str) -> str | None:
    """Returns the name in Python of the field whose policy has a mark."""
    for field in message.fields:
        policy = field_policy(field.proto.options, registry)
        if policy is not None and getattr(policy, mark):
            return field.local_name
    return None
