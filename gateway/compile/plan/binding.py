"""One compiled HTTP binding: where in the request each field comes from.

Precedence is path, then body, then query. A field that the path binds cannot be set by the query under any name, nor
can a sibling in its oneof; what the body says about it is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from protobuf import DescField, DescFieldValueMessage, DescFieldValueSingular, DescMessage

from gateway.compile.plan.fields import JsonValue, Parameter, lookup
from gateway.compile.plan.masks import LateMask, resolve_paths, text_of
from gateway.compile.plan.query import pairs
from gateway.compile.plan.template import Template
from gateway.compile.plan.texts import TextReader
from gateway.compile.plan.updates import UpdateMask
from gateway.errors.places import HttpViolation, Steps, dotted, malformed, pointer
from meshkit.identity.policy import Policy

__all__ = ["Binding", "MethodPlan", "PathVariable", "oneof_siblings"]

MAX_DOTS = 32
VALUE = "google.protobuf.Value"


@dataclass(frozen=True, slots=True, eq=False)
class MethodPlan:
    """A method that HTTP can reach."""

    full_name: str
    """"/package.Service/Method"."""
    service: str
    """Short name of the service that serves it, for example "library"."""
    policy: Policy
    input: DescMessage
    output: DescMessage
    client_streaming: bool
    server_streaming: bool


@dataclass(frozen=True, slots=True, eq=False)
class PathVariable:
    """A field that a part of the path sets."""

    field_path: tuple[str, ...]
    fields: tuple[DescField, ...]
    read: TextReader
    name: str
    """The last name of the path, which callers know it by; the whole with underscores where that is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """How one HTTP method and path template call one method."""

    method: MethodPlan
    http_method: str
    template: Template
    variables: tuple[PathVariable, ...]
    """In the order of the template's variables."""
    body: str
    """"*", the proto name of a field, or empty for no body."""
    body_field: DescField | None
    response_field: DescField | None
    """The field that is the response body; None means the whole response."""
    query: Mapping[str, Parameter]
    """The allow-list of query parameters by every accepted name."""
    taken: frozenset[tuple[str, ...]]
    """The fields that the query cannot set, nor anything below them: body, path variables, and their siblings."""
    mask: UpdateMask | None
    """The FieldMask that says what of a resource in the request is to change."""
    whole: bool
    """True if the body may be any JSON: it is a whole message that ProtoJSON gives a form of its own."""
    raw: bool
    """True if the body is the data of a `google.api.HttpBody`, of any media type."""

    def __str__(self) -> str:
        return f"{self.http_method} {self.template.text} ({self.method.full_name[1:].replace('/', '.')})"

    def assemble(
        self,
        captures: tuple[str, ...],
        query: bytes,
        body: JsonValue,
        has_body: bool,
        masks: list[LateMask] | None = None,
    ) -> JsonValue:
        """Builds the ProtoJSON value of the request message. Raises MeshError naming the HTTP place.

        The paths of a FieldMask are no ProtoJSON, which knows only regular names: they go into `masks`, to be set in
        the message. Without it they are written as ProtoJSON as well as that can.
        """
        if self.body == "*":
            if self.whole and has_body and not captures:
                if body is None and self.method.input.type_name != VALUE:
                    raise malformed("body", "", "must not be null")
                return body
            request = body if has_body else {}
            if not isinstance(request, dict):
                raise malformed("body", "", "must be an object")
        else:
            request = {self.body: body} if has_body else {}
        if self.mask is not None and self.mask.inferred and has_body:
            self._set_mask(request, (self.mask.field.name,), self._infer_mask(self.mask, body), masks)
        for variable, text in zip(self.variables, captures, strict=True):
            self._place_variable(request, variable, text)
        if query:
            self._read_query(request, query, masks)
        if self.mask is not None and self.body == "*":
            self.mask.check_body(request)
        return request

    def locate(self, path: Steps) -> tuple[str, str]:
        """Returns the HTTP place ("path", "query" or "body") and the name there of a field of the request message."""
        names = tuple(step for step in path if isinstance(step, str))
        for variable in self.variables:
            if names[: len(variable.field_path)] == variable.field_path:
                return "path", variable.name
        if self.body == "*":
            return "body", pointer(path)
        if self.body_field is not None and names[:1] in ((self.body,), ()):
            return "body", pointer(path[1:])
        return "query", ".".join(names)

    def violation(self, path: Steps, reason: str, message: str) -> HttpViolation:
        place, name = self.locate(path)
        return HttpViolation(dotted(path), reason, message, place, name)

    def _place_variable(self, request: dict[str, JsonValue], variable: PathVariable, text: str) -> None:
        try:
            value = variable.read(text)
        except ValueError as error:
            raise malformed("path", variable.name, str(error)) from None
        target = request
        for index, field in enumerate(variable.fields[:-1]):
            below = _descend(target, field)
            if below is None:
                raise malformed(*self.locate(variable.field_path[: index + 1]), "must be an object")
            target = below
        last = variable.fields[-1]
        _rename(target, last)
        target[last.name] = value

    def _read_query(self, request: dict[str, JsonValue], query: bytes, masks: list[LateMask] | None) -> None:
        seen: set[tuple[str, ...]] = set()
        for name, text in pairs(query):
            parameter = self.query.get(name) or self._lookup(name)
            if parameter is None:
                raise malformed("query", name if name.isascii() and len(name) <= 64 else "", "is not a known parameter")
            if parameter.path in seen and not parameter.repeated:
                raise malformed("query", parameter.name, "must not be repeated")
            seen.add(parameter.path)
            try:
                value = parameter.read(text)
            except ValueError as error:
                raise malformed("query", parameter.name, str(error)) from None
            if parameter.is_mask and not parameter.repeated:
                paths = resolve_paths(self._resource, value)
                if self.mask is not None and parameter.field is self.mask.field:
                    self.mask.check(paths, request, "query", parameter.name)
                self._set_mask(request, parameter.path, paths, masks)
            else:
                _set(request, parameter, value)

    def _lookup(self, name: str) -> Parameter | None:
        """Finds a parameter that is too deep for the allow-list, or an entry of a map."""
        if self.body == "*" or name.count(".") > MAX_DOTS:
            return None
        found = lookup(self.method.input, name)
        if found is None or any(found.path[: len(path)] == path for path in self.taken):
            return None
        return found

    @property
    def _resource(self) -> DescMessage | None:
        """The message that the paths of a mask are about, as far as it is known: the body."""
        value = self.body_field.value if self.body_field is not None else None
        return value.message if isinstance(value, DescFieldValueMessage) else None

    def _infer_mask(self, mask: UpdateMask, body: JsonValue) -> list[str]:
        return mask.implied(body, [each.field_path[1:] for each in self.variables if each.field_path[0] == self.body])

    def _set_mask(
        self, request: dict[str, JsonValue], path: tuple[str, ...], paths: list[str], masks: list[LateMask] | None
    ) -> None:
        """The last one counts: what the query says about the mask goes beyond what the body implies."""
        if masks is None:
            _place(request, path, text_of(paths))
        else:
            masks.append(LateMask(path, paths))


