"""Builds the OpenAPI 3.1 document of a plan. The same plan always gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from google.protobuf.descriptor import MethodDescriptor
from rampart.mesh.v1 import policy_pb2

from gateway.compile.plan import Binding, Plan
from gateway.describe.catalogue import Reason
from gateway.describe.comments import Comments
from gateway.describe.openapi.about import about
from gateway.describe.openapi.examples import Examples
from gateway.describe.openapi.extension import DocumentExtension, OperationParts
from gateway.describe.openapi.headers import HEADERS
from gateway.describe.openapi.identifiers import identifiers
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.names import ComponentNames
from gateway.describe.openapi.operations import COMMON_REASONS, Operations, descriptor
from gateway.describe.openapi.probes import HEALTH_TAG, PROBE_IDENTIFIERS, PROBE_SCHEMAS, probes
from gateway.describe.openapi.problem_schema import PROBLEM_SCHEMAS
from gateway.describe.openapi.responses import Responses
from gateway.describe.openapi.schemas import KEPT_NAMES, Schemas
from gateway.describe.openapi.security import SecurityRequirements
from gateway.describe.openapi.tags import Tags

__all__ = ["LOCAL_URL", "document", "render"]

OPENAPI = "3.1.0"
LOCAL_URL = "http://127.0.0.1:8080"
"""Where the API is on the machine of who has just started it."""
MORE_METHODS = "x-oai-additionalOperations"
"""Methods that OpenAPI 3.1 has no place for stand where 3.2 has one, with the prefix of its extensions."""

SOCKETS = "x-websocket-schemas"
"""Section of the components that only WebSockets carry. Generators would make types of them that nothing uses."""

_METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
_OF_PROBES = ("URI_TOO_LONG", "HEADERS_TOO_LARGE")


def render(document: Schema) -> bytes:
    """Returns a document as JSON for people and for version control."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def document(plan: Plan, reasons: Mapping[str, Reason], url: str, extension: DocumentExtension | None = None) -> Schema:
    """Returns the document, with what a product adds. Raises CommentError if an example is not JSON.

    `reasons` are those that the gateway itself gives, by name; `url` is where callers reach it, without a slash at the
    end, for example "https://api.example.com".
    """
    return _Document(plan, reasons, url, extension or DocumentExtension(about(plan))).build()


