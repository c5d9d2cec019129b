"""A binding made executable: everything that serving a request needs, resolved at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.codec import Codec, DecodeError
from gateway.codec.http_body import raw_body
from gateway.completion import NewId, completer, random_id
from gateway.http.conditional import conditions, tagger
from gateway.idempotency.requests import KeyedRequests
from gateway.metrics import RouteMetrics
from gateway.plan import Binding, JsonValue, Plan, Trie, malformed
from gateway.plan.masks import LateMask
from gateway.streams.codec import StreamCodec
from gateway.streams.requests import frame_binding
from gateway.strict import JsonError, parse
from gateway.validation import RequestValidator

__all__ = ["Endpoint", "Router"]


class Endpoint:
    """Serves one binding."""

    __slots__ = (
        "_complete", "_masks", "_validator", "binding", "conditions", "encode", "keyed", "method", "metrics", "policy",
        "raw", "request", "route", "stream", "tag",
    )  # fmt: skip

    def __init__(self, binding: Binding, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        self.binding = binding
        self.method = binding.method
        self.policy = binding.method.policy
        self.route = binding.template.text
        self.metrics = RouteMetrics(binding.http_method, self.route)
        self.encode = codec.response(binding.method.output, binding.response_field)
        self.tag = tagger(binding)
        self.conditions = conditions(binding)
        self.request = codec.request(binding.method.input)
        self.keyed = KeyedRequests(binding.method, plan) if self.policy.idempotency_key else None
        """How requests with an `Idempotency-Key` are handled; None if the method takes none."""
        self._complete = completer(binding.method.input, plan.registry)
        self._validator = validator
        self._masks = bool(binding.mask) or any(parameter.is_mask for parameter in binding.query.values())
        self.raw = raw_body(binding.method.output, binding.response_field)
        """Reads the media type and the bytes of an answer that is a `google.api.HttpBody`; None for ProtoJSON."""
        validator.warm(binding.method.input, plan.registry)
        self.stream: StreamCodec | None = None
        """What a method that streams needs besides."""
        if self.method.client_streaming or self.method.server_streaming:
            frames = frame_binding(binding)
            reader = self if frames is binding else Endpoint(frames, plan, codec, validator)
            self.stream = StreamCodec(self, reader, plan.registry)

    def read(self, captures: tuple[str, ...], query: bytes, body: bytes) -> bytes:
        """Turns the parts of an HTTP request into the serialised request message. Raises MeshError, all of it 400."""
        return self.serialize(self.decode(captures, query, body))

    def decode(self, captures: tuple[str, ...], query: bytes, body: bytes, media_type: bytes = b"") -> Any:
        """Turns the parts of an HTTP request into the valid request message. Raises MeshError, all of it 400.

        `media_type` is that of the body, of which only a `google.api.HttpBody` takes note.
        """
        binding = self.binding
        if binding.raw:
            message = self._read(captures, query, b"")
            self.request.set_http_body(message, binding.body_field, media_type.decode("latin-1"), body)
        else:
            message = self._read(captures, query, body)
        self._validator.check(message, binding)
        return message

    def _read(self, captures: tuple[str, ...], query: bytes, body: bytes) -> Any:
        binding = self.binding
        masks: list[LateMask] | None = [] if self._masks else None
        has_body = bool(body and binding.body)
        try:
            value = binding.assemble(captures, query, self._parse(body) if body else None, has_body, masks)
            message = self.request.decode(value)
        except JsonError as error:
            raise malformed("body", "", str(error)) from None
        except DecodeError as error:
            raise malformed(*binding.locate(error.path), error.message) from None
        for field_path, paths in masks or ():
            self.request.set_mask(message, field_path, paths)
        return message

    def _parse(self, body: bytes) -> JsonValue:
        value = parse(body)
        if not self.binding.body and value != {}:
            # An empty object says nothing, and many clients send one out of habit.
            raise JsonError("must be empty")
        return value

    def condition(self, message: Any, headers: Mapping[bytes, bytes]) -> None:
        """Puts the caller's condition into a write (RFC 9110, section 13). Raises MeshError 400 or 412."""
        if self.conditions is not None:
            self.conditions.apply(message, headers)

    def validate(self, message: Any) -> None:
        """Checks a message that did not come by HTTP binding. Raises MeshError VALIDATION_FAILED."""
        self._validator.check(message, self.binding)

    def serialize(self, message: Any, new_id: NewId = random_id) -> bytes:
        """Gives the message the identifiers that it lacks and serialises it."""
        if self._complete is not None:
            self._complete(message, new_id)
        return self.request.serialize(message)


class Router:
    """Finds the endpoint of a request."""

    def __init__(self, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        self.plan = plan
        endpoints = {binding: Endpoint(binding, plan, codec, validator) for binding in plan.bindings}
        self._tries: Mapping[str, Trie[Binding]] = plan.tries
        self._endpoints = endpoints

    def match(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
        """Returns the endpoint and the texts of its path variables. Raises PathError."""
        for name in _candidates(method):
            trie = self._tries.get(name)
            if trie is not None and (found := trie.match(path)) is not None:
                return self._endpoints[found[0]], found[1]
        return None

    def every(self, path: str) -> list[tuple[Endpoint, tuple[str, ...]]]:
        """Returns the endpoints of a path for every method, with the texts of its path variables. Raises PathError."""
        found = (trie.match(path) for trie in self._tries.values())
        return [(self._endpoints[each[0]], each[1]) for each in found if each is not None]

    @property
    def endpoints(self) -> Iterable[Endpoint]:
        return self._endpoints.values()

    def allowed(self, path: str) -> list[str]:
        """Returns the methods with which a path exists, sorted. Raises PathError."""
        found = {name for name, trie in self._tries.items() if name != "*" and trie.match(path) is not None}
        return sorted(found | {"HEAD"} if "GET" in found else found)


def _candidates(method: str) -> Iterable[str]:
    # A HEAD request is a GET whose body the server leaves out (RFC 9110, section 9.3.2).
    return (method, "GET", "*") if method == "HEAD" else (method, "*")
