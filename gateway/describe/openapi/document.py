"""Builds the OpenAPI 3.1 document of a plan. The same plan always gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from rampart.mesh.v1 import policy_pb2

from gateway.compile.plan import Binding, Plan
from gateway.describe.catalogue import Reason
from gateway.describe.comments import Comments
from gateway.describe.openapi.about import about
from gateway.describe.openapi.constraints import Schema
from gateway.describe.openapi.examples import Examples
from gateway.describe.openapi.extension import DocumentExtension, OperationParts
from gateway.describe.openapi.headers import HEADERS
from gateway.describe.openapi.operations import COMMON_REASONS, Operations, descriptor
from gateway.describe.openapi.probes import HEALTH_TAG, probes
from gateway.describe.openapi.problem_schema import PROBLEM
from gateway.describe.openapi.responses import Responses
from gateway.describe.openapi.schemas import Schemas
from gateway.describe.openapi.security import SecurityRequirements
from gateway.describe.openapi.tags import Tags
from gateway.describe.openapi.well_known import STATUS, WELL_KNOWN

__all__ = ["document", "render"]

OPENAPI = "3.1.0"
MORE_METHODS = "x-oai-additionalOperations"
"""Methods that OpenAPI 3.1 has no place for stand where 3.2 has one, with the prefix of its extensions."""

_METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}


def render(document: Schema) -> bytes:
    """Returns a document as JSON for people and for version control."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def document(plan: Plan, reasons: Mapping[str, Reason], extension: DocumentExtension | None = None) -> Schema:
    """Returns the document, with what a product adds. Raises CommentError if an example is not JSON.

    `reasons` are those that the gateway itself gives, by name.
    """
    return _Document(plan, reasons, extension or DocumentExtension(about(plan))).build()


class _Document:
    def __init__(self, plan: Plan, reasons: Mapping[str, Reason], extension: DocumentExtension) -> None:
        self._about = extension.about
        self._comments = comments = Comments(plan.files)
        self._bindings = sorted(plan.bindings, key=_importance(plan.bindings))
        self._own = [(each, descriptor(plan, each.method)) for each in extension.operations]
        methods = [descriptor(plan, binding.method.full_name) for binding in self._bindings]
        everything = [*methods, *(method for _, method in self._own)]
        self._tags = Tags(everything, comments)
        self._schemas = Schemas(
            comments,
            [method.input_type for method in methods],
            [method.output_type for method in everything],
            json_names=plan.json_names,
            own={name: schema for each in extension.operations for name, schema in each.schemas.items()},
        )
        self._responses = Responses(reasons, COMMON_REASONS)
        self._security = SecurityRequirements(self._bindings, extension.security)
        self._operations = Operations(plan, comments, self._schemas, self._responses, self._security)

    def build(self) -> Schema:
        # Comes first: the operations collect the components.
        paths = self._all_paths()
        schemas = self._schemas.components | {"Problem": PROBLEM, "Status": WELL_KNOWN[STATUS]}
        schemes = self._security.schemes
        return {
            "openapi": OPENAPI,
            "info": self._about.info,
            "externalDocs": {"description": "Every reason of an error, and what to do", "url": "/problems"},
            "servers": [{"url": "/"}],
            "tags": [*self._tags.all, HEALTH_TAG],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.items())),
                "responses": dict(sorted(self._responses.components.items())),
                "headers": HEADERS,
            }
            | ({"securitySchemes": schemes} if schemes else {}),
        }

    def _all_paths(self) -> dict[str, Schema]:
        paths: dict[str, Schema] = {}
        for binding in self._bindings:
            path, operation = self._operations.of(binding, self._tags.of(binding.method.full_name))
            _add(paths.setdefault(path, {}), binding, operation)
        examples = Examples(self._comments)
        for own, method in self._own:
            parts = OperationParts(method, self._tags.of(own.method), self._comments, self._schemas, examples)
            paths.setdefault(own.path, {})[own.verb] = own.describe(parts)
        return paths | probes()


def _add(item: Schema, binding: Binding, operation: Schema) -> None:
    """Adds an operation to a path. Of two for one method, told apart only by slashes, the first is described."""
    if binding.http_method in _METHODS:
        item.setdefault(binding.http_method.lower(), operation)
    else:
        item.setdefault(MORE_METHODS, {}).setdefault(binding.http_method, operation)


def _importance(bindings: Iterable[Binding]) -> Callable[[Binding], int]:
    """Orders services by the first of their rate classes, as the enum has them: public ones last."""
    ranks: dict[str, int] = {}
    for binding in bindings:
        rank = _rank(binding.method.policy.rate_class)
        ranks[binding.method.service] = min(rank, ranks.get(binding.method.service, rank))
    return lambda binding: ranks[binding.method.service]


def _rank(rate_class: str) -> int:
    known = policy_pb2.RateClass.DESCRIPTOR.values_by_name
    value = known.get(f"RATE_CLASS_{rate_class.upper()}")
    return value.number if value is not None else len(known)
