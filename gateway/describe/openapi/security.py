"""Says how calls are authorised: the security schemes of a document, and the scopes that open its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor

from gateway.compile.plan import Binding
from gateway.describe.comments import Comments
from gateway.describe.openapi.logic import Schema
from meshkit.identity.policy import Policy, scope_words

__all__ = ["SecurityRequirements", "SecurityScheme"]


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """A named way to be authorised."""

    name: str
    describe: Callable[[Mapping[str, str], str], Schema]
    """Returns the security scheme object for the scopes, which come with words about each, and the URL of the API."""
    beside: tuple[SecurityScheme, ...] = ()
    """Other ways to be authorised for the same operations, which name no scopes."""


def _bearer(_: Mapping[str, str], __: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token."}


BEARER = SecurityScheme("bearer", _bearer)
"""For tokens that come from somewhere else."""


class SecurityRequirements:
    """Requires one scheme: that of the product, which is always described, or a bearer token where one is needed."""

    def __init__(
        self, bindings: Iterable[tuple[Binding, MethodDescriptor]], comments: Comments, own: SecurityScheme | None
    ) -> None:
        self._methods = [
            (binding.method.policy, method) for binding, method in bindings if not binding.method.policy.public
        ]
        self._comments = comments
        self._scheme = own or BEARER
        self._described = own is not None or bool(self._methods)

    def schemes(self, url: str) -> Schema:
        """Returns the schemes of the document by name; none if every operation is public."""
        if not self._described:
            return {}
        scopes = self._scopes()
        return {scheme.name: scheme.describe(scopes, url) for scheme in (self._scheme, *self._scheme.beside)}

    def of(self, policy: Policy) -> list[Schema]:
        """The token must carry one of the scopes, so each is an alternative. An empty list means that it needs none."""
        if policy.public:
            return []
        name = self._scheme.name
        own: list[Schema] = [{name: [scope]} for scope in sorted(policy.scopes)] or [{name: []}]
        return own + [{scheme.name: []} for scheme in self._scheme.beside]

    def _scopes(self) -> dict[str, str]:
        """Says of each scope what it lets its holder do: in the words of a service, else in those of its methods."""
        told: dict[str, str] = {}
        for _, method in self._methods:
            told |= scope_words(method.containing_service)
        asked = {scope for policy, _ in self._methods for scope in (*policy.scopes, policy.elevated_scope) if scope}
        return {scope: told.get(scope) or " ".join(dict.fromkeys(self._opened(scope))) for scope in sorted(asked)}

    def _opened(self, scope: str) -> Iterator[str]:
        for policy, method in self._methods:
            first = self._comments.of(method.full_name).partition("\n\n")[0].partition(". ")[0]
            if scope in policy.scopes:
                yield f"{first.removesuffix('.') or method.name}."
            elif scope == policy.elevated_scope:
                yield f"For exceptions: {first.removesuffix('.') or method.name}."
