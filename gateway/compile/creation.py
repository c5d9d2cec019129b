"""Finds which calls create a resource, and where it is then: 201 with `Location` (RFC 9110, section 15.3.2).

A standard Create method (AIP-133) does: POST to a collection, of whose resources a standard Get method (AIP-131) reads
one, below the same path. So does a method whose response says whether it has, by a field with
`(rampart.mesh.v1.field).created`, on a path at or above one with a Get method for what it returns. For all others there
is nowhere to point to, and a 201 without a place would mean the path of the request itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from google.api import field_behavior_pb2
from protobuf import DescField, DescFieldValueMessage, DescFieldValueScalar, DescMessage, Registry, ScalarType

from gateway.compile.plan import Binding, Plan
from gateway.compile.plan.fields import behaviors, element_message, field_policy
from gateway.compile.plan.template import DEEP, STAR, Template

__all__ = ["Creation", "creation"]

_CREATE = re.compile(r"/Create[A-Z0-9]\w*")
_GET = re.compile(r"/Get[A-Z0-9]\w*")
_NAMES = {ScalarType.STRING, ScalarType.INT32, ScalarType.INT64, ScalarType.UINT32, ScalarType.UINT64}


@dataclass(frozen=True, slots=True, eq=False)
class Creation:
    """Tells of an answer whether it has created something, and where that is."""

    output: DescMessage
    told: DescField | None
    """The field of the response that says whether something was created; None if it always is."""
    resource: DescField | None
    """The field of the response that holds the resource; None if it is the response."""
    template: Template
    """Where resources are read."""
    name: DescField | None
    """The field of the resource for the last variable of the template; None if the request's path is the place."""
    start: int
    """The segment of the template from which on the name says what the path is."""

    def location(self, response: bytes, path: str) -> str | None:
        """Returns where what was created is, as a path; None if nothing was. `path` is that of the request, raw."""
        message: Any = self.output.type.from_binary(response)
        if self.told is not None and not getattr(message, self.told.local_name):
            return None
        if self.resource is not None:
            message = getattr(message, self.resource.local_name)
        above = [
            unquote(asked) if segment == STAR else segment
            for segment, asked in zip(self.template.segments[: self.start], path[1:].split("/"), strict=False)
        ]
        below = self._named(message)
        return "/" + "/".join(map(_quoted, [*above, *below])) if below is not None else None

    def _named(self, resource: Any) -> list[str] | None:
        """Returns the segments that the name of a resource is, None for one that the template does not match."""
        if self.name is None:
            return []
        name = getattr(resource, self.name.local_name) if resource is not None else None
        wanted = self.template.segments[self.start :]
        parts = str(name or "").split("/") if len(wanted) > 1 else [str(name or "")]
        fits = len(parts) == len(wanted) and all(
            part not in ("", ".", "..") and segment in (STAR, part) for segment, part in zip(wanted, parts, strict=True)
        )
        return parts if fits else None


def creation(binding: Binding, plan: Plan) -> Creation | None:
    """Returns how answers of a binding tell what they have created; None if its calls create nothing that is known."""
    method, template = binding.method, binding.template
    if method.client_streaming or method.server_streaming or template.verb or DEEP in template.segments:
        return None
    told = next((field for field in method.output.fields if _is_told(field, plan)), None)
    if told is None and not (binding.http_method == "POST" and _CREATE.search(method.full_name)):
        return None
    for target in plan.bindings:
        if target.http_method == "GET" and _GET.search(target.method.full_name) and not target.template.verb:
            found = _at(binding, target, told, plan)
            if found is not None:
                return found
    return None


def _at(binding: Binding, target: Binding, told: DescField | None, plan: Plan) -> Creation | None:
    own, there = binding.template.segments, target.template.segments
    kinds = {kind.type_name for _, kind in _resources(target)}
    for resource, kind in _resources(binding):
        if kind.type_name not in kinds:
            continue
        if own == there and binding.http_method != "POST":
            return Creation(binding.method.output, told, resource, target.template, None, len(there))
        if own == there[:-1] and there[-1] == STAR and target.variables:
            name = _name(target.variables[-1].field_path[-1], kind, plan.registry)
            variable = target.template.variables[-1]
            if name is not None and variable.end == len(there):
                return Creation(binding.method.output, told, resource, target.template, name, variable.start)
    return None


def _resources(binding: Binding) -> Iterator[tuple[DescField | None, DescMessage]]:
    """Yields what may be the resource in a response: the field that is the body, else the response, else its fields."""
    field = binding.response_field
    if field is None:
        yield None, binding.method.output
    for each in (field,) if field is not None else binding.method.output.fields:
        if isinstance(each.value, DescFieldValueMessage) and each.value.oneof is None and element_message(each):
            yield each, each.value.message


def _name(name: str, resource: DescMessage, registry: Registry) -> DescField | None:
    """Finds the field of a resource that a variable reads: of the same name, else the one that is its identifier."""
    named = [field for field in resource.fields if field.name == name]
    found = named or [each for each in resource.fields if field_behavior_pb2.IDENTIFIER in behaviors(each, registry)]
    value = found[0].value if found else None
    plain = isinstance(value, DescFieldValueScalar) and value.oneof is None and value.scalar in _NAMES
    return found[0] if plain else None


def _is_told(field: DescField, plan: Plan) -> bool:
    policy = field_policy(field.proto.options, plan.registry)
    return policy is not None and bool(policy.created)


def _quoted(text: str) -> str:
    """Writes a segment, so that nothing in it is taken for a slash or the colon of a verb."""
    return quote(text, safe="")
