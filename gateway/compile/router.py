"""Finds the endpoint of a request by its method and path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.compile.codec import Codec
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import Binding, Plan, Trie
from gateway.compile.streaming import StreamEndpoint
from gateway.compile.validation import RequestValidator

__all__ = ["Router"]


class Router:
    """Holds the endpoints of a plan."""

    def __init__(self, plan: Plan, codec: Codec, validator: RequestValidator) -> None:
        self.plan = plan
        self._tries: Mapping[str, Trie[Binding]] = plan.tries
        self._endpoints = {binding: _endpoint(binding, plan, codec, validator) for binding in plan.bindings}

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


def _endpoint(binding: Binding, plan: Plan, codec: Codec, validator: RequestValidator) -> Endpoint:
    streams = binding.method.client_streaming or binding.method.server_streaming
    return (StreamEndpoint if streams else Endpoint)(binding, plan, codec, validator)


def _candidates(method: str) -> Iterable[str]:
    # A HEAD request is a GET whose body the server leaves out (RFC 9110, section 9.3.2).
    return (method, "GET", "*") if method == "HEAD" else (method, "*")
