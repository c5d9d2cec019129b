"""The OpenAPI 3.1 document of a plan. The same plan always gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from google.protobuf.descriptor import MethodDescriptor
from rampart.mesh.v1 import policy_pb2

from gateway.catalogue import read_reasons
from gateway.comments import Comments
from gateway.oauth import ISSUE_TOKEN
from gateway.openapi.constraints import Schema
from gateway.openapi.edge import HEALTH_TAG, TOKEN_PATH, probes, token_operation
from gateway.openapi.operations import COMMON_REASONS, OAUTH2, Operations, descriptor
from gateway.openapi.paths import Paths
from gateway.openapi.responses import HEADERS, PROBLEM, Responses
from gateway.openapi.schemas import Schemas
from gateway.plan import Binding, Plan

__all__ = ["document", "render"]

_FOLDER = Path(__file__).parent
INTRODUCTION = _FOLDER / "introduction.md"
EXAMPLES = _FOLDER / "examples.json"
OPENAPI = "3.1.0"
_METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}


def render(plan: Plan) -> bytes:
    """Returns the document as JSON for people and for version control."""
    return (json.dumps(document(plan), indent=2, ensure_ascii=False) + "\n").encode()


def document(plan: Plan) -> Schema:
    """Returns the document. Raises CatalogueError or KeyError if a comment names a reason that is none."""
    return _Document(plan).build()


class _Document:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._comments = comments = Comments(plan.files)
        self._bindings = sorted(
            (binding for binding in plan.bindings if binding.http_method in _METHODS), key=_importance(plan.bindings)
        )
        self._token = _token_method(plan)
        methods = [descriptor(plan, binding) for binding in self._bindings]
        answers = [*methods, self._token] if self._token is not None else methods
        self._schemas = Schemas(comments, [m.input_type for m in methods], [m.output_type for m in answers])
        reasons = read_reasons(plan)
        self._responses = Responses(reasons, COMMON_REASONS)
        examples = json.loads(EXAMPLES.read_bytes())
        self._paths = Paths(self._schemas, comments, examples["path"])
        self._operations = Operations(plan, comments, self._schemas, self._responses, examples["methods"])

    def build(self) -> Schema:
        # Comes first: the operations collect the components.
        paths = self._all_paths()
        return {
            "openapi": OPENAPI,
            "info": {
                "title": "Rampart",
                "summary": "Decides in milliseconds whether a transaction is fraud",
                "description": INTRODUCTION.read_text(),
                "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
                "version": "v1",
            },
            "tags": [*self._tags(), HEALTH_TAG],
            "paths": paths,
            "components": {
                "schemas": dict(sorted((self._schemas.components | {"Problem": PROBLEM}).items())),
                "responses": dict(sorted(self._responses.components.items())),
                "headers": HEADERS,
                "securitySchemes": {OAUTH2: self._security_scheme()},
            },
        }

    def _all_paths(self) -> dict[str, Schema]:
        paths: dict[str, Schema] = {}
        for binding in self._bindings:
            path, parameters = self._paths.of(binding, descriptor(self._plan, binding).input_type)
            paths.setdefault(path, {})[binding.http_method.lower()] = self._operations.of(binding, parameters)
        if self._token is not None:
            tag = self._plan.methods[ISSUE_TOKEN].service
            paths[TOKEN_PATH] = {"post": token_operation(self._token, tag, self._comments, self._schemas)}
        return paths | probes()

    def _tags(self) -> list[Schema]:
        names = {binding.method.service: descriptor(self._plan, binding) for binding in self._bindings}
        if self._token is not None:
            names.setdefault(self._plan.methods[ISSUE_TOKEN].service, self._token)
        return [
            {"name": name, "description": self._comments.of(method.containing_service.full_name)}
            for name, method in names.items()
        ]

    def _security_scheme(self) -> Schema:
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


def _token_method(plan: Plan) -> MethodDescriptor | None:
    if ISSUE_TOKEN not in plan.methods:
        return None
    service, _, name = ISSUE_TOKEN[1:].partition("/")
    return plan.pool.FindServiceByName(service).methods_by_name[name]


def _importance(bindings: Iterable[Binding]) -> Callable[[Binding], int]:
    """Orders services by the first of their rate classes: those that decide come first, public ones last."""
    ranks: dict[str, int] = {}
    for binding in bindings:
        rank = policy_pb2.RateClass.Value(f"RATE_CLASS_{binding.method.policy.rate_class.upper()}")
        ranks[binding.method.service] = min(rank, ranks.get(binding.method.service, rank))
    return lambda binding: ranks[binding.method.service]
