"""Compiles one HTTP binding into what decodes its requests and encodes its answers."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

from gateway.compile.codec import Codec, DecodeError, Encoder
from gateway.compile.codec.http_body import raw_body
from gateway.compile.completion import NewId, completer, random_id
from gateway.compile.creation import creation
from gateway.compile.plan import Binding, JsonValue, Plan
from gateway.compile.plan.masks import LateMask
from gateway.compile.shared import shared
from gateway.compile.validation import RequestValidator
from gateway.errors.places import malformed, placed
from meshkit.errors import MeshError
from meshkit.json import JsonError, parse

__all__ = ["Endpoint"]


class Endpoint:
    """Decodes, validates and encodes for one binding. Everything that serving a request needs is resolved at start."""

    __slots__ = (
        "_complete", "_items", "_masks", "_validator", "binding", "creation", "encode", "method", "policy", "raw",
        "request", "route", "streams",
    )  # fmt: skip

    def __init__(self, binding: Binding, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        self.binding = binding
        self.method = binding.method
        self.policy = binding.method.policy
        self.route = binding.template.text
        self.streams = self.method.client_streaming or self.method.server_streaming
        self.encode = _encoder(binding, codec)
        self.request = codec.request(binding.method.input)
        self._complete = completer(binding.method.input, plan.registry)
        self._items = next((each.local_name for each in self.method.input.fields if each.name == self.policy.items), "")
        self._validator = validator
        self._masks = binding.mask is not None or any(parameter.is_mask for parameter in binding.query.values())
        self.creation = creation(binding, plan)
        """Tells of answers what they have created; None if calls create nothing."""
        self.raw = raw_body(binding.method.output, binding.response_field)
        """Reads the media type and the bytes of an answer that is a `google.api.HttpBody`; None for ProtoJSON."""
        validator.warm(binding.method.input, plan.registry)

    def read(self, captures: tuple[str, ...], query: bytes, body: bytes) -> bytes:
        """Turns the parts of an HTTP request into the serialised request message. Raises MeshError, all of it 400."""
        return self.serialize(self.decode(captures, query, body))

    def decode(self, captures: tuple[str, ...], query: bytes, body: bytes, media_type: bytes = b"") -> Any:
        """Turns the parts of an HTTP request into the valid request message. Raises MeshError, all of it 400.

        `media_type` is that of the body, of which only a `google.api.HttpBody` takes note.
        """
        binding = self.binding
        masks: list[LateMask] | None = [] if self._masks else None
        has_body = bool(body) and not binding.raw
        try:
            read = self._parse(body) if has_body else None
            value = binding.assemble(captures, query, read, has_body and bool(binding.body), masks)
            message = self.request.decode(value)
        except JsonError as error:
            raise malformed("body", "", str(error)) from None
        except DecodeError as error:
            raise malformed(*binding.locate(error.path), error.message) from None
        if masks or binding.raw:
            self._finish(message, masks or [], body, media_type)
        self._validator.check(message, binding)
        return message

    def _parse(self, body: bytes) -> JsonValue:
        value = parse(body)
        if not self.binding.body and value != {}:
            # An empty object says nothing, and many clients send one out of habit.
            raise JsonError("must be empty")
        return value

    def _finish(self, message: Any, masks: Sequence[LateMask], body: bytes, media_type: bytes) -> None:
        """Sets what is no ProtoJSON."""
        for field_path, paths in masks:
            self.request.set_mask(message, field_path, paths)
        if self.binding.raw:
            self.request.set_http_body(message, self.binding.body_field, media_type.decode("latin-1"), body)

    def validate(self, message: Any) -> None:
        """Checks a message that did not come by HTTP binding. Raises MeshError VALIDATION_FAILED."""
        self._validator.check(message, self.binding)

    def units(self, message: Any) -> int:
        """Returns how many times a valid message costs what a call costs: once, or once for each of its items."""
        return len(getattr(message, self._items)) if self._items else 1

    def serialize(self, message: Any, new_id: NewId = random_id) -> bytes:
        """Gives the message the identifiers that it lacks and serialises it."""
        if self._complete is not None:
            self._complete(message, new_id)
        return self.request.serialize(message)

    def written_by(self, codec: Codec) -> Self:
        """Returns the endpoint with answers that another codec writes."""
        other = copy(self)
        other.encode = _encoder(self.binding, codec)
        return other

    def located(self, error: MeshError) -> MeshError:
        """Returns the error with the HTTP places of violations that a service found."""
        return placed(error, self.binding.violation)


def _encoder(binding: Binding, codec: Codec) -> Encoder:
    encode = codec.response(binding.method.output, binding.response_field)
    return shared(encode) if binding.method.policy.collapsible else encode
