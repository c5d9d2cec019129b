"""A binding made executable: everything that serving a request needs, resolved at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.codec import Codec, DecodeError
from gateway.completion import completer
from gateway.metrics import RouteMetrics
from gateway.plan import Binding, Plan, Trie, malformed
from gateway.strict import JsonError, parse
from gateway.validation import RequestValidator

__all__ = ["Endpoint", "Router"]


class Endpoint:
    """Serves one binding."""

    __slots__ = ("_complete", "_request", "_validator", "binding", "encode", "method", "metrics", "policy", "route")

    def __init__(self, binding: Binding, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        self.binding = binding
        self.method = binding.method
        self.policy = binding.method.policy
        self.route = binding.template.text
        self.metrics = RouteMetrics(binding.http_method, self.route)
        self.encode = codec.response(binding.method.output, binding.response_field)
        self._request = codec.request(binding.method.input)
        self._complete = completer(binding.method.input, plan.registry)
        self._validator = validator
        validator.warm(binding.method.input, plan.registry)

    def read(self, captures: tuple[str, ...], query: bytes, body: bytes) -> bytes:
        """Turns the parts of an HTTP request into the serialised request message. Raises MeshError, all of it 400."""
        return self.serialize(self.decode(captures, query, body))

    def decode(self, captures: tuple[str, ...], query: bytes, body: bytes) -> Any:
        """Turns the parts of an HTTP request into the valid request message. Raises MeshError, all of it 400."""
        binding = self.binding
        if body and not binding.body:
            raise malformed("body", "", "must be empty")
        try:
            value = binding.assemble(captures, query, parse(body) if body else None, bool(body))
            message = self._request.decode(value)
        except JsonError as error:
            raise malformed("body", "", str(error)) from None
        except DecodeError as error:
            raise malformed(*binding.locate(error.path), error.message) from None
        self._validator.check(message, binding)
        return message

    def serialize(self, message: Any) -> bytes:
        """Gives the message the identifiers that it lacks and serialises it."""
        if self._complete is not None:
            self._complete(message)
        return self._request.serialize(message)


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

    def allowed(self, path: str) -> list[str]:
        """Returns the methods with which a path exists, sorted. Raises PathError."""
        found = {name for name, trie in self._tries.items() if name != "*" and trie.match(path) is not None}
        return sorted(found | {"HEAD"} if "GET" in found else found)


def _candidates(method: str) -> Iterable[str]:
    # A HEAD request is a GET whose body the server leaves out (RFC 9110, section 9.3.2).
    return (method, "GET", "*") if method == "HEAD" else (method, "*")
