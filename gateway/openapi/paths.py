"""Path templates and parameters in the words of OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.comments import Comments
from gateway.openapi.constraints import Schema, is_required
from gateway.openapi.schemas import Schemas
from gateway.plan import Binding
from gateway.plan.template import DEEP, STAR, Template

__all__ = ["Paths"]

_SAFE = "!$&'()*+,;=:@~"


class Paths:
    """Names the variables of paths.

    OpenAPI takes `/users/{user_id}` and `/users/{user.user_id}` for one path, whose variables have one name: that of
    the field alone, as the first binding of the path has it.
    """

    def __init__(self, schemas: Schemas, comments: Comments, examples: Mapping[str, object]) -> None:
        self._schemas = schemas
        self._comments = comments
        self._examples = examples
        self._names: dict[str, list[str]] = {}

    def of(self, binding: Binding, request: Descriptor) -> tuple[str, list[Schema]]:
        """Returns the path of a binding and its parameters: those of the path, then those of the query."""
        shape = _shape(binding.template)
        names = self._names.setdefault(shape, _own_names(binding))
        path = shape.format(*(f"{{{name}}}" for name in names))
        in_path = [
            self._parameter("path", name, _field(request, variable.field_path))
            for name, variable in zip(names, binding.variables, strict=False)
        ]
        fields = {parameter.name: parameter.path for parameter in binding.query.values()}
        return path, in_path + [self._parameter("query", name, _field(request, p)) for name, p in fields.items()]

    def _parameter(self, place: str, name: str, field: FieldDescriptor) -> Schema:
        parameter: Schema = {"name": name, "in": place, "description": self._comments.of(field.full_name)}
        if place == "path" or is_required(field):
            parameter["required"] = True
        parameter["schema"] = self._schemas.value(field)
        if place == "path" and name in self._examples:
            parameter["example"] = self._examples[name]
        return parameter


def _shape(template: Template) -> str:
    """Returns the path with `{}` in place of each variable; braces of its own do not occur in a path."""
    ends = {variable.start: variable.end or len(template.segments) for variable in template.variables}
    parts: list[str] = []
    index = 0
    while index < len(template.segments):
        segment = template.segments[index]
        wild = index in ends or segment in (STAR, DEEP)
        parts.append("{}" if wild else quote(segment, safe=_SAFE))
        index = ends.get(index, index + 1)
    return "/" + "/".join(parts) + (f":{template.verb}" if template.verb else "")


def _own_names(binding: Binding) -> list[str]:
    names = [variable.field_path[-1] for variable in binding.variables]
    return names if len(set(names)) == len(names) else [variable.name for variable in binding.variables]


def _field(message: Descriptor, path: tuple[str, ...]) -> FieldDescriptor:
    field = message.fields_by_name[path[0]]
    for name in path[1:]:
        assert field.message_type is not None, "the plan has resolved the path"
        field = field.message_type.fields_by_name[name]
    return field