def _descend(target: dict[str, JsonValue], field: DescField) -> dict[str, JsonValue] | None:
    """Returns the object of a message field, made if absent or null, under its proto name; None if it is no object."""
    _rename(target, field)
    if target.get(field.name) is None:
        target[field.name] = {}
    value = target[field.name]
    return value if isinstance(value, dict) else None


def _rename(target: dict[str, JsonValue], field: DescField) -> None:
    """Gives a member its proto name. Raises MeshError if it is there under both."""
    if field.json_name != field.name and field.json_name in target:
        if field.name in target:
            raise malformed("body", "", f"names {field.name} twice, as in the proto and as in JSON")
        target[field.name] = target.pop(field.json_name)


def _set(request: dict[str, JsonValue], parameter: Parameter, value: JsonValue) -> None:
    if parameter.repeated:
        values = _place(request, parameter.path, [], keep=True)
        assert isinstance(values, list)
        values.append(value)
    else:
        _place(request, parameter.path, value)


def _place(request: dict[str, JsonValue], path: tuple[str, ...], value: JsonValue, *, keep: bool = False) -> JsonValue:
    """Puts a value at a path, unless one is there that is to be kept; returns what is there."""
    target = request
    for name in path[:-1]:
        below = target.setdefault(name, {})
        assert isinstance(below, dict), "the query never reaches below the body or a path variable"
        target = below
    if not keep:
        target[path[-1]] = value
    return target.setdefault(path[-1], value)


def oneof_siblings(field: DescField) -> Iterator[DescField]:
    """Yields the fields that share a oneof with a field, itself included."""
    value = field.value
    oneof = value.oneof if isinstance(value, DescFieldValueSingular) else None
    yield from oneof.fields if oneof is not None else (field,)
