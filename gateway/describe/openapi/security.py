"""How calls are authorised: the one security scheme of a document, and the scopes that open its operations."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.compile.plan import Binding
from gateway.describe.openapi.constraints import Schema
from gateway.describe.openapi.edge import TOKEN_PATH
from meshkit.identity.policy import Policy

__all__ = ["SecurityRequirements"]

OAUTH2 = "oauth2"
BEARER = "bearer"


class SecurityRequirements:
    """With a token endpoint of our own tokens are had from there; else they come from somewhere else."""

    def __init__(self, bindings: Iterable[Binding], *, issues_tokens: bool) -> None:
        self._bindings = [binding for binding in bindings if not binding.method.policy.public]
        self._issues_tokens = issues_tokens
        self.name = OAUTH2 if issues_tokens else BEARER

    @property
    def schemes(self) -> Schema:
        """The schemes of the document by name; none if every operation is public."""
        if self._issues_tokens:
            return {OAUTH2: self._oauth2()}
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token."}
        return {BEARER: scheme} if self._bindings else {}

    def of(self, policy: Policy) -> list[Schema]:
        """The token must carry one of the scopes, so each is an alternative. An empty list means that it needs none."""
        if policy.public:
            return []
        return [{self.name: [scope]} for scope in sorted(policy.scopes)] or [{self.name: []}]

    def _oauth2(self) -> Schema:
        return {
            "type": "oauth2",
            "description": "Client credentials. Without a choice of scopes the token has all scopes of the client.",
            "flows": {"clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": self._scopes()}},
        }

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
