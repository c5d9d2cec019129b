"""Says how calls are authorised: the one security scheme of a document, and the scopes that open its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.compile.plan import Binding
from gateway.describe.openapi.constraints import Schema
from meshkit.identity.policy import Policy

__all__ = ["SecurityRequirements", "SecurityScheme"]


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """A named way to be authorised."""

    name: str
    describe: Callable[[Mapping[str, str]], Schema]
    """Returns the security scheme object for the scopes, which come with words about each."""


def _bearer(_: Mapping[str, str]) -> Schema:
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token."}


BEARER = SecurityScheme("bearer", _bearer)
"""For tokens that come from somewhere else."""


class SecurityRequirements:
    """Requires one scheme: that of the product, which is always described, or a bearer token where one is needed."""

    def __init__(self, bindings: Iterable[Binding], own: SecurityScheme | None) -> None:
        self._bindings = [binding for binding in bindings if not binding.method.policy.public]
        self._scheme = own or BEARER
        self._described = own is not None or bool(self._bindings)

    @property
    def schemes(self) -> Schema:
        """The schemes of the document by name; none if every operation is public."""
        return {self._scheme.name: self._scheme.describe(self._scopes())} if self._described else {}

    def of(self, policy: Policy) -> list[Schema]:
        """The token must carry one of the scopes, so each is an alternative. An empty list means that it needs none."""
        if policy.public:
            return []
        name = self._scheme.name
        return [{name: [scope]} for scope in sorted(policy.scopes)] or [{name: []}]

    def _scopes(self) -> dict[str, str]:
        """Says of each scope which methods it opens."""
        opens: dict[str, set[str]] = {}
        extends: dict[str, set[str]] = {}
        for binding in self._bindings:
            policy = binding.method.policy
            name = binding.method.full_name.rpartition("/")[2]
            for scope in policy.scopes:
                opens.setdefault(scope, set()).add(name)
            if policy.elevated_scope:
                extends.setdefault(policy.elevated_scope, set()).add(name)
        words = {scope: f"For {', '.join(sorted(names))}." for scope, names in opens.items()}
        words |= {scope: f"For exceptions in {', '.join(sorted(names))}." for scope, names in extends.items()}
        return dict(sorted(words.items()))
