"""Describes path templates and their parameters.

OpenAPI knows no variable that holds slashes, so `/v1/{name=shelves/*/books/*}` is told as
`/v1/shelves/{name}/books/{name_1}`, with one parameter for each wildcard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.compile.plan import Binding
from gateway.compile.plan.template import DEEP, STAR, Template
from gateway.describe.openapi.behavior import needed
from gateway.describe.openapi.examples import RequestExample
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.schemas import Schemas, Use

__all__ = ["Paths", "field_at"]

_SAFE = "!$&'()*+,;=:@~"
_WILDCARD = "wildcard"
_WILDCARDS = {STAR: "*", DEEP: "**"}


@dataclass(frozen=True, slots=True)
class _Wildcard:
    """A part of the path that is not fixed."""

    segment: int
    variable: int | None
    """Number of the variable that it belongs to."""
    whole: bool
    """True if it is all of its variable."""


class Paths:
    """Names the variables of paths.

    OpenAPI takes `/users/{user_id}` and `/users/{user.user_id}` for one path, whose variables have one name: that of
    the field alone, as the first binding of the path has it.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._names: dict[str, list[str]] = {}

    def of(self, binding: Binding, request: Descriptor, example: RequestExample) -> tuple[str, list[Schema]]:
        """Returns the path of a binding and its parameters: those of the path, then those of the query."""
        template = binding.template
        wildcards = list(_wildcards(template))
        shape = _shape(template, wildcards)
        names = self._names.setdefault(shape, _own_names(binding, wildcards))
        path = shape.format(*(f"{{{name}}}" for name in names))
        in_path = [
            self._path_parameter(name, wildcard, binding, request, example.path)
            for name, wildcard in zip(names, wildcards, strict=True)
        ]
        return path, [*in_path, *self._query_parameters(binding, request, example.query)]

    def _path_parameter(
        self, name: str, wildcard: _Wildcard, binding: Binding, request: Descriptor, examples: Mapping[int, str]
    ) -> Schema:
        parameter: Schema = {"name": name, "in": "path", "required": True}
        deep = binding.template.segments[wildcard.segment] == DEEP
        schema: Schema = {"type": "string"} if deep else {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        if wildcard.variable is None:
            return parameter | {"description": "Any text.", "schema": schema}
        field = field_at(request, binding.variables[wildcard.variable].field_path)
        words = self._schemas.words(field)
        if wildcard.whole:
            schema = self._schemas.value(field, Use.REQUEST)
        else:
            whole = _text(binding.template, wildcard.variable)
            words = f"Part of `{binding.variables[wildcard.variable].name}`, which reads `{whole}`. {words}".strip()
        if deep:
            words = f"{words} May hold slashes.".strip()
        parameter |= {"description": words, "schema": schema}
        part = _part(binding.template, wildcard, examples.get(wildcard.variable))
        if part is None:
            return parameter
        # A number is one in an example too, as its schema says.
        return parameter | {"example": int(part) if schema.get("type") == "integer" else part}

    def _query_parameters(
        self, binding: Binding, request: Descriptor, examples: Mapping[str, object]
    ) -> Iterator[Schema]:
        fields = {parameter.name: parameter.path for parameter in binding.query.values()}
        for name, path in fields.items():
            field = field_at(request, path)
            parameter: Schema = {"name": name, "in": "query", "description": self._schemas.words(field)}
            if needed(field):
                parameter["required"] = True
            parameter["schema"] = self._schemas.value(field, Use.REQUEST)
            yield parameter | {"example": examples[name]} if name in examples else parameter


def field_at(message: Descriptor, path: tuple[str, ...]) -> FieldDescriptor:
    """Follows the names of fields from a message down. The plan has resolved the path before."""
    field = message.fields_by_name[path[0]]
    for name in path[1:]:
        assert field.message_type is not None, "the plan has resolved the path"
        field = field.message_type.fields_by_name[name]
    return field


def _wildcards(template: Template) -> Iterator[_Wildcard]:
    for index, segment in enumerate(template.segments):
        if segment in (STAR, DEEP):
            number = next((n for n, (start, end) in enumerate(_ranges(template)) if start <= index < end), None)
            whole = number is not None and _ranges(template)[number] == (index, index + 1)
            yield _Wildcard(index, number, whole)


def _ranges(template: Template) -> list[tuple[int, int]]:
    """Returns where each variable begins and ends, counted from the front."""
    count = len(template.segments)
    return [(each.start % count, _end(each.end, count)) for each in template.variables]


def _end(end: int | None, count: int) -> int:
    if end is None:
        return count
    return end if end >= 0 else count + end


def _shape(template: Template, wildcards: list[_Wildcard]) -> str:
    """Returns the path with `{}` in place of each wildcard; braces of its own do not occur in a path."""
    wild = {wildcard.segment for wildcard in wildcards}
    parts = ["{}" if index in wild else quote(text, safe=_SAFE) for index, text in enumerate(template.segments)]
    verb = f":{quote(template.verb, safe=_SAFE)}" if template.verb else ""
    return "/" + "/".join(parts) + verb


def _own_names(binding: Binding, wildcards: list[_Wildcard]) -> list[str]:
    last = [variable.field_path[-1] for variable in binding.variables]
    full = ["_".join(variable.field_path) for variable in binding.variables]
    stems = last if len(set(last)) == len(last) else full
    names: list[str] = []
    for wildcard in wildcards:
        stem = stems[wildcard.variable] if wildcard.variable is not None else _WILDCARD
        name, number = stem, 0
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.append(name)
    return names


def _text(template: Template, variable: int) -> str:
    start, end = _ranges(template)[variable]
    return "/".join(_WILDCARDS.get(segment, segment) for segment in template.segments[start:end])


def _part(template: Template, wildcard: _Wildcard, example: str | None) -> str | None:
    """Returns the part of a variable's example that stands for one wildcard."""
    if example is None or wildcard.variable is None or wildcard.whole:
        return example
    start, _ = _ranges(template)[wildcard.variable]
    parts = example.split("/", wildcard.segment - start + (template.segments[wildcard.segment] != DEEP))
    return parts[wildcard.segment - start] if len(parts) > wildcard.segment - start else None