class _Document:
    def __init__(self, plan: Plan, reasons: Mapping[str, Reason], url: str, extension: DocumentExtension) -> None:
        self._url = url
        self._about = extension.about
        self._comments = comments = Comments(plan.files)
        self._bindings = sorted(plan.bindings, key=_importance(plan.bindings))
        self._own = [(each, descriptor(plan, each.method)) for each in extension.operations]
        methods = [descriptor(plan, binding.method.full_name) for binding in self._bindings]
        everything = [*methods, *(method for _, method in self._own)]
        self._identifiers = identifiers(everything, PROBE_IDENTIFIERS)
        self._tags = Tags(everything, comments)
        self._kept = {name: schema for each in extension.operations for name, schema in each.schemas.items()}
        self._kept |= PROBLEM_SCHEMAS | PROBE_SCHEMAS
        names = ComponentNames(self._bodies(methods), [*self._kept, *KEPT_NAMES])
        self._schemas, self._sockets = [
            Schemas(
                comments,
                [method.input_type for method in methods],
                [method.output_type for method in everything],
                names if section == "schemas" else ComponentNames({}, ()),
                json_names=plan.json_names,
                section=section,
            )
            for section in ("schemas", SOCKETS)
        ]
        self._responses = Responses(reasons, COMMON_REASONS, names)
        self._security = SecurityRequirements(zip(self._bindings, methods, strict=True), comments, extension.security)
        self._operations = Operations(plan, comments, self._schemas, self._sockets, self._responses, self._security)

    def build(self) -> Schema:
        # Comes first: the operations collect the components.
        paths = self._all_paths()
        schemes = self._security.schemes(self._url)
        return {
            "openapi": OPENAPI,
            "info": self._about.info(self._url),
            "externalDocs": {
                "description": "Every reason of an error, and what to do",
                "url": f"{self._url}/problems",
            },
            "servers": [{"url": self._url, "description": "Where this API is served."}],
            "tags": self._all_tags(),
            "paths": paths,
            "components": {
                "schemas": dict(sorted((self._schemas.components | self._kept).items())),
                "responses": dict(sorted(self._responses.components.items())),
                "headers": self._headers(paths),
            }
            | ({"securitySchemes": schemes} if schemes else {})
            | ({SOCKETS: dict(sorted(self._sockets.components.items()))} if self._sockets.components else {}),
        }

    def _bodies(self, methods: Iterable[MethodDescriptor]) -> dict[str, str]:
        """Returns the message that each operation takes as a whole body, by identifier."""
        wholes = [each.body == "*" and not each.variables for each in self._bindings]
        bodies = [method.input_type.full_name if whole else "" for whole, method in zip(wholes, methods, strict=True)]
        return dict.fromkeys(self._identifiers, "") | dict(zip(self._identifiers, bodies, strict=False))

    def _headers(self, paths: Mapping[str, Schema]) -> dict[str, Schema]:
        """Returns the headers that responses name: services without limits, tokens or keys have fewer."""
        used = set(_references([paths, self._responses.components]))
        return {name: schema for name, schema in HEADERS.items() if f"#/components/headers/{name}" in used}

    def _all_tags(self) -> list[Schema]:
        found = self._tags.all
        return found if any(tag["name"] == HEALTH_TAG["name"] for tag in found) else [*found, HEALTH_TAG]

    def _all_paths(self) -> dict[str, Schema]:
        paths: dict[str, Schema] = {}
        named = iter(self._identifiers)
        for binding in self._bindings:
            path, operation = self._operations.of(binding, next(named), self._tags.of(binding.method.full_name))
            _add(paths.setdefault(path, {}), binding, operation)
        examples = Examples(self._comments)
        for own, method in self._own:
            tag = self._tags.of(own.method)
            parts = OperationParts(method, next(named), tag, self._comments, self._schemas, examples)
            paths.setdefault(own.path, {})[own.verb] = own.describe(parts)
        for path, operation in probes(self._responses.of(_OF_PROBES)).items():
            # A service may have a route of that path: it comes first.
            paths.setdefault(path, {}).setdefault("get", operation)
        return paths


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference
        yield from _references([*value.values()])
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _add(item: Schema, binding: Binding, operation: Schema) -> None:
    """Adds an operation to a path. Of two for one method, told apart only by slashes, the first is described."""
    if binding.http_method in _METHODS:
        item.setdefault(binding.http_method.lower(), operation)
    else:
        item.setdefault(MORE_METHODS, {}).setdefault(binding.http_method, operation)


def _importance(bindings: Iterable[Binding]) -> Callable[[Binding], list[int]]:
    """Orders packages, and services within theirs, by the first of their rate classes, as the enum has them."""
    ranks: dict[str, int] = {}
    for binding in bindings:
        rank = _rank(binding.method.policy.rate_class)
        for name in _groups(binding):
            ranks[name] = min(rank, ranks.get(name, rank))
    places = {name: (rank, place) for place, (name, rank) in enumerate(ranks.items())}
    return lambda binding: [number for name in _groups(binding) for number in places[name]]


def _groups(binding: Binding) -> tuple[str, str]:
    """Names what a binding is described with: its package, and in there its service."""
    return binding.method.service, binding.method.full_name.rpartition("/")[0]


def _rank(rate_class: str) -> int:
    known = policy_pb2.RateClass.DESCRIPTOR.values_by_name
    value = known.get(f"RATE_CLASS_{rate_class.upper()}")
    return value.number if value is not None else len(known)
