"""Compiles a binding of a method that streams: its frames, and the places of its messages for resumption."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from protobuf import DescMessage, Registry

from gateway.compile.codec import Codec
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import Binding, Plan
from gateway.compile.plan.fields import field_policy
from gateway.compile.validation import RequestValidator
from gateway.errors.places import malformed

__all__ = ["StreamEndpoint"]


class StreamEndpoint(Endpoint):
    """Decodes and encodes for one binding of a method that streams in one direction or both."""

    __slots__ = ("_place", "_read", "_resume", "frames")

    def __init__(self, binding: Binding, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        super().__init__(binding, plan, codec, validator)
        frames = _frame_binding(binding)
        self.frames = self if frames is binding else Endpoint(frames, plan, codec, validator)
        """Decodes what clients send over a WebSocket: each frame is a body, or the whole message if there is none."""
        self._read = self.method.output.type.from_binary
        self._place = _marked(self.method.output, plan.registry, "event_id")
        self._resume = _marked(self.method.input, plan.registry, "resume_after")

    def messages(self, batch: Iterable[bytes]) -> list[tuple[bytes, str]]:
        """Turns serialised answers into ProtoJSON, each with its place in the stream."""
        return [(self.encode(data), self._place_of(data)) for data in batch]

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
        self.validate(request)

    def _place_of(self, data: bytes) -> str:
        return getattr(self._read(data), self._place) if self._place is not None else ""


def _frame_binding(binding: Binding) -> Binding:
    """Returns the binding that reads frames: the same, with the whole message as its body if it has none."""
    streams = binding.method.client_streaming
    return binding if binding.body or not streams else dataclasses.replace(binding, body="*", query={})


def _marked(message: DescMessage, registry: Registry, mark: str) -> str | None:
    """Returns the name in Python of the field whose policy has a mark."""
    for field in message.fields:
        policy = field_policy(field.proto.options, registry)
        if policy is not None and getattr(policy, mark):
            return field.local_name
    return None
