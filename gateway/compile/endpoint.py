"""A binding made executable: everything that serving a request needs, resolved at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.calls.idempotency.requests import KeyedRequests
from gateway.compile.codec import Codec, DecodeError
from gateway.compile.codec.http_body import raw_body
from gateway.compile.completion import NewId, completer, random_id
from gateway.compile.json import JsonError, parse
from gateway.compile.plan import Binding, JsonValue, Plan, Trie, malformed
from gateway.compile.plan.masks import LateMask
from gateway.compile.stream_codec import StreamCodec
from gateway.compile.validation import RequestValidator
from gateway.edge.headers.conditional import conditions, tagger
from gateway.edge.metrics import RouteMetrics
from gateway.edge.streams.requests import frame_binding

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
        """Returns the endpoint and the texts of its path variables. Raises PathError.

        What is a verb of a path with one method is one with every method: `DELETE /v1/jobs/7:cancel` never deletes a
        job named `7:cancel`, where `7` can be cancelled with POST.
        """
        for name in _candidates(method):
            trie = self._tries.get(name)
            if trie is not None and (found := trie.match(path)) is not None:
                if ":" in path and not found[0].template.verb and self._names_verb(path):
                    return None
                return self._endpoints[found[0]], found[1]
        return None

    def every(self, path: str) -> list[tuple[Endpoint, tuple[str, ...]]]:
        """Returns the endpoints of a path for every method, with the texts of its path variables. Raises PathError."""
        return [(self._endpoints[binding], captures) for binding, captures in self._matches(path).values()]

    @property
    def endpoints(self) -> Iterable[Endpoint]:
        return self._endpoints.values()

    def allowed(self, path: str) -> list[str]:
        """Returns the methods with which a path exists, sorted. Raises PathError."""
        found = self._matches(path).keys() - {"*"}
        return sorted(found | {"HEAD"} if "GET" in found else found)

    def _matches(self, path: str) -> dict[str, tuple[Binding, tuple[str, ...]]]:
        found = {name: match for name, trie in self._tries.items() if (match := trie.match(path)) is not None}
        verbs = {name: match for name, match in found.items() if match[0].template.verb}
        return verbs or found

    def _names_verb(self, path: str) -> bool:
        return any(binding.template.verb for binding, _ in self._matches(path).values())


def _candidates(method: str) -> Iterable[str]:
    # A HEAD request is a GET whose body the server leaves out (RFC 9110, section 9.3.2).
    return (method, "GET", "*") if method == "HEAD" else (method, "*")
